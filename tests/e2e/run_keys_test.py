"""`--set` of a key that nothing in the artifact reads is refused with the command that rebuilds; so is a value that f32 cannot hold."""
import json
import os
import re
import shlex
import subprocess

from e2e import TAILOR, TAILOR_RUN, recipe, run, scratch


def expect(output, *parts):
    for part in parts:
        assert re.search(part, output), f"expected {part!r} in:\n{output}"


with scratch() as folder:
    def compiled(name, **changes):
        text = changes.pop("extra", "")
        path = recipe(folder, name + ".toml", extra=text, **changes)
        run(TAILOR, "compile", path, "-o", os.path.join(folder, name + ".tailor"))
        return os.path.join(folder, name + ".tailor")

    def refused(program, *settings):
        words = [word for setting in settings for word in ("--set", setting)]
        output = run(TAILOR_RUN, program, *words, "--out", os.path.join(folder, "never"), status=1)
        assert not os.path.exists(os.path.join(folder, "never")), "a refused run left output behind"
        return output

    erm = compiled("erm", use='["erm"]')
    expect(refused(erm, "method.sam-a.rho=3"), "nothing in this artifact reads 'method.sam-a.rho'",
           r"hint: rebuild it: tailor compile .*erm.toml --target cpu:[^ ]+ --set 'method.use=\[\"sam-a\"\]' --set method.sam-a.rho=3 -o .*erm.tailor")

    # The hint, run as it is printed, keeps what the artifact was compiled with.
    made = os.path.join(folder, "made.tailor")
    run(TAILOR, "compile", recipe(folder, "made.toml", use='["erm"]'), "-o", made, "--target", "cpu:x86-64-v3",
        "--disable-pass", "fuse-norm-activation", "--set", "model.layers=[7, 6]", "--set", "run.accumulate=2",
        "--set", "optimizer.lr=0.125", "--set", "model.dropout=0.25")
    hint = re.search("hint: rebuild it: tailor (.*)", refused(made, "model.dropout=0.5")).group(1)
    run(TAILOR, *shlex.split(hint), cwd=folder)
    run(TAILOR_RUN, made, "--steps", "1", "--out", os.path.join(folder, "rebuilt"))
    with open(os.path.join(folder, "rebuilt", "manifest.json")) as f:
        manifest = json.load(f)
    values = {key: option["value"] for key, option in manifest["options"].items()}
    assert [values[key] for key in ("model.layers", "run.accumulate", "optimizer.lr", "model.dropout")] == \
        [[7, 6], 2, 0.125, 0.5], values
    assert manifest["target"] == "cpu:x86-64-v3", manifest["target"]
    assert "--disable-pass fuse-norm-activation" in refused(made, "model.dropout=0.5")
    # What the compiler refuses is not proposed.
    sam_a = compiled("sam_a", use='["sam-a"]')
    expect(refused(sam_a, "method.sam.rho=1"), "hint: did you mean --set method.sam-a.rho=1")
    expect(refused(erm, "eval.predict.id=id"), "'eval.predict.id' is compiled into the artifact", "hint: rebuild it")
    expect(refused(erm, "data.split.by=group", "data.split.column=grp"), "'data.split.column' is compiled into the artifact")
    expect(refused(erm, "data.split.seed=1"), "read only with data.format = cifar10 or cifar100 or csv or memory, which is \"blobs\"")
    expect(refused(erm, "schedule.factor=0.5"), "read only with schedule.name or schedule.pieces = step", "hint: add --set schedule.name=step")
    # A file that nothing would read.
    rows = os.path.join(folder, "rows.csv")
    with open(rows, "w") as f:
        f.write("a,y\n1,0\n")
    expect(run(TAILOR_RUN, erm, "--data", rows, "--out", os.path.join(folder, "never"), status=1),
           "trains on data of the format 'blobs', which reads no data.train")
    run(TAILOR_RUN, erm, "--set", "optimizer.momentum=0.5", "--set", "run.epochs=1", "--out", os.path.join(folder, "ok"))

    # A rate that is far too high shows, whether or not the loss leaves the finite numbers in the end.
    said = []
    for rate in ("1", "2", "4", "8", "16"):
        done = subprocess.run([TAILOR_RUN, erm, "--set", f"optimizer.lr={rate}", "--set", "schedule.name=constant",
                               "--out", os.path.join(folder, "far" + rate)], capture_output=True, text=True)
        assert done.returncode in (0, 1), done.stderr
        said.append(len(re.findall("warning: seed 0: the loss of epoch [0-9]+ is .* training diverges; lower optimizer.lr",
                                   done.stderr)))
        assert said[-1] <= 1, done.stderr
    assert max(said) == 1, said

    # Without momentum there are no slots: the key is a compile key of this artifact.
    plain = recipe(folder, "plain.toml", use='["erm"]')
    program = os.path.join(folder, "plain.tailor")
    run(TAILOR, "compile", plain, "--set", "optimizer.momentum=0", "-o", program)
    expect(refused(program, "optimizer.momentum=0.9"), "'optimizer.momentum' is compiled into the artifact",
           "hint: rebuild it: .* --set optimizer.momentum=0.9")

    # A table that does not read beta has no field for it; one that does takes no beta that is 1 in f32.
    inv = compiled("inv", use='["weighted"]')
    expect(refused(inv, "method.weighted.beta=0.5"), "nothing in this artifact reads 'method.weighted.beta'",
           "--set method.weighted.table=effective")
    effective = os.path.join(folder, "effective.tailor")
    run(TAILOR, "compile", recipe(folder, "eff.toml", use='["weighted"]'), "--set", "method.weighted.table=effective", "-o", effective)
    run(TAILOR_RUN, effective, "--set", "method.weighted.beta=0.9999999", "--out", os.path.join(folder, "near"))
    expect(refused(effective, "method.weighted.beta=0.99999999"), "at most 0.9999999, not 0.99999999")
    bad = recipe(folder, "bad.toml", use='["sam-a"]', extra="[method.sam-a]\ntable = \"effective\"\nbeta = 0.999999999\n")
    expect(run(TAILOR, "compile", bad, status=1), r"bad.toml:\d+:8: error: method.sam-a.beta", r"beta = 0.999999999\n")
    print("what has no effect is refused")
