"""Decimal commas, grouped digits, currency and percent signs and texts for "no value", from table to prediction."""
import csv
import os
import random
import re

from e2e import TAILOR, run, scratch, weights

random.seed(11)
NUMBERS = [(random.gauss(0, 1) + 1.5 * (i % 3 == 0), random.lognormvariate(7, 1), random.random(), int(i % 3 == 0)) for i in range(120)]


def european(value, decimals=2):
    whole, _, fraction = f"{value:,.{decimals}f}".partition(".")
    return whole.replace(",", ".") + "," + fraction


# The same 120 rows, written in four ways.
TABLES = {
    "plain": ["x,price,rate,y"] + [f"{x:.2f},{p:.2f},{100 * r:.1f},{y}" for x, p, r, y in NUMBERS],
    "american": ["x,price,rate,y"] + [f'{x:.2f},"${p:,.2f}",{100 * r:.1f}%,{y}' for x, p, r, y in NUMBERS],
    "european": ["x;price;rate;y"] + [f"{european(x)};{european(p)} €;{european(100 * r, 1)} %;{y}" for x, p, r, y in NUMBERS],
    "quoted": ["x,price,rate,y"] + [f'"{x:.2f}","{p:.2f}","{100 * r:.1f}",{y}'.replace(".", ",") for x, p, r, y in NUMBERS],
}

with scratch() as folder:
    def write(name, text):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
        return name

    def tailor(*words, status=0):
        return run(TAILOR, *words, cwd=folder, status=status)

    def expect(output, *parts):
        for part in parts:
            assert re.search(part, output, re.M), f"expected {part!r} in:\n{output}"

    predictions = {}
    for name, lines in TABLES.items():
        table = write(name + ".csv", "\n".join(lines) + "\n")
        tailor("init", table, "--label", "y")
        tailor("train", name + ".toml", "--out", name, "--set", "run.epochs=3")
        tailor("predict", name + "/program.tailor", "--weights", weights(name), "--data", table, "--out", name + ".out.csv")
        with open(os.path.join(folder, name + ".out.csv")) as f:
            predictions[name] = list(csv.reader(f))
        assert predictions[name] == predictions["plain"], f"{name} is not read like plain: {predictions[name][:3]}"
    print("one table in four notations: the same predictions, digit for digit")

    expect(tailor("data", "american.csv"), r"numbers: decimal point, thousands comma: '\$[0-9,.]+' at american\.csv:\d+:\d+",
           r"numbers: '\$' beside numbers", r"price +numeric .*numbers with '\$' in all 120 cells")
    with open(os.path.join(folder, "european.toml")) as f:
        expect(f.read(), r'^decimal = "," +# decimal comma, thousands point: ', r'^thousands = "\."', r'^number_signs = \["€", "%"\]')
    # The program keeps the notation: a table in another one is refused, not misread.
    expect(tailor("predict", "american/program.tailor", "--weights", weights("american"), "--data",
                  write("fractions.csv", "x,price,rate\n1,5,0.25\n"), "--out", "p.csv", status=1),
           r"fractions\.csv:2:5: column 'rate': expected a number with '%' as in the training table, found '0\.25'")
    expect(tailor("predict", "european/program.tailor", "--weights", weights("european"), "--data",
                  write("points.csv", "x;price;rate\n1.5;5;25 %\n"), "--out", "p.csv", status=1),
           r"points\.csv:2:1: column 'x': expected a number, found '1\.5'")

    # 1,234 alone decides nothing: said by data and init, written into the recipe.
    write("doubt.csv", "amount,y\n" + "".join(f'"{i % 9 + 1},{100 + 7 * i}",{i % 2}\n' for i in range(60)))
    for said in (tailor("data", "doubt.csv"), tailor("init", "doubt.csv")):
        expect(said, r"'1,100' at doubt\.csv:2:2 is read as thousands, but could be a decimal \(data\.decimal = \",\" without data\.thousands\)")
    with open(os.path.join(folder, "doubt.toml")) as f:
        expect(f.read(), r'^thousands = ","', r"^# AMBIGUOUS: '1,100'")

    # By hand: numbers in another notation are not taken for categories, and the hint works as written.
    write("hand.toml", '[data]\ntrain = "american.csv"\nlabel = "y"\n[model]\nlayers = [4]\n[run]\nbatch = 16\nepochs = 1\n')
    expect(tailor("compile", "hand.toml", "-o", "h.tailor", status=1), r"column 'price' holds '\$[0-9,.]+', a number written in another way",
           r'hint: data\.thousands = ",", data\.number_signs = \["\$"\] reads it as one')
    tailor("compile", "hand.toml", "-o", "h.tailor", "--set", 'data.thousands=","', "--set", 'data.number_signs=["$", "%"]')
    expect(tailor("compile", "hand.toml", "-o", "h.tailor", "--set", 'data.thousands="."', status=1), r"data\.thousands = \"\.\" is also data\.decimal")

    # Texts for "no value" in a column of numbers.
    write("gaps.csv", "u,v,y\n" + "".join(f"{'null' if i % 9 == 4 else i % 7},{'-' if i % 8 == 2 else i % 5},{i % 2}\n" for i in range(80)))
    expect(tailor("data", "gaps.csv"), r"numbers: no value in column 'u': 'null' at gaps\.csv:6:1, in column 'v': '-' at", r"u +numeric +0 \.\. 6 +9 ")
    tailor("init", "gaps.csv")
    said = tailor("train", "gaps.toml", "--out", "gaps", "--set", "run.epochs=1")
    expect(said, r"note: train: \d+ cells of \d+ rows had no value: 'u' \(\d+\), 'v' \(\d+\); set to the mean of the training split, with a flag")
    expect(tailor("predict", "gaps/program.tailor", "--weights", weights("gaps"), "--data", "gaps.csv", "--out", "p.csv"),
           r"19 cells of 80 rows had no value: 'u' \(9\), 'v' \(10\)")
print("formats found, kept and refused")
