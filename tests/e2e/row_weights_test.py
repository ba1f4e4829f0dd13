"""Rows weighed by a column: what it does to training, what it leaves alone, and what is said of class weights twice."""
import json
import os
import random
import re

from e2e import TAILOR, TAILOR_RUN, run, same_checkpoint, scratch, weights

RECIPE = """
base = "tabular"
[data]
train = "%(table)s"
label = "y"
%(data)s
[model]
layers = [8]
[method]
use = ["%(method)s"]
[run]
batch = 32
eval_batch = 32
epochs = 2
"""


def rows():
    draw = random.Random(3)
    for i in range(600):
        y = int(i % 6 == 0)
        yield draw.gauss(2.0 * y, 1), draw.gauss(-1.0 * y, 1), y


with scratch() as folder:
    def path(name):
        return os.path.join(folder, name)

    def table(name, weight):
        with open(path(name), "w") as f:
            f.write("a,b,stake,y\n")
            for a, b, y in rows():
                f.write(f"{a:.6f},{b:.6f},{weight(y)},{'yn'[y == 0]}\n")

    def recipe(name, table_name, data, method="erm"):
        with open(path(name), "w") as f:
            f.write(RECIPE % {"table": table_name, "data": data, "method": method})

    def losses(name, *options):
        output = run(TAILOR, "train", path(name + ".toml"), "--out", path(name), *options)
        with open(os.path.join(path(name), "seed-0", "log.jsonl")) as f:
            return [json.loads(line)["train/loss"] for line in f], output

    weighed, ignored = 'row_weights = "stake"', 'columns.drop = ["stake"]'
    table("alike.csv", lambda y: 40)
    table("by_class.csv", lambda y: 5 if y else 1)
    for name, table_name, data, method in [("plain", "alike.csv", ignored, "erm"), ("alike", "alike.csv", weighed, "erm"),
                                           ("by_row", "by_class.csv", weighed, "erm"),
                                           ("by_class", "by_class.csv", ignored, "weighted")]:
        recipe(name + ".toml", table_name, data, method)
    with open(path("by_class.toml"), "a") as f:
        f.write("[method.weighted]\nweights = { n = 1, y = 5 }\n")

    # The unit of the column is no rate: a stake of 40 everywhere is none.
    plain, _ = losses("plain")
    alike, output = losses("alike")
    assert all(abs(a - b) < 1e-4 for a, b in zip(plain, alike)), (plain, alike)
    assert "column 'stake' weighs the rows in the training loss; metrics count every row alike" in output, output
    # One weight for all rows of a class is a class weight.
    by_row, _ = losses("by_row")
    by_class, _ = losses("by_class")
    assert all(abs(a - b) < 1e-4 for a, b in zip(by_class, by_row)), (by_class, by_row)
    assert abs(by_row[-1] - plain[-1]) > 0.02, (by_row, plain)

    # A batch of weights that are all 0 has no mean, and none in that of the epoch.
    with open(path("rare.csv"), "w") as f:
        f.write("a,b,stake,y\n")
        for number, (a, b, y) in enumerate(rows()):
            f.write(f"{a:.6f},{b:.6f},{int(number % 40 == 0)},{'yn'[y == 0]}\n")
    recipe("rare.toml", "rare.csv", weighed)
    run(TAILOR, "train", path("rare.toml"), "--out", path("rare"), "--set", "run.drop_last=true", "--set", "run.log_steps=1")
    with open(os.path.join(path("rare"), "seed-0", "log.jsonl")) as f:
        steps = []
        for line in map(json.loads, f):
            assert not any(name.endswith(".counted") for name in line), line
            if "step/loss" in line:
                steps.append(line["step/loss"])
                continue
            counted = [loss for loss in steps if loss is not None]
            assert 0 < len(counted) < len(steps), "some batches have weights, and some have none"
            assert abs(line["train/loss"] - sum(counted) / len(counted)) < 1e-5, (line, steps)
            steps = []

    # Threads and an interruption change no bit.
    run(TAILOR, "train", path("by_row.toml"), "--out", path("threads"), "--threads", "2")
    same_checkpoint(weights(path("by_row")), weights(path("threads")), "weighed rows, 2 threads")

    # Predictions need no weights.
    with open(path("new.csv"), "w") as f:
        f.write("a,b\n0.1,0.2\n")
    run(TAILOR_RUN, "predict", path("by_row"), "--data", path("new.csv"), "--out", path("p.csv"))

    # A cell that is no weight stands at its place.
    table("bad.csv", lambda y: -1 if y else 1)
    recipe("bad.toml", "bad.csv", weighed)
    output = run(TAILOR, "train", path("bad.toml"), "--out", path("bad"), status=1)
    assert re.search(r"bad\.csv:2:\d+: column 'stake': expected a row weight: a number from 0 to 1e30, found '-1'", output), \
        output

    # What a recipe is noted for is noted when tailor-run changes the sampler, and where it is meant it is not.
    corrected = "the class weights of 'weighted' and sampler 'class_balanced' correct the class frequencies twice"
    for twice in (False, True):
        recipe("twice.toml", "alike.csv", ignored, "weighted")
        output = run(TAILOR, "compile", path("twice.toml"), "-o", path("twice.tailor"), "--set",
                     f"method.weighted.twice={str(twice).lower()}")
        assert corrected not in output, output
        output = run(TAILOR_RUN, path("twice.tailor"), "--out", path(f"twice-{twice}"), "--set",
                     "data.sampler=class_balanced", "--set", "run.epochs=1")
        assert (corrected in output) == (not twice), output
        assert output.count(corrected) <= 1, output
