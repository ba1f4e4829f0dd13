"""Every recipe for CIFAR is a program; one of a wide network trains on the CPU with all that its methods add, and writes
features and predictions."""
import glob
import os
import random

from e2e import TAILOR, run, scratch

HERE = os.path.dirname(os.path.abspath(__file__))
RECIPES = sorted(glob.glob(os.path.join(HERE, "../../models/recipes/cifar*.toml")))
CLASSES, PIXELS = 10, 3072

with scratch() as folder:
    generator = random.Random(1)
    for batch in range(1, 6):
        with open(os.path.join(folder, f"data_batch_{batch}.bin"), "wb") as f:
            for row in range(20):
                f.write(bytes([row % CLASSES]) + generator.randbytes(PIXELS))
    images = ["--set", f"data.cifar.folder={folder}", "--set", "data.long_tail.r=0.5"]
    assert len(RECIPES) >= 4, RECIPES
    for recipe in RECIPES:
        run(TAILOR, "compile", recipe, *images, "--target", "reference", "-o", os.path.join(folder, "p.tailor"))

    # The recipe of WRN-28-10, of 10 layers and single width, with mixed rows besides: networks of images say their inputs.
    small = images + ["--set", "model.depth=10", "--set", "model.widen_factor=1", "--set", "model.dropout=0.2", "--set",
                      'method.use=["sam-a","smoothing","ema","mixup"]', "--set", "run.batch=16", "--set", "run.eval_batch=16",
                      "--set", "run.epochs=2", "--set", "schedule.warmup_epochs=1"]
    out, table = os.path.join(folder, "out"), os.path.join(folder, "p.csv")
    run(TAILOR, "train", os.path.join(HERE, "../../models/recipes/cifar10_lt_wrn.toml"), *small, "--out", out)
    run(TAILOR, "predict", out, "--data", os.path.join(folder, "data_batch_5.bin"), "--columns", "probability,features", "--out", table)
    with open(table) as f:
        lines = f.read().splitlines()
    assert len(lines) == 1 + 20, len(lines)
    assert len(lines[0].split(",")) >= 64 + CLASSES, lines[0]
print(f"{len(RECIPES)} recipes")
