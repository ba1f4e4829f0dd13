"""predict on a shuffled subset of rows gives those rows of the full prediction, bit for bit."""
import csv
import glob
import os
import random

from e2e import TAILOR, run, scratch

random.seed(7)
with scratch() as folder:
    table = os.path.join(folder, "t.csv")
    rows = []
    for i in range(600):
        label = "rare" if i % 12 == 0 else "common"
        shift = 1.5 if label == "rare" else 0.0
        rows.append([f"row{i}", f"{random.gauss(shift, 1):.5f}", f"{random.gauss(-shift, 1):.5f}", random.choice("abc"), label])
    with open(table, "w", newline="") as f:
        csv.writer(f).writerows([["name", "u", "v", "kind", "label"]] + rows)
    recipe = os.path.join(folder, "r.toml")
    with open(recipe, "w") as f:
        f.write('[data]\ntrain = "t.csv"\nlabel = { column = "label", positive = "rare" }\ncolumns = { id = "name", categorical = ["kind"] }\n'
                '[model]\nlayers = [24]\n[optimizer]\nlr = 0.05\n[schedule]\nname = "constant"\n[run]\nbatch = 32\neval_batch = 64\nepochs = 3\n')
    out = os.path.join(folder, "out")
    run(TAILOR, "train", recipe, "--out", out)
    weights = glob.glob(os.path.join(out, "seed-0", "last.safetensors"))[0]
    program = os.path.join(out, "program.tailor")

    def predict(name, chosen):
        data, result = os.path.join(folder, name + ".csv"), os.path.join(folder, name + ".out.csv")
        with open(data, "w", newline="") as f:
            csv.writer(f).writerows([["name", "u", "v", "kind", "label"]] + chosen)
        run(TAILOR, "predict", program, "--weights", weights, "--data", data, "--out", result)
        with open(result) as f:
            return {row[0]: row[1:] for row in list(csv.reader(f))[1:]}

    full = predict("full", rows)
    assert len(full) == 600, f"{len(full)} predictions for 600 rows"
    chosen = random.sample(rows, 10)
    some = predict("some", chosen)
    for row in chosen:
        assert some[row[0]] == full[row[0]], f"{row[0]}: {some[row[0]]} alone, {full[row[0]]} among all"
    print("same bits: 10 shuffled rows of 600")
