"""The README's three commands, as they are written there, on a small table."""
import os
import re
import subprocess
import sys

from e2e import TAILOR, scratch

README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../README.md")

with open(README) as f:
    section = f.read().split("## Your own table in three commands\n")[1]
commands = [line.split(" #")[0].strip() for line in section.split("Ahead of time")[0].splitlines() if line.startswith("    ")]
assert len(commands) == 3, commands

with scratch() as folder:
    os.makedirs(os.path.join(folder, "build/release/bin"))
    os.symlink(TAILOR, os.path.join(folder, "build/release/bin/tailor"))
    rows = [f"{i % 17}.5,{(i * 7) % 23},{'a' if i % 3 else 'b'},{int(i % 10 == 0)}\n" for i in range(400)]
    with open(os.path.join(folder, "fraud.csv"), "w") as f:
        f.write("amount,hour,kind,Class\n" + "".join(rows))
    with open(os.path.join(folder, "new.csv"), "w") as f:
        f.write("amount,hour,kind\n3.5,7,a\n12.5,20,b\n")
    for command in commands:
        done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    with open(os.path.join(folder, "predictions.csv")) as f:
        lines = f.read().splitlines()
    assert len(lines) == 3 and re.match(r"\w+,", lines[0]), lines
print("the README's three commands work as written")
