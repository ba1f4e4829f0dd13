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
    assert re.search("error: (training 'r'|opening the data: reading the data): out of memory", done.stderr), done.stderr
    assert "hint: " in done.stderr, done.stderr
    run(TAILOR_RUN, "p.tailor", "--out", "o", cwd=folder)  # and the folder is still good for a run

    # The compiler, with just more than it takes to load its libraries: an error wherever memory runs out, inside
    # LLVM too. The place differs from limit to limit.
    with open(os.path.join(folder, "deep.toml"), "w") as f:
        f.write((RECIPE % 3).replace("[4]", str([8] * 80)))
    few, enough = 0.01, 16.0
    while enough - few > 0.001:
        middle = (few + enough) / 2
        loads = limited(TAILOR, "--version", cwd=folder, gigabytes=middle).returncode == 0
        few, enough = (few, middle) if loads else (middle, enough)
    codes = []
    for megabytes in range(1, 20, 3):
        done = limited(TAILOR, "compile", "deep.toml", "-o", "deep.tailor", cwd=folder, gigabytes=enough + megabytes / 1000)
        codes.append(done.returncode)
        if done.returncode == 0:
            break
        assert done.returncode == 1 and "error: " in done.stderr and "out of memory" in done.stderr, (megabytes, done)
    assert 1 in codes, "no limit was too small"

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
