"""What `tailor init` and `tailor data` say about tables whose labels are no classes, and where the recipe goes."""
import os
import re

from e2e import TAILOR, run, scratch

with scratch() as folder:
    def write(name, text):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)

    def init(*words, status=0):
        return run(TAILOR, "init", *words, cwd=folder, status=status)

    def expect(output, *parts):
        for part in parts:
            assert re.search(part, output, re.M), f"expected {part!r} in:\n{output}"

    write("a.b.csv", "u,v,cls\n" + "".join(f"{i}.5,{i % 7},{i % 3 == 0:d}.0\n" for i in range(60)))
    init("a.b.csv", "--label", "cls")
    assert os.path.exists(os.path.join(folder, "a.b.toml"))
    init("a.b.csv", "--label", "cls")  # the same recipe again replaces nothing
    with open(os.path.join(folder, "a.b.toml"), "a") as f:
        f.write("# mine\n")
    expect(init("a.b.csv", "--label", "cls", status=1), r"error: 'a\.b\.toml' exists and was not replaced", "--force")
    # The table is looked at first: whoever misspells the label need not hear about the file.
    expect(init("a.b.csv", "--label", "clss", status=1), r"no column 'clss'")
    init("a.b.csv", "--label", "cls", "--force")

    write("price.csv", "u,price\n" + "".join(f"{i % 9},{i * 0.37:.2f}\n" for i in range(300)))
    expect(init("price.csv", status=1), r"error: price\.csv:3:3: label column 'price' holds 0\.37, a quantity and not a class", "hint: --label")
    write("counts.csv", "u,count\n" + "".join(f"{i % 9},{i * 7}\n" for i in range(300)))
    expect(init("counts.csv", status=1), r"label column 'count' of 'counts\.csv' has 300 different values in 300 rows")
    assert not os.path.exists(os.path.join(folder, "price.toml"))

    write("gaps.csv", "u,label\n" + "".join(f"{i}.5,{'' if i % 10 == 3 else 'ab'[i % 2]}\n" for i in range(60)))
    expect(run(TAILOR, "data", "gaps.csv", cwd=folder), r"^gaps\.csv: 60 rows, 2 columns", r"^ +0 +a +30 ", r"^ +1 +b +24 ",
           r"^trouble:\n  gaps\.csv:5:\d+: no label here; 6 of 60 rows have none, training needs one in every row$")
    expect(init("gaps.csv", status=1), r"gaps\.csv:5:\d+: no label here")
    write("none.csv", "u,label\n" + "".join(f"{i}.5,\n" for i in range(60)))
    expect(run(TAILOR, "data", "none.csv", cwd=folder, status=1), "error: .*holds no value")

    # Cells and names that a recipe cannot quote as they are.
    long = "\u00e9" * 40
    write("long.csv", "u,same,label\n" + "".join(f"{i % 7}.5,x{long},{'ab'[i % 2]}\n" for i in range(60)))
    init("long.csv")
    with open(os.path.join(folder, "long.toml"), encoding="utf-8") as f:
        expect(f.read(), "one value in every row \\('x\u00e9{19}\\.\\.\\.'\\)")
    write("caf\udce9.csv", "u,label\n" + "".join(f"{i % 7}.5,{'ab'[i % 2]}\n" for i in range(60)))
    expect(init("caf\udce9.csv", status=1), r"error: the path of 'caf.*' is not UTF-8", "hint: rename")
print("init and data said what is wrong")
