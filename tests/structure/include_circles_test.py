"""check-include-circles finds a circle of headers and one of folders, and none where includes only go down."""
import pathlib
import subprocess
import sys
import tempfile

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools/scripts/check-include-circles"

DOWN = {
    "runtime/base/a.h": "#pragma once\n",
    "runtime/data/b.h": '#include "runtime/base/a.h"\n#include "runtime/data/c.h"\n',
    "runtime/data/c.h": '#include "runtime/base/a.h"\n',
    "runtime/data/c.cpp": '#include "runtime/data/c.h"\n#include "runtime/data/b.h"\n',  # a .cpp may look at who includes its header
    "models/net.h": '#include "runtime/data/b.h"\n#include <runtime/data/b.h>\n',
    "tests/unit/t.cpp": '#include "models/net.h"\n',
}
CIRCLES = [
    ({"runtime/data/c.h": '#include "runtime/data/b.h"\n'}, "headers that include each other: runtime/data/b.h, runtime/data/c.h"),
    ({"runtime/base/a.cpp": '#include "runtime/data/c.h"\n'}, "folders that include each other: runtime/base, runtime/data"),
    ({"runtime/base/a.cpp": '#include "models/net.h"\n'}, "folders that include each other: models, runtime/base, runtime/data"),
    ({"frontend/program.h": '#include "models/net.h"\n', "models/net.cpp": '#include "frontend/program.h"\n'},
     "folders that include each other: frontend, models"),
]


def run(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, str(SCRIPT), "--root", folder], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


def main():
    code, output = run(DOWN)
    assert code == 0 and "0 circles" in output, output
    for files, complaint in CIRCLES:
        code, output = run({**DOWN, **files})
        assert code == 1 and complaint in output, output


if __name__ == "__main__":
    main()
