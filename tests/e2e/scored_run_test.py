"""predict and eval on the folder of a run: its program, weights and choices; what is written; which rows were seen."""
import csv
import json
import math
import os
import random
import re
import shutil
import subprocess

from e2e import TAILOR, TAILOR_RUN, run, same_file, scratch, tensors

random.seed(5)
RECIPE = """[data]
train = "t.csv"
label = { column = "y", positive = "yes" }
columns = { id = "name" }
[model]
layers = [8]
[schedule]
name = "constant"
[run]
batch = 16
epochs = 5
keep = { best = "val/auc" }
"""


def expect(output, *parts):
    for part in parts:
        assert re.search(part, output), f"expected {part!r} in:\n{output}"


with scratch() as folder:
    def path(name):
        return os.path.join(folder, name)

    def go(*command, status=0):
        return run(*command, cwd=folder, status=status)

    def table(name, rows):
        with open(path(name), "w", newline="") as f:
            csv.writer(f).writerows([["name", "a", "b", "y"]] + rows)

    def read(name):
        with open(path(name)) as f:
            return list(csv.DictReader(f))

    def result(out):
        with open(path(out + "/result.json")) as f:
            return json.load(f)["seeds"]

    rows = [[f"r{i}", f"{random.gauss(1.0 if i % 4 == 0 else 0.0, 1):.6f}", f"{random.gauss(0, 1):.6f}", "yes" if i % 4 == 0 else "no"]
            for i in range(400)]
    table("t.csv", rows)
    table("new.csv", [[f"n{i}", f"{random.gauss(0, 1):.6f}", f"{random.gauss(0, 1):.6f}", "no"] for i in range(30)])
    with open(path("r.toml"), "w") as f:
        f.write(RECIPE)

    # The folder stands for the program, the best weights and the run's own choices.
    go(TAILOR, "train", "r.toml", "--out", "o", "--set", "data.split.seed=3")
    said = go(TAILOR, "predict", "o", "--data", "new.csv", "--out", "p.csv")
    expect(said, r"weights  o/seed-0/best.safetensors: seed 0, epoch \d, the best by val/auc \(0.\d{4}\)", "wrote 30 rows to p.csv")
    go(TAILOR_RUN, "predict", "o/program.tailor", "--weights", "o/seed-0/best.safetensors", "--data", "new.csv", "--out", "q.csv")
    same_file(path("p.csv"), path("q.csv"), "predictions of the folder and of its files")
    seed = result("o")[0]
    for which, values in (("best", seed["test"]), ("last", seed["last"]["test"])):
        scored = subprocess.run([TAILOR, "eval", "o", "--weights", which, "--json"], cwd=folder, capture_output=True, text=True)
        assert json.loads(scored.stdout)["metrics"]["auc"] == values["auc"], (which, scored.stdout, values)
    other = subprocess.run([TAILOR, "eval", "o", "--json", "--set", "data.split.seed=0"], cwd=folder, capture_output=True, text=True)
    assert json.loads(other.stdout)["metrics"]["auc"] != seed["test"]["auc"], "the run's split is not the recipe's"

    # Standard output holds the table and nothing else.
    piped = subprocess.run([TAILOR, "predict", "o", "--data", "new.csv", "--out", "-"], cwd=folder, capture_output=True, text=True)
    with open(path("p.csv")) as f:
        assert piped.stdout == f.read(), piped.stdout
    with open("/dev/full", "w") as full:
        done = subprocess.run([TAILOR, "predict", "o", "--data", "new.csv", "--out", "-"], cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "cannot write to standard output" in done.stderr, done.stderr

    # Validation predictions, with what makes them: figures can be taken again from them.
    go(TAILOR, "predict", "o", "--split", "val", "--columns", "probability,decision,logits,label", "--out", "val.csv")
    val = read("val.csv")
    right = sum(row["decision"] == row["label"] for row in val) / len(val)
    assert abs(right - seed["val"]["accuracy"]) < 1e-12, (right, seed["val"])
    truth = {row[0]: row[3] for row in rows}
    for row in val:
        assert row["label"] == truth[row["id"]], row
        p = 1 / (1 + math.exp(float(row["z_no"]) - float(row["z_yes"])))
        assert abs(p - float(row["p_yes"])) < 1e-6, row
    assert list(val[0]) == ["id", "p_no", "p_yes", "decision", "z_no", "z_yes", "label"], list(val[0])
    parts = {split: go(TAILOR, "predict", "o", "--split", split, "--columns", "label", "--out", split + ".csv") and read(split + ".csv")
             for split in ("train", "val", "test")}
    assert sorted(row["id"] for part in parts.values() for row in part) == sorted(truth), "the splits are the table"
    expect(go(TAILOR, "predict", "o", "--split", "val", "--data", "new.csv", status=1), "--split val names a part of the program's own data")
    expect(go(TAILOR, "predict", "o", "--columns", "features,logit", status=1), "the columns of predictions are probability | decision | logits | features | label, not 'logit'".replace("|", r"\|"))

    # Features are written where the program gives them; of a recipe's network what its last layer reads.
    go(TAILOR, "predict", "o", "--split", "val", "--columns", "features,logits", "--out", "f.csv")
    features = read("f.csv")
    assert list(features[0]) == ["id", "z_no", "z_yes"] + [f"f_{i}" for i in range(8)], list(features[0])
    head = {name.removeprefix("net/"): values for name, values in tensors(path("o/seed-0/best.safetensors")).items()}
    for row, scored in zip(features, val):
        for k, name in enumerate(("z_no", "z_yes")):
            z = head["head.bias"][k] + sum(head["head.weight"][8 * k + i] * float(row[f"f_{i}"]) for i in range(8))
            assert abs(z - float(row[name])) < 1e-5 and row[name] == scored[name], (row, z)
    go(TAILOR, "train", "r.toml", "--out", "linear", "--set", "model.layers=[]", "--quiet")
    go(TAILOR, "predict", "linear", "--data", "new.csv", "--columns", "features", "--out", "f.csv")
    assert list(read("f.csv")[0]) == ["id", "f_0", "f_1"], "a linear model reads its inputs"
    example = os.environ.get("TAILOR_EXAMPLE_PROGRAM")
    if example:
        go(example, "train", "--out", "x", "--set", "run.epochs=1", "--quiet")
        go(example, "predict", "x", "--columns", "features,label", "--out", "f.csv")
        assert list(read("f.csv")[0]) == ["row"] + [f"f_{i}" for i in range(64)] + ["label"]

    # Several seeds: the one is named.
    go(TAILOR, "train", "r.toml", "--out", "s", "--set", "run.seeds=2", "--quiet")
    expect(go(TAILOR, "predict", "s", "--data", "new.csv", status=1), "'s' has 2 trained seeds: 0, 1", "hint: say which: --seed 0")
    expect(go(TAILOR, "predict", "s", "--data", "new.csv", "--seed", "1"), "s/seed-1/best.safetensors: seed 1")
    expect(go(TAILOR, "predict", "s", "--data", "new.csv", "--seed", "7", status=1), "'s' has no trained seed 7, it has 0, 1")
    os.makedirs(path("empty"))
    expect(go(TAILOR, "predict", "empty", "--data", "new.csv", status=1), "'empty' holds no trained run")
    expect(go(TAILOR, "predict", "o/program.tailor", "--data", "new.csv", status=2), "a program needs --weights")
    # A best file of another run is not taken for this one's.
    shutil.copy(path("s/seed-1/best.safetensors"), path("s/seed-0/best.safetensors"))
    expect(go(TAILOR, "predict", "s", "--data", "new.csv", "--seed", "0", status=1), "is of epoch .* knows epoch .* as the best|checkpoint")

    # Rows that were trained on are counted, in the file itself and in a copy of some of them.
    said = go(TAILOR, "eval", "o", "--data", "t.csv")
    expect(said, "warning: 256 of the 400 rows of 't.csv' were trained on, 64 more are of validation, which chose the best epoch: the metrics flatter")
    copy = random.sample(rows, 100)
    table("copy.csv", copy)
    trained = {row["id"] for row in parts["train"]}
    done = subprocess.run([TAILOR, "eval", "o", "--data", "copy.csv", "--json"], cwd=folder, capture_output=True, text=True)
    assert json.loads(done.stdout)["seen_rows"]["train"] == sum(row[0] in trained for row in copy), done.stdout
    expect(done.stderr, r"rows of 'copy.csv' equal rows that were trained on")
    assert "warning" not in go(TAILOR, "eval", "o", "--data", "new.csv")

    # Weights under a program whose network computes something else say so; roles of columns that are no input do not.
    go(TAILOR, "train", "r.toml", "--out", "trained", "--set", "run.epochs=1")
    weights = "trained/seed-0/last.safetensors"
    go(TAILOR, "compile", "r.toml", "-o", "silu.tailor", "--set", "model.activation=silu")
    expect(go(TAILOR_RUN, "eval", "silu.tailor", "--weights", weights, "--data", "t.csv"),
           r"warning: .*last.safetensors' was trained by another program: 'model.activation' was \"relu\", here it is \"silu\";")
    go(TAILOR, "compile", "r.toml", "-o", "frozen.tailor", "--set", 'model.freeze=["fc0.*"]')
    said = go(TAILOR_RUN, "eval", "frozen.tailor", "--weights", weights, "--data", "t.csv")
    assert "another program" not in said, said

    os.rename(path("t.csv"), path("gone.csv"))
    expect(go(TAILOR, "eval", "o", "--data", "copy.csv"), "note: whether 'copy.csv' holds rows that were trained on is not known")
    print("the folder of a run is all that predict and eval need")
