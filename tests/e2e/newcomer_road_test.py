"""The newcomer's road (data, init, compare, train, predict, compile, tailor-run) on real tables in the shapes people have them:
shuffled, with identifiers, an index column, dates, decimal commas, currency and percent signs, missing cells. Every recipe that
init writes trains, no identifier stays a feature, no feature is dropped. Skipped without $TAILOR_DATA_DIR."""
import csv
import datetime
import gzip
import json
import os
import random
import sys
import tomllib

from e2e import TAILOR, TAILOR_RUN, run, same_checkpoint, scratch, weights

SKIPPED = 77
TABLES = os.path.join(os.environ.get("TAILOR_DATA_DIR", ""), "tabular")
if not os.path.exists(os.path.join(TABLES, "mammography.csv.gz")):
    print("skipped: $TAILOR_DATA_DIR is not set or holds no tabular/mammography.csv.gz")
    sys.exit(SKIPPED)

RANDOM = random.Random(11)


def table(name):
    """Rows of cells, with "f0", "f1", ... and "y" as names."""
    with gzip.open(os.path.join(TABLES, name), "rt") as f:
        rows = [[cell.strip() for cell in row] for row in csv.reader(f) if row]
    return [f"f{i}" for i in range(len(rows[0]) - 1)] + ["y"], rows


def write(folder, name, header, rows, separator=","):
    path = os.path.join(folder, name + ".csv")
    with open(path, "w", newline="") as f:
        csv.writer(f, delimiter=separator, lineterminator="\n").writerows([header] + rows)
    return path


def shuffled_with_id(folder):
    """A transaction number that says nothing, in no order, over shuffled rows."""
    header, rows = table("mammography.csv.gz")
    RANDOM.shuffle(rows)
    numbers = RANDOM.sample(range(10**6, 10**7), len(rows))
    path = write(folder, "shuffled id", ["transaction_id"] + header, [[n] + row for n, row in zip(numbers, rows)])
    return path, {"not_features": ["transaction_id"], "numeric": 6}


def sorted_by_label(folder):
    """Exported class by class with a running number: the number alone ranks the label perfectly."""
    header, rows = table("phoneme.csv.gz")
    rows.sort(key=lambda row: row[-1])
    path = write(folder, "sorted", ["id"] + header, [[10 * i] + row for i, row in enumerate(rows)])
    return path, {"not_features": ["id"], "numeric": 5}


def index_column(folder):
    """What pandas writes: the first cell of the header is empty."""
    header, rows = table("satimage_train.csv.gz")
    path = write(folder, "index", [""] + header, [[i] + row for i, row in enumerate(rows)])
    return path, {"not_features": ["", 0], "numeric": 36, "classes": 6, "rows": 4435}


def dates(folder):
    """A time stamp per row, ascending."""
    header, rows = table("oil-spill.csv.gz")
    start = datetime.datetime(2021, 3, 1, 8, 0)
    stamps = [(start + datetime.timedelta(hours=7 * i)).isoformat(" ") for i in range(len(rows))]
    RANDOM.shuffle(rows)
    path = write(folder, "dates", ["recorded_at"] + header, [[stamp] + row for stamp, row in zip(stamps, rows)])
    return path, {"time": "recorded_at"}


def decimal_commas(folder):
    header, rows = table("yeast.csv.gz")
    rows = [[cell.replace(".", ",") for cell in row[:-1]] + row[-1:] for row in rows]
    return write(folder, "decimal commas", header, rows, ";"), {"numeric": 8, "classes": 10, "decimal": ","}


def currency_and_percent(folder):
    """Forest cover: a price with sign and thousands separators, a share in percent; both distinct in almost every row."""
    header, rows = table("covtype_first20000.csv.gz")
    rows = RANDOM.sample(rows, 4000)
    for row in rows:
        row[0] = f"${float(row[0]) + RANDOM.random():,.2f}"
        row[1] = f"{float(row[1]) / 3.6:.2f}%"
    return write(folder, "prices", header, rows), {"features": 50, "either": ("f0", "f1"), "classes": 7}


def missing_cells(folder):
    """Adult with its question marks, and holes in the ages."""
    with gzip.open(os.path.join(TABLES, "adult.data.gz"), "rt") as f:
        rows = [[cell.strip() for cell in row] for row in csv.reader(f) if row][:6000]
    header = ["age", "workclass", "fnlwgt", "education", "education_num", "marital", "occupation", "relationship", "race", "sex",
              "gain", "loss", "hours", "country", "income"]
    for row in RANDOM.sample(rows, 300):
        row[0] = ""
    return write(folder, "missing", header, rows), {"numeric": 6, "categorical": 8}


def few_positives(folder):
    """E. coli against its rarest class of two rows: what init then watches must exist."""
    header, rows = table("ecoli.csv.gz")
    rows = [row[:-1] + ["rare" if row[-1] == "imL" else "common"] for row in rows]
    return write(folder, "few", header, rows), {"numeric": 7}


def walk(folder, path, expected):
    name = os.path.splitext(os.path.basename(path))[0]
    recipe, out = os.path.join(folder, name + ".toml"), os.path.join(folder, "run " + name)
    run(TAILOR, "data", path)
    said = run(TAILOR, "init", path, "-o", recipe, "--label", "income" if name == "missing" else "y")
    print(said)
    with open(recipe, "rb") as f:
        data = tomllib.load(f)["data"]
    columns = data["columns"]
    features = columns.get("numeric", []) + columns.get("categorical", []) + columns.get("date", [])
    for column in expected.get("not_features", []):
        assert column not in features, (name, column, columns)
    for role in ("numeric", "categorical"):
        if role in expected:
            assert len(columns.get(role, [])) == expected[role], (name, role, columns)
    for key in ("decimal",):
        if key in expected:
            assert data[key] == expected[key], (name, data)
    if "features" in expected: # constant ones go
        assert len(features) >= expected["features"], (name, columns)
    for column in expected.get("either", ()):
        assert column in columns["numeric"], (name, column, columns)
    if "time" in expected:
        assert expected["time"] in (columns.get("time"), *columns.get("date", [])), (name, columns)

    few = ["--set", "run.epochs=3"]
    run(TAILOR, "train", recipe, "--out", out, *few)
    with open(os.path.join(out, "result.json")) as f:
        result = json.load(f)
    if "classes" in expected:
        assert len(result["class_counts"]) == expected["classes"], (name, result["class_counts"])
    predictions = os.path.join(folder, name + "-predicted.csv")
    run(TAILOR, "predict", out, "--data", path, "--out", predictions)
    with open(path) as f, open(predictions) as g:
        assert sum(1 for _ in g) == sum(1 for _ in f), name

    program, alone = os.path.join(folder, name + ".tailor"), os.path.join(folder, "alone " + name)
    run(TAILOR, "compile", recipe, "-o", program, *few)
    run(TAILOR_RUN, program, "--out", alone, "--quiet", cwd="/", env={})
    same_checkpoint(weights(out), weights(alone), name + ": train, and compile + tailor-run")
    return result


with scratch() as folder:
    for make in (shuffled_with_id, sorted_by_label, index_column, dates, decimal_commas, currency_and_percent, missing_cells,
                 few_positives):
        path, expected = make(folder)
        result = walk(folder, path, expected)
        # What three epochs cannot learn from these features would come from an identifier.
        if make is sorted_by_label:
            auc = result["metrics"]["test/auc"]["mean"]
            assert auc < 0.97, f"phoneme in three epochs: AUC {auc}: the running number leaks"
    compared = os.path.join(folder, "compared")
    run(TAILOR, "compare", os.path.join(folder, "shuffled id.toml"), "--methods", "erm,weighted", "--seeds", "2", "--set", "run.epochs=2",
        "--out", compared)
