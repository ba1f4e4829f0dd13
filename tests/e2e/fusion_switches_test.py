"""Every pass off in turn, and all off: the same training within the tolerance of f32 rounding.

With TAILOR_NIGHTLY set every method family is run; else one per family of programs.
"""
import json
import os
import re

from e2e import TAILOR, recipe, run, scratch, tensors, train

# Ten steps in f32: rounding differs by the order of sums, and SAM's normalised step amplifies it a little.
TOLERANCE = 2e-3

with scratch() as folder:
    listing = run(TAILOR, "compile", "--list-passes")
    passes = re.findall(r"^(tailor-[a-z-]+)\s+(?:optional|mandatory)", listing, re.M)
    assert len(passes) >= 8, f"too few passes listed:\n{listing}"
    families = {"plain": ('["weighted", "smoothing"]', "")}
    families["sam_a_norm"] = ('["sam-a", "smoothing", "ema"]', "batch_norm = true")
    if os.environ.get("TAILOR_NIGHTLY"):
        families.update({"erm": ('["erm"]', ""), "logit": ('["logit-adjustment"]', ""), "sam": ('["sam"]', ""),
                         "logit_ema": ('["logit-adjustment", "ema"]', "batch_norm = true")})
    for family, (use, model) in families.items():
        path = recipe(folder, family + ".toml", use=use, epochs=2, dropout=0.1)
        with open(path) as f:
            text = f.read().replace("[model]\n", "[model]\n" + model + "\n")
        with open(path, "w") as f:
            f.write(text)
        base = tensors(train(path, os.path.join(folder, family), "--set", "run.steps=10"))
        for switch in passes + ["all"]:
            other = tensors(train(path, os.path.join(folder, f"{family}-{switch}"), "--set", "run.steps=10", "--disable-pass", switch))
            assert other.keys() == base.keys()
            worst = max(abs(a - b) / (1 + abs(a)) for name in base for a, b in zip(base[name], other[name]))
            assert worst < TOLERANCE, f"{family} without {switch}: weights differ by {worst:.2e}"
            print(f"{family} without {switch}: worst difference {worst:.1e}")
