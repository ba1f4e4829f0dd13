"""run.accumulate: k micro-batches of B rows make the step of one batch of k * B rows, whatever the loss, the sampler's last
batch and the method; what cannot be put together from micro-batches is refused."""
import json
import os

from e2e import TAILOR, TAILOR_RUN, cifar_batch, recipe, run, same_checkpoint, scratch, tensors, train, weights

# 300 training rows of the long tail: the last step of an epoch is ragged, and so is a micro-batch in it.
METHODS = {
    "erm": ('["erm"]', ""),
    "weighted": ('["weighted"]', '[method.weighted]\nreduction = "weighted_mean"\n'),
    "sam-a": ('["sam-a", "smoothing", "ema"]', ""),
    "radius of the batch": ('["sam-a"]', '[method.sam-a]\nradius = "batch_mean"\n'),
    "focal": ('["focal", "logit-adjustment"]', ""),
}


def apart(a, b):
    """The largest difference of any tensor, by its own largest element."""
    worst = 0
    first, second = tensors(a), tensors(b)
    assert first.keys() == second.keys()
    for name, values in first.items():
        scale = max(map(abs, values), default=0) or 1
        worst = max(worst, max((abs(x - y) for x, y in zip(values, second[name])), default=0) / scale)
    return worst


def with_batch(folder, name, use, extra, batch, accumulate):
    path = recipe(folder, f"{name}.toml", use=use, epochs=2, extra=extra)
    with open(path) as f:
        text = f.read().replace("batch = 16\n", f"batch = {batch}\naccumulate = {accumulate}\n")
    with open(path, "w") as f:
        f.write(text)
    return path


with scratch() as folder:
    for name, (use, extra) in METHODS.items():
        whole = with_batch(folder, "whole", use, extra, 32, 1)
        parts = with_batch(folder, "parts", use, extra, 8, 4)
        for target, tolerance in (("reference", 1e-6), ("cpu:native", 2e-4)):
            out = os.path.join(folder, f"{name} {target}")
            a = train(whole, out + " whole", "--target", target)
            b = train(parts, out + " parts", "--target", target)
            difference = apart(a, b)
            assert difference < tolerance, f"{name} on {target}: apart by {difference}"
            with open(os.path.join(out + " whole", "seed-0", "log.jsonl")) as f, \
                    open(os.path.join(out + " parts", "seed-0", "log.jsonl")) as g:
                for line, other in zip(map(json.loads, f), map(json.loads, g)):
                    assert line["step"] == other["step"] and line["lr"] == other["lr"], (line, other)
                    assert abs(line["train/loss"] - other["train/loss"]) < 1e-4, (name, line, other)
        print("the same step:", name)

    # The same bits from any stop, number of threads and steps per launch.
    artifact = os.path.join(folder, "p.tailor")
    run(TAILOR, "compile", with_batch(folder, "parts", *METHODS["sam-a"], 8, 4), "-o", artifact)
    straight, stopped = os.path.join(folder, "straight"), os.path.join(folder, "stopped")
    run(TAILOR_RUN, artifact, "--out", straight, "--batch", "8")
    run(TAILOR_RUN, artifact, "--out", stopped, "--steps", "7", "--threads", "1", "--set", "run.steps_per_launch=1")
    run(TAILOR_RUN, artifact, "--out", stopped, "--resume", "--threads", "2")
    same_checkpoint(weights(straight), weights(stopped), "stopped at step 7")

    # Rows that are paired are paired within a micro-batch: another step than the large batch's, but one that trains.
    mixup = with_batch(folder, "mixup", '["mixup"]', "", 8, 4)
    train(mixup, os.path.join(folder, "mixup"))

    # Images as bytes, batch norms, and statistics recomputed over micro-batches: the same bits from any stop.
    images = os.path.join(folder, "images")
    os.makedirs(images)
    for number in range(1, 6):
        cifar_batch(os.path.join(images, f"data_batch_{number}.bin"), 20, number)
    network = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../models/recipes/cifar10_lt_resnet8_sam_a.toml")
    run(TAILOR, "compile", network, "-o", artifact, "--set", f"data.cifar.folder={images}", "--set", "data.long_tail.r=0.5",
        "--set", "run.batch=8", "--set", "run.accumulate=2", "--set", "run.eval_batch=8", "--set", "run.epochs=2",
        "--set", 'method.use=["sam-a","smoothing","ema"]', "--set", "method.ema.bn=recompute")
    straight, stopped = os.path.join(folder, "images straight"), os.path.join(folder, "images stopped")
    run(TAILOR_RUN, artifact, "--out", straight)
    run(TAILOR_RUN, artifact, "--out", stopped, "--steps", "3", "--threads", "1")
    run(TAILOR_RUN, artifact, "--out", stopped, "--resume", "--threads", "2")
    same_checkpoint(weights(straight), weights(stopped), "a network on images stopped at step 3")
