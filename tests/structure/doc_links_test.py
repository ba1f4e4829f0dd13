"""check-doc-links finds what is broken: each fault it looks for, planted once in a small tree, and nothing in a sound one."""
import os
import pathlib
import subprocess
import sys
import tempfile

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools/scripts/check-doc-links"

METHODS = """# Methods
## 2. Losses
*Status: here*

### 2.5b Bias
*Status: planned*

## 16. Contradictions
*Status: here*

| id | what |
|---|---|
| C1 | Eq. 5 |
"""
SOUND = {
    "docs/methods.md": METHODS,
    "README.md": "# Top\n\n[losses](docs/methods.md#2-losses), [here](#top), `docs/methods.md`, `method.ema.decay`, `own/file.toml`\n"
                 "`optimizer.head.momentum`, [outside](https://example.org/x)\n\n```\n[no link](nowhere.md)\n```\n",
    "code/loss.h": "/// methods.md 2 and the bias of methods.md 2.5b.\n/// Names: methods.md 16, C1. Seven methods, 9 of them ours.\n",
}
# file, text that stands in it, what the script must say
BROKEN = [
    ("README.md", "[gone](docs/gone.md)", "there is no docs/gone.md"),
    ("README.md", "[gone](docs/methods.md#7-no)", "has no such heading"),
    ("README.md", "`docs/gone.md`", "names nothing in the tree"),
    ("README.md", "`method.ema.dekay`", "is no key"),
    ("code/loss.h", "/// methods.md 2.7", "cites methods.md 2.7"),
    ("code/loss.h", "/// methods 2-3", "cites methods.md 3"),
    ("code/loss.h", "/// methods.md section 9", "cites methods.md 9"),
    ("code/loss.h", "/// formulas: methods.md\n/// 2.6", "cites methods.md 2.6"),
    ("code/loss.h", "/// methods.md C9", "cites methods.md C9"),
    ("docs/methods.md", "## 3. Samplers\n\nwithout a status", "section 3 has no line"),
    ("docs/methods.md", "## 2. Losses\n*Status: here*", "section 2 stands twice"),
]


def run(root, tailor):
    done = subprocess.run([sys.executable, str(SCRIPT), "--root", str(root), "--tailor", str(tailor)], capture_output=True,
                          text=True)
    return done.returncode, done.stdout + done.stderr


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        tailor = folder / "tailor"
        tailor.write_text("#!/bin/sh\nprintf 'method.use = x\\nmethod.ema.decay = 1\\noptimizer.momentum = 1\\n'\n")
        os.chmod(tailor, 0o755)
        write(folder / "sound", SOUND)
        code, output = run(folder / "sound", tailor)
        assert code == 0, output
        for i, (name, text, complaint) in enumerate(BROKEN):
            root = folder / str(i)
            write(root, SOUND)
            (root / name).write_text(SOUND[name] + text + "\n", encoding="utf-8")
            code, output = run(root, tailor)
            assert code == 1 and complaint in output and output.count("error:") == 1, f"{text!r}:\n{output}"


if __name__ == "__main__":
    main()
