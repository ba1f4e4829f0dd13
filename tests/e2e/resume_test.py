"""A resumed run goes on with the choices it started with, and refuses only what cannot be gone on with."""
import json
import os
import re

from e2e import TAILOR, TAILOR_RUN, run, same_checkpoint, scratch, weights

ROWS = "".join(f"{i % 13}.{i % 4},{i % 7},{'rare' if i % 5 == 0 else 'common'}\n" for i in range(200))
RECIPE = """[data]
train = "t.csv"
label = "label"
[model]
layers = [8]
[schedule]
name = "constant"
[run]
batch = [8, 16]
epochs = 4
"""


def expect(output, *parts):
    for part in parts:
        assert re.search(part, output), f"expected {part!r} in:\n{output}"


with scratch() as folder:
    def write(name, text):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def go(*command, status=0):
        return run(*command, cwd=folder, status=status)

    def last(out):
        return weights(os.path.join(folder, out))

    write("data/t.csv", "u,v,label\n" + ROWS)
    write("r.toml", RECIPE.replace("t.csv", "data/t.csv"))
    go(TAILOR, "compile", "r.toml", "-o", "p.tailor")

    # Options, batch size and data of the start; the printed command is all it takes.
    write("moved/data/t.csv", "u,v,label\n" + ROWS)
    start = ["--set", "run.epochs=6", "--set", "optimizer.lr=0.03", "--batch", "16", "--data", "moved"]
    go(TAILOR_RUN, "p.tailor", "--out", "straight", *start)
    os.remove(os.path.join(folder, "data/t.csv"))
    stopped = go(TAILOR_RUN, "p.tailor", "--out", "o", *start, "--steps", "20")
    command = re.search(r"go on with: (.*)", stopped).group(1).split()
    expect(command[0], "^tailor-run$")
    went_on = go(TAILOR_RUN, *command[1:])
    expect(went_on, r"options  optimizer.lr = 0.03, run.epochs = 6, as the run has them", "epoch 6/6")
    same_checkpoint(last("straight"), last("o"), "straight and resumed with the printed command")
    write("data/t.csv", "u,v,label\n" + ROWS)

    # Another batch size within a stage is refused, and the refusal changes nothing.
    go(TAILOR_RUN, "p.tailor", "--out", "b", "--batch", "16", "--steps", "9")
    expect(go(TAILOR_RUN, "p.tailor", "--out", "b", "--resume", "--batch", "8", status=1),
           "begun with 16 rows a step, not 8", "hint: go on with --batch 16")
    go(TAILOR_RUN, "p.tailor", "--out", "b", "--resume")

    # The recipe's comments, lines and run keys are no part of the program; its compile keys are.
    write("a.toml", RECIPE.replace("t.csv", "data/t.csv"))
    go(TAILOR, "train", "a.toml", "--out", "aout", "--quiet")
    write("a.toml", "# a comment\n\n" + RECIPE.replace("t.csv", "data/t.csv").replace("epochs = 4", "epochs = 5"))
    expect(go(TAILOR, "train", "a.toml", "--resume", "--out", "aout"), r"changed  run.epochs = 5 \(was 4\)", "epoch 5/5")
    expect(go(TAILOR, "train", "a.toml", "--resume", "--out", "aout", "--set", "run.epochs=6"),
           r"changed  run.epochs = 6 \(was 5\)", "epoch 6/6")
    with open(os.path.join(folder, "aout/manifest.json")) as f:
        assert json.load(f)["options"]["run.epochs"]["value"] == 6
    expect(go(TAILOR, "train", "a.toml", "--resume", "--out", "aout"), "seed 0 is finished: it has done its .* \\(6 epochs\\)")
    expect(go(TAILOR, "train", "a.toml", "--resume", "--out", "aout", "--set", "optimizer.lr=0.5"),
           "optimizer.lr = 0.5 .* has no effect: the run is finished", "hint: ")
    expect(go(TAILOR, "train", "a.toml", "--resume", "--out", "aout", "--set", "model.activation=gelu", status=1),
           "trained by another program: 'model.activation' was \"relu\", here it is \"gelu\"", "hint: .*aout/program.tailor")

    # Other code goes on from the same checkpoint, and says that its last bits are others.
    go(TAILOR_RUN, "p.tailor", "--out", "c", "--steps", "5")
    go(TAILOR, "compile", "r.toml", "-o", "other.tailor", "--disable-pass", "fuse-elementwise")
    expect(go(TAILOR_RUN, "other.tailor", "--out", "c", "--resume"),
           r"changed  code by tailor .* --disable-pass fuse-elementwise \(was by tailor .*\), whose last bits may differ")
    print("resumed as started")
