"""Binaries that a user builds from C++: their own program, and recipes that name what they registered."""
import json
import os
import re

from e2e import TAILOR, TAILOR_RUN, recipe, run, scratch

PROGRAM = os.environ["TAILOR_EXAMPLE_PROGRAM"]
REGISTERED = os.environ["TAILOR_EXAMPLE_REGISTERED"]


def expect(output, *parts):
    for part in parts:
        assert re.search(part, output), f"expected {part!r} in:\n{output}"


with scratch() as folder:
    def program(*words, status=0):
        return run(PROGRAM, *words, cwd=folder, status=status)

    # --set is checked by the key table's limits, when it is compiled and when it runs.
    for wrong in ["optimizer.lr=-1", "schedule.warmup_epochs=-1", "method.ema.decay=2"]:
        key = re.escape(wrong.split("=")[0])
        expect(program("train", "--set", wrong, "--out", "bad", status=1), f"error: .*'{key}' must be")
        expect(program("compile", "--set", wrong, "-o", "bad.tailor", status=1), f"error: .*'{key}' must be")
    assert not os.path.exists(os.path.join(folder, "bad.tailor"))

    # compile --set is part of the artifact; what the code fixes is refused at its line.
    program("compile", "-o", "p.tailor")
    program("compile", "--set", "run.epochs=1", "-o", "one.tailor")
    run(TAILOR_RUN, "one.tailor", "--quiet", "--out", "one", cwd=folder)
    with open(os.path.join(folder, "one", "manifest.json")) as f:
        options = json.load(f)["options"]
    assert options["run.epochs"]["value"] == 1, options["run.epochs"]
    expect(program("compile", "--set", "run.batch=4", "-o", "x.tailor", status=1),
           r"'run\.batch' is part of the program's code, at custom_method\.cpp:\d+", "hint: change it there")
    output = run(TAILOR_RUN, "p.tailor", "--set", "run.batch=4", cwd=folder, status=1)
    expect(output, "compiled into the artifact", r"hint: change it in custom_method\.cpp")
    assert "tailor compile" not in output, output

    # What a step reports is in the log, the mean over the epoch and, where asked for, step by step.
    program("train", "--quiet", "--set", "run.epochs=2", "--set", "run.log_steps=1", "--out", "logged")
    with open(os.path.join(folder, "logged", "seed-0", "log.jsonl")) as f:
        lines = [json.loads(line) for line in f]
    epochs = [line for line in lines if "epoch" in line]
    steps = [line["step/sharpness"] for line in lines if "epoch" not in line]
    assert len(epochs) == 2 and len(steps) == epochs[-1]["step"], (len(epochs), len(steps))
    assert all(line["lr"] > 0 for line in lines), lines
    first = steps[:epochs[0]["step"]]
    assert abs(epochs[0]["train/sharpness"] - sum(first) / len(first)) < 0.05 * max(map(abs, first)), epochs[0]

    # It goes by its own name, and places in its code are relative.
    expect(program("--help"), r"Usage: example_custom_method \[")
    expect(program("train", "--help"), "over the program's options")
    expect(program("predict", "--help"), "example_custom_method predict")
    explained = program("compile", "--explain")
    expect(explained, r"(?m)^custom_method\.cpp:\d+:\d+: ")
    assert "/custom_method.cpp" not in explained, explained
    expect(run(TAILOR, "inspect", "p.tailor", cwd=folder), "from custom_method.cpp")
    expect(program("compile", "--from", "fused", status=2), "--from reads a dump")

    # A binary may be given a recipe instead, and the recipe may name what the binary registered.
    path = recipe(folder, use='["erm"]', epochs=2)
    program("train", path, "--quiet", "--out", "from-recipe")
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace('use = ["erm"]', 'loss = "poly1"'))
    run(REGISTERED, "train", path, "--quiet", "--out", "poly", cwd=folder)
    run(REGISTERED, "compile", path, "-o", "poly.tailor", cwd=folder)
    run(TAILOR_RUN, "poly.tailor", "--quiet", "--out", "poly2", cwd=folder)
    expect(run(PROGRAM, "train", path, cwd=folder, status=1), "'poly1' is not a value of method.loss")
    expect(run(REGISTERED, "train", cwd=folder, status=2), "source is required")

    # Programs and recipes may be called like a verb.
    for name in ["eval", "predict"]:
        path = recipe(folder, name=name + ".toml", use='["erm"]', epochs=2)
        run(TAILOR, "train", name + ".toml", "--quiet", "--out", name + "-out", cwd=folder)
    run(TAILOR, "compile", "eval.toml", "-o", "eval", cwd=folder)
    run(TAILOR, "run", "eval", "--quiet", "--out", "out", cwd=folder)
    print("C++ programs keep their promises")
