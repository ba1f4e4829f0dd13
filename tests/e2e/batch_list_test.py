"""One of several batch sizes in an artifact trains the bits of that size compiled alone: dropout, pairs of rows, statistics that are
recomputed, micro-batches."""
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
