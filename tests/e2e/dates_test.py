"""Dates: found, turned into named inputs, read alike by predict; the column that orders the rows splits them."""
import csv
import datetime
import json
import os
import random
import re

from e2e import TAILOR, run, scratch

with scratch() as folder:
    rng = random.Random(3)

    def write(name, header, rows):
        with open(os.path.join(folder, name), "w") as f:
            f.write(",".join(header) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))

    def init(table, status=0):
        said = run(TAILOR, "init", table, "--force", cwd=folder, status=status)
        path = os.path.join(folder, table.replace(".csv", ".toml"))
        return said, open(path).read() if status == 0 else ""

    def train_and_predict(name, new):
        run(TAILOR, "train", f"{name}.toml", "--set", "run.epochs=12", "--out", f"runs/{name}", "--quiet", cwd=folder)
        run(TAILOR, "predict", f"runs/{name}/program.tailor", "--weights", f"runs/{name}/seed-0/last.safetensors",
            "--data", new, "--out", "out.csv", cwd=folder)
        with open(os.path.join(folder, "out.csv")) as f:
            predicted = list(csv.DictReader(f))
        with open(os.path.join(folder, "runs", name, "result.json")) as f:
            return predicted, json.load(f)["metrics"]

    # The label is the time of day alone: without the hour nothing can be learnt.
    start = datetime.datetime(2021, 1, 1)
    moments = sorted(start + datetime.timedelta(minutes=rng.randrange(400 * 1440)) for _ in range(1500))
    label = lambda moment: int(8 <= moment.hour < 14)
    write("night.csv", ["at", "noise", "y"], [(m.strftime("%d/%m/%Y %H:%M"), rng.gauss(0, 1), label(m)) for m in moments])
    said, recipe = init("night.csv")
    for expected in ('columns.time = "at"', r'columns.date = \[\n  "at", +# dates, day first in 1500 cells: month, day_of_week, hour',
                     'by = "time"'):
        assert re.search(expected, recipe), recipe
    write("new.csv", ["noise", "at"], [(0, "03/04/2022 11:00"), (0, "04/03/2022 23:00"), (0, "13/03/2022 11:00")])
    predicted, metrics = train_and_predict("night", "new.csv")
    assert [row["decision"] for row in predicted] == ["1", "0", "1"], predicted
    assert metrics["test/accuracy"]["mean"] > 0.9, metrics

    # The same rows in another order: the date orders nothing, its elapsed time is a feature.
    rng.shuffle(moments)
    write("shuffled.csv", ["at", "noise", "y"], [(m.isoformat(), rng.gauss(0, 1), label(m)) for m in moments])
    said, recipe = init("shuffled.csv")
    assert "columns.time" not in recipe.split("[data]")[1] and 'date_features = ["elapsed", "month"' in recipe, recipe
    assert "the rows are not in their order" in said, said

    # A cell that is no date is refused with its place; so is a date that two readings have.
    write("bad.csv", ["noise", "at"], [(0, "2022-04-03T11:00:00"), (0, "soon")])
    run(TAILOR, "train", "shuffled.toml", "--set", "run.epochs=2", "--out", "runs/s", "--quiet", cwd=folder)
    said = run(TAILOR, "predict", "runs/s/program.tailor", "--weights", "runs/s/seed-0/last.safetensors", "--data", "bad.csv",
               "--out", "out.csv", cwd=folder, status=1)
    assert re.search(r"bad\.csv:3:3: column 'at': expected a date such as 2020-01-31, found 'soon'", said), said
    open_dates = [(f"{rng.randint(1, 12)}/{rng.randint(1, 12)}/2021", rng.gauss(0, 1), i % 3 == 0) for i in range(60)]
    write("open.csv", ["at", "x", "y"], open_dates)
    said, recipe = init("open.csv")
    assert "day and month cannot be told apart" in said and re.search(r'columns.drop = \[\n  "at"', recipe), recipe
    said = run(TAILOR, "train", "open.toml", "--set", "data.columns.drop=[]", "--set", 'data.columns.date=["at"]', cwd=folder, status=1)
    assert 'data.date_order = "day_first" or "month_first"' in said, said
    run(TAILOR, "train", "open.toml", "--set", "data.columns.drop=[]", "--set", 'data.columns.date=["at"]', "--set", 'data.date_order="day_first"',
        "--set", "run.epochs=2", "--quiet", "--out", "runs/o", cwd=folder)

    # A date that is there for one class only is a leak, whatever it says.
    write("back.csv", ["x", "refunded", "y"],
          [(rng.gauss(0, 1), "2021-02-%02d" % rng.randint(1, 28) if i % 20 == 0 else "", int(i % 20 == 0)) for i in range(400)])
    said, recipe = init("back.csv")
    assert re.search(r'columns.drop = \[\n  "refunded", +# alone it has AUC 1\.0000', recipe), recipe

    # One column may be left out as a feature and carried into predictions; other pairs are told by the key that was written.
    def keys(*settings, status=0):
        words = [word for setting in settings for word in ("--set", setting)]
        return run(TAILOR, "train", "back.toml", *words, "--set", "run.epochs=2", "--quiet", "--out", "runs/k", cwd=folder, status=status)
    keys('data.columns.drop=["refunded"]', 'eval.predict.id="refunded"')
    said = keys('eval.predict.id="x"', status=1)
    assert "eval.predict.id" in said and "data.columns.id" not in said, said
print("dates are read, split by and predicted with")
