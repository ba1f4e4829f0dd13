"""One of several batch sizes in an artifact trains the bits of that size compiled alone: dropout, pairs of rows, statistics that are
recomputed, micro-batches. And the order of the list is nothing, also where the sizes take different numbers of commands: a layer of
256 makes chunks of 64 rows and none of 2. But the first of it is what a run without --batch trains with."""
import json
import os

from e2e import TAILOR, TAILOR_RUN, recipe, run, same_checkpoint, scratch, weights

PROGRAMS = {
    "mixup and dropout": ('["mixup"]', "", ""),
    "recomputed statistics": ('["sam-a", "ema"]', '[method.ema]\nbn = "recompute"\n', "batch_norm = true\n"),
    "micro-batches": ('["sam-a", "smoothing"]', "", ""),
}

with scratch() as folder:
    for name, (use, extra, model) in PROGRAMS.items():
        path = recipe(folder, use=use, epochs=2, dropout=0.3, extra=extra)
        with open(path) as f:
            text = f.read().replace("layers = [33, 20]\n", "layers = [9]\n" + model)
        with open(path, "w") as f:
            f.write(text)
        accumulate = 2 if name == "micro-batches" else 1
        out = {}
        for sizes in ("16", "[8,16]"):
            artifact = os.path.join(folder, "p.tailor")
            run(TAILOR, "compile", path, "-o", artifact, "--set", f"run.batch={sizes}", "--set", f"run.accumulate={accumulate}")
            out[sizes] = os.path.join(folder, f"{name} {sizes}")
            run(TAILOR_RUN, artifact, "--out", out[sizes], "--batch", "16")
        same_checkpoint(weights(out["16"]), weights(out["[8,16]"]), name)

    # The first of the list is the default, the largest here.
    path = recipe(folder, epochs=2)
    artifact = os.path.join(folder, "p.tailor")
    run(TAILOR, "compile", path, "-o", artifact, "--set", "run.batch=[16,8]")
    said = run(TAILOR_RUN, artifact, "--out", os.path.join(folder, "default"))
    assert "batch    16 rows a step; --batch takes 8 as well" in said, said
    run(TAILOR_RUN, artifact, "--out", os.path.join(folder, "named"), "--batch", "16")
    same_checkpoint(weights(os.path.join(folder, "default")), weights(os.path.join(folder, "named")), "the first of the list")

    path = recipe(folder, use='["erm"]', epochs=2)
    with open(path) as f:
        text = f.read().replace("layers = [33, 20]\n", "layers = [256, 256]\n")
    with open(path, "w") as f:
        f.write(text)
    plans = []
    for sizes in ("[2,256]", "[256,2]"):
        artifact = os.path.join(folder, "p.tailor")
        run(TAILOR, "compile", path, "-o", artifact, "--set", f"run.batch={sizes}")
        plans.append(json.loads(run(TAILOR, "inspect", artifact, "--memory", "--json")))
    lives = [sorted((row["entry"], row["name"], row["first"], row["last"]) for row in plan["buffers"]) for plan in plans]
    assert lives[0] and lives[0] == lives[1], "lives of buffers depend on the order of batch sizes"
