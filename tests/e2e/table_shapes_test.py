"""Headers that are easily taken for data, columns of one name, and labels that are no classes, from table to prediction."""
import os
import random
import re

from e2e import TAILOR, run, scratch, weights

random.seed(5)
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

    def rows(n=80):
        return [(random.gauss(2.0 * (i % 2), 1), random.gauss(0, 1), i % 2) for i in range(n)]

    def road(table, *options):
        """init, train and predict on the same table; the recipe and what training said."""
        recipe = table.replace(".csv", ".toml")
        tailor("init", table, "-o", recipe, *options)
        out = table.replace(".csv", "")
        said = tailor("train", recipe, "--out", out, "--set", "run.epochs=2")
        tailor("predict", out + "/program.tailor", "--weights", weights(out), "--data", table, "--out", out + ".out.csv")
        with open(os.path.join(folder, out + ".out.csv")) as f:
            assert len(f.readlines()) == 81
        with open(os.path.join(folder, recipe)) as f:
            return f.read(), said

    # A data frame with its row names: the header is one, the row names are no feature, nowhere.
    index = write("index.csv", ",u,v,y\n" + "".join(f"{i},{u:.3f},{v:.3f},{y}\n" for i, (u, v, y) in enumerate(rows())))
    expect(tailor("data", index), r"^index\.csv: 80 rows, 4 columns", r"header: yes", r"column 0 +drop .*no name: the row names", r"^classes: 2,")
    recipe, said = road(index)
    expect(recipe, r"columns\.drop = \[\n +0, +# the first column has no name", r"label\.column = \"y\"")
    write("hand.toml", '[data]\ntrain = "index.csv"\nlabel = "y"\n[model]\nlayers = [4]\n')
    expect(tailor("compile", "hand.toml", "-o", "hand.tailor"),
           r"^note: column 0 of 'index\.csv' is left out: .*data\.columns\.numeric = \[0\] would keep it$")

    # Years as names.
    years = write("years.csv", "2010,2011,y\n" + "".join(f"{u:.3f},{v:.3f},{y}\n" for u, v, y in rows()))
    expect(tailor("data", years), r"80 rows, 3 columns", r"header: yes, 'y' stands above numbers, and '2010' starts numbers that count up")
    recipe, said = road(years)
    expect(recipe, r"\"2010\",", r"\"2011\",")

    # Two columns of one name: the recipe names them by position, and so does the advice.
    twice = write("twice.csv", "u,u,y\n" + "".join(f"{u:.3f},{v:.3f},{y}\n" for u, v, y in rows()))
    expect(tailor("data", twice), r"80 rows, 3 columns", r"header: yes")
    recipe, said = road(twice)
    expect(recipe, r"columns\.numeric = \[\n +0, .*\n +1, ")
    hand = '[data]\ntrain = "twice.csv"\nlabel = "y"\ncolumns.drop = [%s]\n[model]\nlayers = [4]\n'
    write("name.toml", hand % '"u"')
    expect(tailor("compile", "name.toml", "-o", "name.tailor", status=1), r"two columns of 'twice\.csv' are named 'u'", r"by its position: 0 or 1")
    write("position.toml", hand % "0" + "[run]\nepochs = 1\nbatch = 16\n")
    tailor("train", "position.toml", "--out", "position")
    tailor("predict", "position/program.tailor", "--weights", weights("position"), "--data", twice, "--out", "p.csv")
    expect(tailor("eval", "position/program.tailor", "--weights", weights("position"), "--data",
                  write("reordered.csv", "y,u,u\n0,1,2\n"), status=1), r"another order than in the training table")

    # A quantity is no class: not for init, not for data, and not for a recipe written by hand.
    write("price.csv", "u,y\n" + "".join(f"{i % 9},{i * 0.37:.2f}\n" for i in range(300)))
    expect(tailor("data", "price.csv"), r"classes: none, training refuses this label\n  price\.csv:3:3: label column 'y' holds 0\.37, a quantity")
    write("price.toml", '[data]\ntrain = "price.csv"\nlabel = "y"\n[model]\nlayers = [4]\n')
    expect(tailor("train", "price.toml", "--out", "price", status=1), r"price\.toml:3:.*label column 'y' holds 0\.37, a quantity and not a class")
    write("spelt.csv", "u,y\n" + "".join(f"{i % 9},{['0', '1', '0.0'][i % 3]}\n" for i in range(60)))
    write("spelt.toml", '[data]\ntrain = "spelt.csv"\nlabel = "y"\n[model]\nlayers = [4]\n')
    for said in (tailor("train", "spelt.toml", "--out", "spelt", status=1), tailor("data", "spelt.csv"), tailor("init", "spelt.csv", status=1)):
        expect(said, r"label '0\.0' is the same number as '0' at spelt\.csv:2:3")
    write("listed.toml", '[data]\ntrain = "spelt.csv"\nlabel = { column = "y", classes = ["0", "0.0", "1"] }\n[model]\nlayers = [4]\n')
    tailor("compile", "listed.toml", "-o", "listed.tailor")
print("headers found, columns told apart, quantities refused")
