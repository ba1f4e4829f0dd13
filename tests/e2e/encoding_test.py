"""docs/encoding.md, done again: from the cells of a table and a checkpoint to the probabilities that predict writes."""
import bisect
import csv
import json
import math
import os
import random
import statistics

from e2e import TAILOR, run, scratch, tensors, weights

random.seed(3)
COLUMNS = ["when", "gap", "price", "kind", "y"]
RECIPE = """[data]
train = "t.csv"
label = { column = "y", positive = "1" }
columns = { numeric = ["when", "gap", "price"], categorical = ["kind"] }
thousands = ","
number_signs = ["$"]
missing_markers = ["-"]
missing = "flag"
numeric = "%s"
[model]
layers = [6]
[optimizer]
lr = 0.05
[run]
batch = 16
epochs = 3
"""


def a_row(i):
    y = i % 3 == 0
    when = 1.7e9 + 86400 * random.random() + 40000 * y
    return [f"{when:.1f}", "-" if i % 7 == 2 else f"{random.gauss(y, 1):.4f}", f"${random.lognormvariate(7 + y, 1):,.2f}",
            "" if i % 11 == 5 else random.choice(["red", "green", "blue"]), f"{y:d}"]


def number(cell):
    return None if cell in ("", "-") else float(cell.replace("$", "").replace(",", ""))


def quantile_feature(x, q):
    c = 5.199337582605575
    if x < q[0]:
        return -c
    if x > q[-1]:
        return c
    low = bisect.bisect_left(q, x)
    if q[low] == x:
        position = (low + bisect.bisect_right(q, x) - 1) / 2
    else:
        position = low - 1 + (x - q[low - 1]) / (q[low] - q[low - 1])
    rank = position / (len(q) - 1)
    return -c if rank <= 1e-7 else c if rank >= 1 - 1e-7 else statistics.NormalDist().inv_cdf(rank)


def encode(row, fitted, capacity):
    numeric, flags = [], []
    for c, name in enumerate(["when", "gap", "price"]):
        x = number(row[COLUMNS.index(name)])
        if name == "gap":  # the only column that had missing cells
            flags.append(float(x is None))
        mean, std = fitted["mean"][c], fitted["std"][c]
        x = mean if x is None else x
        if fitted["normalisation"] == "standard":
            x = (x - mean) / (std if std > 0 else 1)
        if fitted["normalisation"] == "quantile":
            n = fitted["num_quantiles"]
            x = quantile_feature(x, fitted["quantiles"][c * n:(c + 1) * n])
        numeric.append(x)
    text, known = row[COLUMNS.index("kind")] or "(missing)", fitted["vocabularies"][0]
    code = known.index(text) if text in known else capacity - 1
    return numeric + flags + [float(k == code) for k in range(capacity)]


def linear(x, weight, bias):
    return [b + sum(w * v for w, v in zip(weight[o * len(x):(o + 1) * len(x)], x, strict=True)) for o, b in enumerate(bias)]


with scratch() as folder:
    def write(name, rows):
        path = os.path.join(folder, name)
        with open(path, "w", newline="") as f:
            csv.writer(f).writerows([COLUMNS] + rows)
        return path

    write("t.csv", [a_row(i) for i in range(400)])
    strange = [["0", "-", "$1", "violet", "0"], ["1800000000", "99", "$9,999,999.5", "", "0"]]  # outside of all that was seen
    asked = strange + [a_row(i) for i in range(60)]
    for normalisation in ("standard", "quantile", "none"):
        recipe = os.path.join(folder, normalisation + ".toml")
        with open(recipe, "w") as f:
            f.write(RECIPE % normalisation)
        out = os.path.join(folder, normalisation)
        # Without normalisation the raw numbers spoil the training; the encoding is the same question.
        run(TAILOR, "train", recipe, "--out", out, *(["--set", "optimizer.lr=1e-12"] if normalisation == "none" else []))
        written = os.path.join(folder, normalisation + ".csv")
        said = run(TAILOR, "predict", os.path.join(out, "program.tailor"), "--weights", weights(out),
                   "--data", write("p.csv", asked), "--out", written)
        with open(weights(out), "rb") as f:
            header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        fitted = json.loads(header["__metadata__"]["tailor.fitted"])
        assert fitted["normalisation"] == normalisation
        assert fitted["vocabularies"] == [["(missing)", "blue", "green", "red"]]
        states = {name.split(".", 1)[1] if name.startswith("net.") else name: values for name, values in tensors(weights(out)).items()}
        with open(written) as f:
            predicted = list(csv.DictReader(f))
        worst = 0.0
        for row, given in zip(asked, predicted, strict=True):
            features = encode(row, fitted, capacity=5)
            hidden = [max(0.0, h) for h in linear(features, states["fc0.weight"], states["fc0.bias"])]
            logits = linear(hidden, states["head.weight"], states["head.bias"])
            if len(logits) == 1:
                logits = [0.0, logits[0]]
            largest = max(logits)
            shares = [math.exp(z - largest) for z in logits]
            for k, share in enumerate(shares):
                worst = max(worst, abs(float(given[f"p_{k}"]) - share / sum(shares)))
        # f32 against f64 in two small layers; raw seconds of 1.7e9 leave fewer digits.
        assert worst < (1e-2 if normalisation == "none" else 2e-5), f"{normalisation}: probabilities differ by {worst}"
        missing = sum(number(row[1]) is None for row in asked)
        assert f"{missing} cells of 62 rows had no value: 'gap' ({missing})" in said, said
        print(f"{normalisation}: 62 rows encoded again, probabilities within {worst:.1e}")
