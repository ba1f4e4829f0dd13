"""Adult and mammography in three commands each: init, train, predict. Skipped without $TAILOR_DATA_DIR."""
import csv
import gzip
import json
import os
import random
import sys

from e2e import TAILOR, TAILOR_RUN, run, same_checkpoint, scratch, weights

SKIPPED = 77
FOLDER = os.path.join(os.environ.get("TAILOR_DATA_DIR", ""), "tabular")
if not os.path.exists(os.path.join(FOLDER, "adult.data.gz")):
    print("skipped: $TAILOR_DATA_DIR is not set or holds no tabular/adult.data.gz")
    sys.exit(SKIPPED)


def read(name):
    return gzip.open(os.path.join(FOLDER, name), "rt").read().split("\n")


def train_and_predict(folder, name, table, *options):
    """(test metrics, predictions of the whole table) after the three commands."""
    recipe, out, rows = (os.path.join(folder, name + suffix) for suffix in (".toml", "", "-predicted.csv"))
    run(TAILOR, "init", os.path.join(FOLDER, table), "-o", recipe, *options)
    run(TAILOR, "train", recipe, "--out", out)
    run(TAILOR, "predict", os.path.join(out, "program.tailor"), "--weights", weights(out, which="best"),
        "--data", os.path.join(FOLDER, table), "--out", rows)
    with open(os.path.join(out, "result.json")) as f:
        metrics = {key: value["mean"] for key, value in json.load(f)["metrics"].items() if value}
    return metrics, recipe, out, rows


with scratch() as folder:
    metrics, recipe, out, rows = train_and_predict(folder, "adult", "adult.data.gz", "--test", os.path.join(FOLDER, "adult.test.gz"))
    print({key: round(metrics["test/" + key], 4) for key in ("accuracy", "balanced_accuracy", "auc")})
    assert metrics["test/accuracy"] >= 0.85, metrics
    assert metrics["test/auc"] >= 0.90 and metrics["test/balanced_accuracy"] >= 0.76, metrics

    # A shuffled subset of ten rows gets the same numbers as in the whole table, digit for digit.
    lines = [line for line in read("adult.data.gz") if line]
    with open(rows) as f:
        predicted = list(csv.reader(f))[1:]
    assert len(predicted) == len(lines)
    chosen = random.Random(3).sample(range(len(lines)), 10)
    subset = os.path.join(folder, "ten.csv")
    with open(subset, "w") as f:
        f.write("".join(lines[i] + "\n" for i in chosen))
    ten = os.path.join(folder, "ten-predicted.csv")
    run(TAILOR, "predict", os.path.join(out, "program.tailor"), "--weights", weights(out, which="best"), "--data", subset, "--out", ten)
    with open(ten) as f:
        for i, row in zip(chosen, list(csv.reader(f))[1:], strict=True):
            assert row[1:] == predicted[i][1:], (i, row, predicted[i])

    # The runtime alone, with an empty environment, gives the bits that `train` gave.
    program = os.path.join(folder, "adult.tailor")
    run(TAILOR, "compile", recipe, "-o", program)
    alone = os.path.join(folder, "alone")
    run(TAILOR_RUN, program, "--out", alone, "--quiet", cwd="/", env={})
    same_checkpoint(weights(out), weights(alone), "train, and compile + tailor-run")

    metrics, *_ = train_and_predict(folder, "mammography", "mammography.csv.gz")
    print({key: round(metrics["test/" + key], 4) for key in ("average_precision", "auc", "balanced_accuracy")})
    assert metrics["test/average_precision"] >= 0.65 and metrics["test/auc"] >= 0.93, metrics
