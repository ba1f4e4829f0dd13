"""Every command of the README, as it is written there, in a folder that is not the repository, and all of it twice."""
import os
import re
import subprocess
import sys

from e2e import TAILOR, TAILOR_RUN, cifar_batch, scratch

REPOSITORY = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
OURS = ("tailor", "tailor-run")


def parts():
    """("command", line) and ("file", name, text) in the order of the README: indented lines, and fenced blocks that begin
    with their file's name in a comment."""
    with open(os.path.join(REPOSITORY, "README.md")) as f:
        text = f.read()
    for match in re.finditer(r"^```toml\n# (\S+)\n(.*?)^```$|^    (\S[^\n]*)$", text, re.M | re.S):
        name, body, line = match.groups()
        yield ("file", name, body) if name else ("command", re.sub(r"\s+#.*", "", line))


def commands(*words):
    return [part[1] for part in parts() if part[0] == "command" and part[1].split()[0] in words]


def check_scripts():
    scripts = [part[1].split()[0] for part in parts() if part[0] == "command" and part[1].startswith("tools/")]
    assert len(scripts) >= 2 and all(os.access(os.path.join(REPOSITORY, script), os.X_OK) for script in scripts), scripts


def run(command, folder, environment):
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def write_tables(folder):
    rows = [f"{i % 17}.5,{(i * 7) % 23},{'a' if i % 3 else 'b'},{int(i % 10 == 0)}\n" for i in range(400)]
    with open(os.path.join(folder, "fraud.csv"), "w") as f:
        f.write("amount,hour,kind,Class\n" + "".join(rows))
    with open(os.path.join(folder, "new.csv"), "w") as f:
        f.write("amount,hour,kind\n3.5,7,a\n12.5,20,b\n")


def write_images(folder):
    images = os.path.join(folder, "cifar-10-batches-bin")
    os.makedirs(images)
    for number in range(1, 6):
        cifar_batch(os.path.join(images, f"data_batch_{number}.bin"), 100, number)
    cifar_batch(os.path.join(images, "test_batch.bin"), 40, 6)


check_scripts()
listed = commands(*OURS)
for verb in ("data", "init", "compare", "train", "predict", "compile", "inspect", "run", "recipe"):
    assert any(command.startswith(f"tailor {verb} ") for command in listed), f"the README shows no tailor {verb}"
assert any(command.startswith("tailor-run ") for command in listed), listed
(export,) = commands("export")

with scratch() as repository, scratch() as folder:
    # The line that puts the binaries on the path is typed in the repository, the others anywhere.
    binaries = os.path.join(repository, "build/release/bin")
    os.makedirs(binaries)
    os.symlink(TAILOR, os.path.join(binaries, "tailor"))
    os.symlink(TAILOR_RUN, os.path.join(binaries, "tailor-run"))
    environment = dict(os.environ, PATH=run(export + '; echo -n "$PATH"', repository, os.environ))
    write_tables(folder)
    write_images(folder)
    for attempt in ("first", "second"):
        for part in parts():
            if part[0] == "file":
                with open(os.path.join(folder, part[1]), "w") as f:
                    f.write(part[2])
            elif part[1].split()[0] in OURS:
                run(part[1], folder, environment)
        predictions = os.path.join(folder, "predictions.csv")
        with open(predictions) as f:
            lines = f.read().splitlines()
        assert len(lines) == 3 and re.match(r"\w+,", lines[0]), (attempt, lines)
        os.remove(predictions)
print(f"the README's {len(listed)} commands work twice as written, in a folder of their own")
