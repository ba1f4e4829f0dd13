"""run.memory_budget: launches run twice so that a step fits the budget, with the same bits and under any budget from the same
checkpoint; a budget that cannot be met is refused with the least that can, a batch beyond the machine before anything starts;
a value that is not finite names its layer."""
import json
import os
import random
import re

from e2e import TAILOR, TAILOR_RUN, recipe, run, same_checkpoint, scratch, weights

HERE = os.path.dirname(os.path.abspath(__file__))
RECIPE = os.path.join(HERE, "../../models/recipes/cifar10_lt_resnet8.toml")
CLASSES, PIXELS = 10, 3072


def write_batch(path, seed):
    generator = random.Random(seed)
    with open(path, "wb") as f:
        for row in range(2 * CLASSES):
            label = row % CLASSES
            f.write(bytes([label]) + bytes(24 * label + generator.randrange(16) for _ in range(PIXELS)))


def plan_of(artifact):
    sizes = json.loads(run(TAILOR, "inspect", artifact, "--memory", "--json"))["bytes"]
    beside = sum(sizes[space] for space in ("state", "control", "metrics", "slot"))
    return beside, sizes["arena"]


def cut(folder, name, source, *options):
    """Compiles without a budget and with one that leaves the arena less; the runs have the same bits."""
    free, tight = os.path.join(folder, name + "-free.tailor"), os.path.join(folder, name + "-tight.tailor")
    run(TAILOR, "compile", source, "-o", free, *options)
    beside, arena = plan_of(free)
    budget = beside + 8 * arena // 10
    said = run(TAILOR, "compile", source, "-o", tight, "--explain", *options, "--set", f"run.memory_budget={budget}")
    beside_now, arena_now = plan_of(tight)
    assert beside_now == beside and beside + arena_now <= budget, (beside, arena, beside_now, arena_now)
    assert re.search(r"'train_step' runs [1-9][0-9]* launch(es)? a second time", said), said
    assert "runs" in run(TAILOR, "inspect", tight, "--memory"), "inspect says what it costs"
    a, b = os.path.join(folder, name + "-a"), os.path.join(folder, name + "-b")
    run(TAILOR_RUN, free, "--out", a)
    run(TAILOR_RUN, tight, "--out", b, "--steps", "3")
    with open(free, "rb") as f, open(tight, "rb") as g:
        assert f.read() != g.read()
    run(TAILOR_RUN, tight, "--out", b, "--resume")
    same_checkpoint(weights(a), weights(b), f"{name} under {budget} bytes")
    # The checkpoint goes on without the budget.
    c = os.path.join(folder, name + "-c")
    run(TAILOR_RUN, tight, "--out", c, "--steps", "3")
    run(TAILOR_RUN, free, "--out", c, "--resume")
    same_checkpoint(weights(a), weights(c), f"{name} resumed without the budget")


with scratch() as folder:
    images = os.path.join(folder, "images")
    os.makedirs(images)
    for batch in range(1, 6):
        write_batch(os.path.join(images, f"data_batch_{batch}.bin"), batch)
    small = ["--set", f"data.cifar.folder={images}", "--set", "data.long_tail.r=1", "--set", "run.epochs=2",
             "--set", "run.eval_batch=8"]
    cut(folder, "images", RECIPE, *small, "--set", "run.batch=16", "--set", "method.use=sam-a,ema")
    # Wide layers over many rows: activations are most of it, and dropout draws the same masks again.
    cut(folder, "table", recipe(folder, dropout=0.2, epochs=2), "--set", "model.layers=48,48,48,48,48,48",
        "--set", "run.batch=512", "--set", "data.sampler=class_balanced")

    refused = run(TAILOR, "compile", RECIPE, "-o", os.path.join(folder, "r.tailor"), *small,
                  "--set", "run.memory_budget=1MiB", status=1)
    assert re.search(r"run.memory_budget is 1048576 bytes \(1.0 MB\), the least that was found is [0-9]+", refused), refused
    # The least is the program's: whatever was asked for it is the same, and a budget of as much is met.
    listed = [*small, "--set", "run.batch=[5, 16]", "--set", "method.use=sam-a,ema"]

    def least(budget):
        text = run(TAILOR, "compile", RECIPE, "-o", os.path.join(folder, "r.tailor"), *listed,
                   "--set", f"run.memory_budget={budget}", status=1)
        return int(re.search(r"the least that was found is ([0-9]+) \([0-9.]+ MB\)", text).group(1))
    named = least(1000)
    assert least(named // 2) == named and least(named - 1) == named
    run(TAILOR, "compile", RECIPE, "-o", os.path.join(folder, "r.tailor"), *listed, "--set", f"run.memory_budget={named}")

    refused = run(TAILOR, "compile", RECIPE, "-o", os.path.join(folder, "r.tailor"), *small,
                  "--set", "run.memory_budget=2 apples", status=1)
    assert "'2 apples' is no number of bytes" in refused, refused

    refused = run(TAILOR, "train", RECIPE, "--out", os.path.join(folder, "large"), *small,
                  "--set", "run.batch=1000000", status=1)
    assert re.search(r"training needs [0-9.]+ MB of memory, this process may have [0-9.]+ MB: "
                     r"activations and gradients [0-9.]+ MB", refused), refused
    assert "run.accumulate" in refused and "run.memory_budget" in refused, refused

    refused = run(TAILOR, "train", RECIPE, "--out", os.path.join(folder, "nan"), *small, "--set", "run.batch=16",
                  "--set", "optimizer.lr=1e6", "--set", "optimizer.weight_decay=1",
                  "--set", "schedule.name=constant", "--trap-nonfinite", status=1)
    assert re.search(r"wrote the first value that is not finite, in layers? '[a-z0-9.]+", refused), refused
