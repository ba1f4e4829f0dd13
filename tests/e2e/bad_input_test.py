"""What a user sees when input is wrong: the place, the reason, the way out, exit status 1 (2 for the command line)."""
import os
import re

from e2e import TAILOR, TAILOR_RUN, recipe, run, scratch, train

GOOD = "[data]\ntrain = \"t.csv\"\nlabel = \"label\"\n[model]\nlayers = [8]\n[run]\nbatch = 8\nepochs = 1\n[schedule]\nname = \"constant\"\n"
HEAD = "u,v,label\n"
ROWS = "".join(f"{i}.5,{i % 7},{'rare' if i % 5 == 0 else 'common'}\n" for i in range(60))


def expect(output, *parts):
    for part in parts:
        assert re.search(part, output), f"expected {part!r} in:\n{output}"


with scratch() as folder:
    def write(name, text):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)

    def trained(status=1, options=()):
        trained.runs += 1
        return run(TAILOR, "train", "r.toml", "--out", f"out{trained.runs}", *options, cwd=folder, status=status)

    trained.runs = 0

    write("r.toml", GOOD)
    write("t.csv", HEAD + ROWS)
    trained(status=0)

    for text, parts in {
        HEAD + ROWS + "1.0,2\n": ["t.csv:62", "2 .*3"],
        HEAD + ROWS + "abc,2,rare\n": ["t.csv:62", "abc"],
        HEAD + ROWS + "nan,2,rare\n": ["t.csv:62"],
        "": ["t.csv", "empty"],
        HEAD: ["t.csv"],
        HEAD.replace("label", "other") + ROWS: ["label"],
    }.items():
        write("t.csv", text)
        expect(trained(), "error", *parts)
    write("t.csv", HEAD + ROWS)

    write("r.toml", GOOD.replace("batch = 8", "bacth = 8"))
    expect(trained(), r"r\.toml:7:1: error: unknown key 'run\.bacth'", "bacth = 8", r"\^", "did you mean 'run.batch'")
    write("r.toml", GOOD.replace("batch = 8", "batch = 1152921504606846976"))
    expect(trained(), "r.toml:7")
    write("r.toml", GOOD)
    run(TAILOR, "train", "--no-such-option", status=2)

    # A damaged or foreign artifact is refused with the reason, and nothing is overwritten.
    run(TAILOR, "compile", "r.toml", "-o", "p.tailor", cwd=folder)
    with open(os.path.join(folder, "p.tailor"), "rb") as f:
        artifact = f.read()
    for name, data in {"short": artifact[:len(artifact) // 2], "flipped": artifact[:5000] + bytes([artifact[5000] ^ 1]) + artifact[5001:],
                       "text": b"hello", "nothing": b""}.items():
        with open(os.path.join(folder, name + ".tailor"), "wb") as f:
            f.write(data)
        expect(run(TAILOR_RUN, name + ".tailor", "--out", "bad", cwd=folder, status=1), "error")
        assert not os.path.exists(os.path.join(folder, "bad", "seed-0")), "a refused artifact left output behind"

    # A compile key cannot be changed at run time; the message says how to rebuild.
    expect(run(TAILOR_RUN, "p.tailor", "--set", "run.batch=4", "--out", "o2", cwd=folder, status=1), "run.batch", "compile")
    expect(run(TAILOR_RUN, "p.tailor", "--set", "optimizer.lrr=4", "--out", "o2", cwd=folder, status=1), "optimizer.lr")
    # An unwritable output folder.
    write("file", "")
    expect(run(TAILOR_RUN, "p.tailor", "--out", "file/out", cwd=folder, status=1), "error")
    # Divergence stops with step, term and advice.
    expect(run(TAILOR_RUN, "p.tailor", "--set", "optimizer.lr=1e6", "--set", "run.epochs=50", "--out", "o3", cwd=folder, status=1),
           "loss", "step", "optimizer.lr")
    print("every bad input was refused with its reason")
