"""Sizes beyond memory are errors with a message, and many classes do not make files grow with their square."""
import json
import os
import re
import resource
import subprocess

from e2e import TAILOR, TAILOR_RUN, run, scratch

RECIPE = """[data]
format = "blobs"
classes = %d
dimensions = 2
samples_per_class = 2
val_per_class = 1
test_per_class = 1
[model]
layers = [4]
[run]
batch = 64
epochs = 1
"""


def limited(*command, cwd, gigabytes):
    limit = int(gigabytes * 1e9)
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))


with scratch() as folder:
    with open(os.path.join(folder, "r.toml"), "w") as f:
        f.write(RECIPE % 3)
    run(TAILOR, "compile", "r.toml", "-o", "p.tailor", cwd=folder)
    done = limited(TAILOR_RUN, "p.tailor", "--set", "data.samples_per_class=8000000", "--out", "o", cwd=folder, gigabytes=0.5)
    assert done.returncode == 1, f"exit {done.returncode}\n{done.stderr}"
    assert re.search("error: training 'r': out of memory", done.stderr), done.stderr
    assert "hint: " in done.stderr, done.stderr
    run(TAILOR_RUN, "p.tailor", "--out", "o", cwd=folder)  # and the folder is still good for a run

    with open(os.path.join(folder, "many.toml"), "w") as f:
        f.write(RECIPE % 1000)
    run(TAILOR, "train", "many.toml", "--out", "many", cwd=folder)
    with open(os.path.join(folder, "many/seed-0/log.jsonl")) as f:
        line = f.readline()
    assert len(line) < 50000, f"a line of {len(line)} bytes"
    line = json.loads(line)
    assert "val/confusion" not in line
    assert line["val/class_rows"] == [1] * 1000
    assert sum(line["val/class_correct"]) == round(line["val/accuracy"] * sum(line["val/class_rows"]))
    print("no abort, no square")
