"""`tailor compare`: its table, its claims computed again from the values it wrote, what it keeps, refuses and warns of."""
import csv
import json
import math
import os
import random
import re
import signal
import subprocess
import time

from e2e import TAILOR, run, scratch

RECIPE = """
[data]
train = "t.csv"
label = { column = "y", positive = "yes" }
[model]
layers = [16]
[method]
use = %s
[optimizer]
name = "adamw"
lr = 0.01
[schedule]
warmup_epochs = 1
[run]
batch = 32
epochs = %d
"""


def table(folder, rows, positive, signal_strength):
    """Two features; the positive class is moved by `signal_strength` standard deviations."""
    draw = random.Random(5)
    with open(os.path.join(folder, "t.csv"), "w") as f:
        f.write("a,b,y\n")
        for i in range(rows):
            yes = i % positive == 0
            shift = signal_strength if yes else 0
            f.write(f"{draw.gauss(shift, 1):.4f},{draw.gauss(shift, 1):.4f},{'yes' if yes else 'no'}\n")


def recipe(folder, use='["erm"]', epochs=6):
    path = os.path.join(folder, "r.toml")
    with open(path, "w") as f:
        f.write(RECIPE % (use, epochs))
    return path


def t_quantile(p, degrees):
    """Student's t, from its density by Simpson's rule."""
    scale = math.gamma((degrees + 1) / 2) / (math.sqrt(degrees * math.pi) * math.gamma(degrees / 2))
    density = lambda x: scale * (1 + x * x / degrees) ** (-(degrees + 1) / 2)

    def upper(x, steps=2000):
        h = x / steps
        inner = sum((4 if i % 2 else 2) * density(i * h) for i in range(1, steps))
        return 0.5 + h / 3 * (density(0) + density(x) + inner)
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if upper(middle) < p else (low, middle)
    return low


def mean_and_error(values):
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values))


def check_claims(result):
    """Every mean, error, difference, interval, verdict and mark follows from the values of the seeds."""
    methods = {method["name"]: method for method in result["methods"]}
    others = len(methods) - 1
    each = 1 - (1 - result["confidence"]) / others
    higher = {column["metric"]: column["higher_is_better"] for column in result["columns"]}
    told_apart = 0

    def interval(base, method, metric):
        d = [b - a for a, b in zip(methods[base]["val"][metric]["values"], methods[method]["val"][metric]["values"],
                                   strict=True)]
        mean, error = mean_and_error(d)
        half = t_quantile(1 - (1 - each) / 2, len(d) - 1) * error * math.sqrt(1 + len(d) * result["resampling"])
        return mean, error, half
    for metric, up in higher.items():
        for name, method in methods.items():
            cell = method["val"][metric]
            mean, error = mean_and_error(cell["values"])
            assert abs(cell["mean"] - mean) < 1e-12 and abs(cell["standard_error"] - error) < 1e-12, cell
            better_than_all = True
            for other in methods:
                if other != name:
                    gap, _, half = interval(other, name, metric)
                    better_than_all &= gap > half if up else gap < -half
            assert cell["best"] == better_than_all, (metric, name)
            if name == result["baseline"]:
                assert "difference" not in cell
                continue
            gap, error, half = interval(result["baseline"], name, metric)
            difference = cell["difference"]
            assert abs(difference["mean"] - gap) < 1e-12 and abs(difference["standard_error"] - error) < 1e-12
            assert abs(difference["low"] - (gap - half)) < 1e-7 and abs(difference["high"] - (gap + half)) < 1e-7, \
                (difference, gap, half)
            verdict = "" if abs(gap) <= half else "better" if (gap > 0) == up else "worse"
            assert cell["verdict"] == verdict, (metric, name, cell)
            told_apart += verdict != ""
    return told_apart


def compare(path, out, *options, status=0):
    text = run(TAILOR, "compare", path, "--out", out, "--threads", "1", *options, status=status)
    with open(os.path.join(out, "compare.json")) as f:
        return text, json.load(f)


with scratch() as folder:
    table(folder, 2000, 10, 1.5)
    path, out = recipe(folder), os.path.join(folder, "out")
    methods = ("--methods", "weighted,balanced-sampling,sqrt-sampling+smoothing,recipe", "--seeds", "4")
    text, result = compare(path, out, *methods)
    names = [method["name"] for method in result["methods"]]
    # The baseline is there though nobody asked; the recipe says what it says and is trained once.
    assert names == ["erm", "weighted", "balanced-sampling", "sqrt-sampling+smoothing"], names
    assert "recipe says what erm says: trained once" in text, text
    for column in ("accuracy", "balanced", "recall", "macro F1", "avg precision", "ECE", "ms/step"):
        assert column in text.split("validation, in %")[1].split("\n")[1], (column, text)
    assert "test, in %, for the report: nothing is chosen or claimed on it" in text, text
    # On a table with a signal and 1:9 classes weighting and balanced sampling must find more of the rare class.
    assert check_claims(result) > 0
    by_name = {method["name"]: method for method in result["methods"]}
    for name in ("weighted", "balanced-sampling"):
        assert by_name[name]["val"]["recall"]["verdict"] == "better", by_name[name]["val"]["recall"]
    assert re.search(r"^  weighted: better in .*recall \+", text, re.M), text
    # The numbers are those of the runs, which lie in folders of their own.
    for name, method in by_name.items():
        with open(os.path.join(out, name, "result.json")) as f:
            seeds = json.load(f)["seeds"]
        assert [seed["seed"] for seed in seeds] == method["seeds"] == [0, 1, 2, 3]
        for metric in ("recall", "ece", "macro_f1"):
            for split in ("val", "test"):
                assert [seed[split][metric] for seed in seeds] == method[split][metric]["values"]
    with open(os.path.join(out, "sqrt-sampling+smoothing", "manifest.json")) as f:
        options = json.load(f)["options"]
    assert options["data.sampler"]["value"] == "sqrt" and options["method.smoothing.profile"]["value"] == "one_minus_p"
    assert options["data.split.val_seed"]["value"] == "run_seed"
    with open(os.path.join(out, "compare.csv")) as f:
        rows = list(csv.DictReader(f))
    assert len(rows) == 2 * 4 * 6
    for row in rows:
        assert abs(float(row["mean"]) - by_name[row["method"]][row["split"]][row["metric"]]["mean"]) < 1e-15, row
    assert all(row["verdict"] == "" for row in rows if row["split"] == "test")
    # A second time nothing is trained, and the numbers stay; another option trains anew.
    text, again = compare(path, out, *methods)
    assert text.count("kept: the folder holds this run, finished") == 4, text
    for method in again["methods"]:
        assert method["reused"] and method["val"] == by_name[method["name"]]["val"]
        assert method["ms_per_step"] == by_name[method["name"]]["ms_per_step"]
    text, _ = compare(path, out, *methods, "--set", "run.epochs=2")
    assert "kept" not in text, text

    # The recipe's own methods are a candidate of their own, with its strengths.
    path = recipe(folder, '["weighted", "ema"]\nweighted = { table = "sqrt_inv" }', epochs=2)
    text, result = compare(path, os.path.join(folder, "own"), "--methods", "weighted,recipe", "--seeds", "1")
    assert [method["name"] for method in result["methods"]] == ["erm", "weighted", "recipe"], result
    assert "with 1 seed nothing is claimed" in text and "*" not in text.split("validation, in %")[1], text
    assert all(cell["verdict"] == "" for method in result["methods"][1:] for cell in method["val"].values())

    # What cannot be is refused, with the way out.
    text = run(TAILOR, "compare", path, "--methods", "wieghted", "--out", os.path.join(folder, "no"), status=2)
    assert "did you mean 'weighted'?" in text, text
    text = run(TAILOR, "compare", path, "--set", "data.split.val=0", "--out", os.path.join(folder, "no"), status=1)
    assert "methods are compared on validation rows" in text and "data.split.val=0.16" in text, text
    assert not os.path.exists(os.path.join(folder, "no"))
    # One logit has no bias of K logits: left out of the default list with the reason, refused when asked for.
    one_logit = ("--set", "model.output=sigmoid", "--seeds", "1", "--set", "run.epochs=2")
    text, result = compare(path, os.path.join(folder, "one"), *one_logit)
    assert "logit-adjustment is left out" in text and len(result["methods"]) == 7, text
    run(TAILOR, "compare", path, "--out", os.path.join(folder, "no"), "--methods", "logit-adjustment", *one_logit, status=1)

    # The folder of the data is another one for the schema, the runs and the command that comes next; a second time it is kept.
    table(folder, 400, 5, 2)
    os.makedirs(os.path.join(folder, "moved"))
    os.rename(os.path.join(folder, "t.csv"), os.path.join(folder, "moved/t.csv"))
    path = recipe(folder, epochs=2)
    command = ["compare", path, "--methods", "erm,weighted", "--seeds", "1", "--out", os.path.join(folder, "moved-out")]
    run(TAILOR, *command, status=1)
    moved = ["--data", os.path.join(folder, "moved")]
    assert f"--data {folder}/moved" in run(TAILOR, *command, *moved)
    assert run(TAILOR, *command, *moved).count("kept: the folder holds this run, finished") == 2
    text = run(TAILOR, *command, "--data", os.path.join(folder, "moved/t.csv"), status=1)
    assert "is no folder" in text and "--set data.train=FILE" in text, text

    # No signal: the plain model never says "yes", and 12 rows of a class cannot tell anybody apart.
    table(folder, 1600, 20, 0)
    text, result = compare(recipe(folder, epochs=3), os.path.join(folder, "noise"), "--methods", "erm,smoothing", "--seeds", "3")
    assert "erm never says 'yes' on validation in 3 of 3 seeds" in text, text
    assert "validation holds 13 rows of the rare class 'yes'" in text and "too few to tell" in text, text

    # Ctrl-C: what is finished stands in the files, and the same command goes on.
    table(folder, 4000, 10, 1.5)
    path, out = recipe(folder, epochs=100), os.path.join(folder, "stopped")
    command = [TAILOR, "compare", path, "--out", out, "--methods", "erm,weighted,smoothing", "--seeds", "2", "--threads", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    limit = time.monotonic() + 200
    while not os.path.exists(os.path.join(out, "compare.json")) and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)
    # Wait until `weighted` has trained an epoch: before its first step a signal ends the process at once.
    log = os.path.join(out, "weighted/seed-0/log.jsonl")
    while not (os.path.exists(log) and os.path.getsize(log)) and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=200)
    assert process.returncode == 130, (process.returncode, stdout, stderr)
    assert "stopped by SIGINT after 1 of 3 methods; the same command goes on" in stderr, stderr
    assert re.search(r"^erm +\d", stdout, re.M), stdout
    text = run(*command)
    assert text.count("kept") == 1 and re.search(r"^smoothing +\d", text, re.M), text
print("methods are compared by the numbers of their runs")
