"""Numbers of a table keep what they say up to the feature: offsets cancel in f64, and what f32 cannot hold is refused."""
import json
import os
import random
import re
import shutil

from e2e import TAILOR, run, scratch, weights

RECIPE = """[data]
train = "%s"
label = { column = "y", positive = "1" }
numeric = "%s"
split = { val = 0.2, test = 0.2 }
[model]
layers = [8]
[optimizer]
lr = 0.1
[schedule]
name = "constant"
[run]
batch = 8
epochs = 20
[eval]
metrics = ["auc"]
"""


def split_weights(path):
    """(header, offset of the data, whole file) of a safetensors file."""
    with open(path, "rb") as f:
        content = f.read()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8:8 + length]), 8 + length, content


with scratch() as folder:
    def write(name, text):
        path = os.path.join(folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def train(name, offset, numeric, status=0):
        rows = [(offset + y, y) for y in [0, 1] * 20]
        random.Random(1).shuffle(rows)
        write(name + ".csv", "t,y\n" + "".join(f"{t:d},{y}\n" for t, y in rows))
        recipe = write(name + ".toml", RECIPE % (name + ".csv", numeric))
        out = os.path.join(folder, name)
        said = run(TAILOR, "train", recipe, "--out", out, status=status)
        with open(os.path.join(out, "result.json")) as f:
            return out, json.load(f)["metrics"]["test/auc"]["mean"], said

    # An offset changes nothing: 1e8 + y is as easy as y. (20240131235959 is a date as one number.)
    for offset in (0, 100000000, 20240131235959):
        for numeric in ("standard", "quantile"):
            out, auc, said = train(f"t{offset}{numeric}", offset, numeric)
            assert auc == 1.0, f"offset {offset}, {numeric}: auc {auc}"
            assert "warning" not in said, said
    # Without normalisation nothing can subtract the offset: said once, with the column and both numbers.
    out, auc, said = train("raw", 100000000, "none")
    warnings = re.findall(r"^warning: .*$", said, re.M)
    assert [w for w in warnings if "different values" in w] == warnings[:1], said
    assert re.search("the 2 different values of column 't' become 1 features", warnings[0]), said
    told = ("recognise no validation row", "training diverges") # a constant feature of 1e8 teaches nothing
    assert [w for w in warnings[1:] if not any(words in w for words in told)] == [], warnings

    program, best = os.path.join(folder, "t0standard", "program.tailor"), weights(os.path.join(folder, "t0standard"))

    def score(table, *options, status=1, using=best):
        said = []
        for command in ("predict", "eval"):
            to = ["--out", os.path.join(folder, "p.csv")] if command == "predict" else []
            said.append(run(TAILOR, command, program, "--weights", using, "--data", write("s.csv", table), *to, *options, status=status))
        return said

    # A cell that the normalisation cannot hold, and one that the network cannot: both have a place.
    for said in score("t,y\n0,0\n\n3.4e38,1\n"):
        assert re.search(r"s\.csv:4: column 't': 3\.4e\+38 is 6\.[0-9]+e\+38 standard deviations from the training mean", said), said
    for said in score("t,y\n0,0\n1.5e38,1\n"):
        assert re.search(r"s\.csv:3: the program's output for this row is (nan|-?inf), expected a finite number", said), said
        assert re.search(r"hint: its largest feature is column 't': [0-9.]+e\+38 after normalisation", said), said
    assert not os.path.exists(os.path.join(folder, "p.csv"))
    score("t,y\n0,0\n1,1\n", status=0)
print("offsets cancel; what f32 cannot hold is refused with its place")
