"""One logit learns, scores and predicts the same whichever class is listed first and called positive."""
import csv
import json
import os

from e2e import TAILOR, run, scratch, weights

# v decides the class but for a few rows; one row in five is rare.
ROWS = "".join(f"{i % 9},{(3 if i % 5 == 0 else -3) + (i % 7) / 4},{'rare' if i % 5 == 0 else 'common'}\n" for i in range(400))
RECIPE = """[data]
train = "t.csv"
label = { column = "label", classes = %s, positive = "rare" }
[model]
layers = [8]
output = "sigmoid"
[schedule]
name = "constant"
[run]
batch = 16
epochs = 10
"""

with scratch() as folder:
    with open(os.path.join(folder, "t.csv"), "w") as f:
        f.write("u,v,label\n" + ROWS)
    for order in ('["rare", "common"]', '["common", "rare"]'):
        with open(os.path.join(folder, "r.toml"), "w") as f:
            f.write(RECIPE % order)
        out = os.path.join(folder, "rare-first" if order.startswith('["rare') else "rare-last")
        run(TAILOR, "train", "r.toml", "--out", out, "--quiet", cwd=folder)
        with open(os.path.join(out, "result.json")) as f:
            metrics = json.load(f)["metrics"]
        for name in ("accuracy", "auc", "f1", "average_precision"):
            value = metrics["test/" + name]["mean"]
            assert value > 0.95, f"{order}: {name} is {value}"
        run(TAILOR, "predict", os.path.join(out, "program.tailor"), "--weights", weights(out), "--data", "t.csv",
            "--out", "p.csv", cwd=folder)
        with open(os.path.join(folder, "p.csv")) as f:
            rows = list(csv.DictReader(f))
        truth = [line.split(",")[2] for line in ROWS.splitlines()]
        right = sum(row["decision"] == label for row, label in zip(rows, truth))
        assert right > 0.95 * len(truth), f"{order}: {right} of {len(truth)} decisions are right"
        assert all((float(row["p_rare"]) > 0.5) == (row["decision"] == "rare") for row in rows)
    print("both orders learn")
