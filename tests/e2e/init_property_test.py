"""Whatever the table: `tailor init` refuses it with a reason, or `tailor train` accepts the recipe it wrote."""
import os
import random
import shlex
import sys

from e2e import TAILOR, scratch

import subprocess

ROWS = 90


def tables():
    """(name, text of the table, words it must be refused with or "" for a recipe that trains)."""
    rng = random.Random(7)
    noise = lambda: f"{rng.gauss(0, 1):.4f}"
    kinds = [lambda: f"{rng.gauss(0, 1):.3f}", lambda: str(rng.randrange(5)), lambda: rng.choice(["a", "b", "c d", "é"]),
             lambda: rng.choice(["1", "2", "x"]), lambda: "", lambda: "7", lambda: rng.choice(["", "3.5", "?"]),
             lambda: str(rng.randrange(10**9)), lambda: f"2024-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}"]
    odd_cells = ["null", "inf", "-inf", "1e39", "NaN", "N/A", "-", "abc", "1,5", "$3", "7%", '"x ""y"""', "  2 ", "0x10"]

    def table(header, rows):
        return ",".join(header) + "\n" + "".join(",".join(row) + "\n" for row in rows)

    def label(i, of):
        return str(int(i % 10 < of))

    for n in range(8):  # random columns, a few odd cells
        columns = [rng.choice(kinds) for _ in range(rng.randint(1, 5))]
        rows = [[c() for c in columns] + [noise(), label(i, 3)] for i in range(ROWS)]
        for _ in range(rng.choice([0, 1, 6])):
            cell = rng.choice(odd_cells)
            rows[rng.randrange(ROWS)][rng.randrange(len(columns))] = f'"{cell}"' if "," in cell else cell
        yield f"random{n}", table([f"c{i}" for i in range(len(columns))] + ["noise", "y"], rows), None
    for n, cell in enumerate(odd_cells):  # one odd cell in a column of numbers, or many
        for every in (ROWS,) if n % 2 else (3,):
            rows = [[(f'"{cell}"' if "," in cell else cell) if i % every == 1 else noise(), noise(), label(i, 3)] for i in range(ROWS)]
            yield f"odd-{n}-{every}", table(["x", "z", "y"], rows), None
    for positives in (1, 3, 4):  # labels nearly absent
        rows = [[noise(), str(int(i < positives))] for i in range(ROWS)]
        yield f"positives-{positives}", table(["x", "y"], rows), ""
    yield "classes-of-one", table(["x", "y"], [[noise(), rng.choice("abc") if i > 2 else f"rare{i}"] for i in range(ROWS)]), ""
    yield "one-class", table(["x", "y"], [[noise(), "1"] for _ in range(ROWS)]), "one value"
    yield "two-rows", "x,y\n1,a\n2,b\n", ""
    yield "ragged", table(["x", "z", "y"], [[noise(), "1", label(i, 3)] for i in range(ROWS)]) + "1,2\n", "expected 3 cells"
    yield "no-label", table(["x", "y"], [[noise(), label(i, 3) if i else ""] for i in range(ROWS)]), "no label here"
    yield "only-ids", table(["id", "y"], [[str(i), label(i, 3)] for i in range(ROWS)]), "no column is left"
    yield "empty", "", "empty"
    yield "header-only", "x,y\n", "no undamaged row"
    yield "names with, 'quotes'", table(["x", "z", "y"], [[noise(), noise(), label(i, 3)] for i in range(ROWS)]), ""
    yield "headerless", "".join(f"{noise()},{noise()},{label(i, 3)}\n" for i in range(ROWS)), ""
    yield "semicolons", "".join(f"{noise()};{rng.choice('ab')};{label(i, 3)}\n" for i in range(ROWS)), ""
    rows = [[f"T{i:05d}", str(i // 2 * 30), f"C{rng.randrange(20)}", noise(), "ok" if i % 10 == 3 else "", label(i, 2)] for i in range(ROWS)]
    yield "fraud", table(["transaction_id", "Time", "customer_id", "amount", "note", "Class"], rows), ""


with scratch() as folder:
    refused = trained = 0
    for name, text, expected in tables():
        path = f"{name}.csv"
        with open(os.path.join(folder, path), "w") as f:
            f.write(text)
        recipe = f"{name}.toml"
        init = subprocess.run([TAILOR, "init", path], cwd=folder, capture_output=True, text=True)
        said = init.stdout + init.stderr
        if init.returncode != 0:
            refused += 1
            assert init.returncode == 1 and said.startswith("error: ") and len(said) > 20, (name, init.returncode, said)
            assert expected != "" and (expected is None or expected in said), f"{name}: refused with\n{said}"
            assert not os.path.exists(os.path.join(folder, recipe)), name
            continue
        trained += 1
        assert not expected, f"{name}: expected to be refused with {expected!r}\n{said}"
        # The command it names, word for word.
        command = next(line for line in said.splitlines() if "tailor train " in line)
        words = shlex.split(command[command.index("tailor train "):].rstrip(")"))[2:]
        assert words == [recipe], (name, words)
        train = subprocess.run([TAILOR, "train", *words, "--set", "run.epochs=2", "--set", "run.batch=32", "--out", "runs/" + name, "--quiet"],
                               cwd=folder, capture_output=True, text=True)
        if train.returncode != 0:
            with open(os.path.join(folder, recipe)) as f:
                sys.exit(f"{name}: init wrote a recipe that train refuses (exit {train.returncode})\n{train.stdout}{train.stderr}\n{said}\n{f.read()}")
    print(f"{refused} tables refused with a reason, {trained} recipes trained")
    assert refused >= 6 and trained >= 20, (refused, trained)
