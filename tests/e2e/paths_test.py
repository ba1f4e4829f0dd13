"""Paths and names: no output destroys an input or leaves its folder, no name steers the terminal, no pipe is waited for."""
import os
import subprocess

from e2e import TAILOR, TAILOR_RUN, recipe, run, scratch, train

PATIENCE = 120  # seconds, on a loaded machine

with scratch() as folder:
    def inside(*parts):
        return os.path.join(folder, *parts)

    def contents(name):
        with open(inside(name), "rb") as f:
            return f.read()

    def write(name, text):
        with open(inside(name), "w") as f:
            f.write(text)

    def refused(out, what, *command):
        before = contents(out)
        text = run(*command, cwd=folder, status=1)
        assert f"is the {what}" in text, text
        assert contents(out) == before, f"{command} changed {out}"

    write("t.csv", "u,v,label\n" + "".join(f"{i % 5}.5,{i % 7},{'ab'[i % 3 == 0]}\n" for i in range(60)))
    os.link(inside("t.csv"), inside("same.csv"))
    write("base.toml", "[model]\nlayers = [4]\n[run]\nbatch = 8\nepochs = 1\n")
    write("r.toml", "base = \"base.toml\"\n[data]\ntrain = \"t.csv\"\nlabel = \"label\"\n")
    refused("r.toml", "source", TAILOR, "compile", "r.toml", "-o", "r.toml")
    refused("r.toml", "source", TAILOR, "compile", "r.toml", "--emit", "fused", "-o", inside("r.toml"))
    refused("base.toml", "base recipe", TAILOR, "compile", "r.toml", "-o", "base.toml")
    refused("t.csv", "training table", TAILOR, "compile", "r.toml", "-o", "same.csv")
    refused("t.csv", "table", TAILOR, "init", "t.csv", "--label", "label", "-o", "t.csv", "--force")
    refused("t.csv", "table", TAILOR, "data", "t.csv", "--label", "label", "--schema-out", "same.csv")
    run(TAILOR, "compile", "r.toml", "--dump-ir", "dump", "--emit", "fused", cwd=folder)
    dump = sorted(name for name in os.listdir(inside("dump")) if "fused" in name)[0]
    refused(os.path.join("dump", dump), "program that is compiled", TAILOR, "compile", os.path.join("dump", dump), "--from", "fused", "--dump-ir", "dump")

    # Predictions to a pipe are what they are in a file, and nothing else is among them.
    weights = train(inside("r.toml"), inside("r"), "--quiet")
    predict = [TAILOR_RUN, "predict", "r/program.tailor", "--weights", weights, "--data", "t.csv", "--out"]
    run(*predict, "p.csv", cwd=folder)
    piped = subprocess.run([*predict, "/dev/stdout"], cwd=folder, capture_output=True)
    assert piped.returncode == 0 and piped.stdout == contents("p.csv"), piped
    write("appended", "first\n")
    with open(inside("appended"), "a") as f:
        subprocess.run([*predict, "/dev/stdout"], cwd=folder, stdout=f, stderr=subprocess.DEVNULL, check=True)
    assert contents("appended") == b"first\n" + contents("p.csv")

    # A name from a file is one part of a path.
    os.makedirs(inside("deep", "er"))
    run(TAILOR, "compile", recipe(folder, "blobs.toml", epochs=2), "--emit", "traced", "-o", "named.mlir", cwd=folder)
    text = contents("named.mlir").decode()
    assert "tailor.program @blobs" in text, text[:500]
    write("named.mlir", text.replace("tailor.program @blobs", "tailor.program @\"../../../x\""))
    run(TAILOR, "compile", "named.mlir", "-o", "named.tailor", cwd=folder)
    before = set(os.listdir(folder))
    run(TAILOR_RUN, inside("named.tailor"), "--quiet", cwd=inside("deep", "er"))
    assert os.listdir(inside("deep", "er")) == ["runs"]
    assert all(name.startswith("_._.._.._x-") for name in os.listdir(inside("deep", "er", "runs")))
    assert set(os.listdir(folder)) == before and os.listdir(inside("deep")) == ["er"]

    # Names that would steer a terminal.
    steer = "\x1b]0;owned\x07\x1b[2J\u009b31m"
    write("steer.csv", f"u{steer},v,label\n" + "".join(f"{i % 5},{i % 7},{'a' if i % 3 else 'b' + steer}\n" for i in range(60)))
    write("steer.toml", "[data]\ntrain = \"steer.csv\"\nlabel = \"label\"\n[model]\nlayers = [4]\n[run]\nbatch = 8\nepochs = 1\n")
    shown = run(TAILOR, "data", "steer.csv", cwd=folder)
    shown += run(TAILOR, "init", "steer.csv", "-o", "-", cwd=folder)
    shown += run(TAILOR, "train", "steer.toml", "--out", "steered", "--set", 'eval.metrics=["per_class"]', cwd=folder)
    shown += run(TAILOR, "eval", "steered/program.tailor", "--weights", "steered/seed-0/last.safetensors", "--data", "steer.csv", cwd=folder)
    shown += run(TAILOR, "train", "steer.toml", "--set", f"data.label.column={steer}", cwd=folder, status=1)
    shown += run(TAILOR, "inspect", "steered/program.tailor", cwd=folder)
    assert "owned" in shown
    for control in "\x1b\x07\u009b":
        assert control not in shown, shown

    # A pipe or device is no artifact, no checkpoint and no recipe, and is not waited for.
    os.mkfifo(inside("pipe"))
    for command in ([TAILOR_RUN, "pipe"], [TAILOR, "inspect", "pipe"], [TAILOR, "compile", "pipe"], [TAILOR, "inspect", "/dev/zero"],
                    [TAILOR_RUN, "eval", "r/program.tailor", "--weights", "pipe", "--data", "t.csv"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 1 and "is not a regular file" in done.stderr, (command, done)

    # What an unset variable leaves on the command line.
    for words in (["compile", ""], ["compile", "r.toml", "-o", ""], ["train", ""], ["data", ""], ["predict", "r/program.tailor", "--weights", ""]):
        text = run(TAILOR, *words, cwd=folder, status=2)
        assert "a name is needed, this one is empty" in text, (words, text)
    print("every name stayed where it belongs")
