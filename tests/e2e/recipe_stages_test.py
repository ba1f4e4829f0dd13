"""Recipes of several stages: each has its methods, frozen parts, sampler and run keys; what is frozen keeps its bits;
stopped in any stage and resumed, with any number of threads, they end with the bits of a run left alone."""
import json
import os
import re

from e2e import TAILOR, TAILOR_RUN, recipe, run, same_checkpoint, scratch, tensors, weights

STAGES = """
[[stage]]
name = "warm"
epochs = 2
method.use = ["erm"]
[[stage]]
name = "sharp"
epochs = 3
method = { use = ["sam-a", "smoothing", "ema"], sam-a = { rho = 0.1 } }
[[stage]]
name = "head"
epochs = 2
model.freeze = ["fc*"]
data.sampler = "class_aware"
method = { use = ["smoothing"], smoothing = { eps = 0.2 } }
optimizer.lr = 0.02
schedule.name = "cosine"
"""


def lines(out):
    with open(os.path.join(out, "seed-0", "log.jsonl")) as f:
        return [json.loads(line) for line in f]


with scratch() as folder:
    path = recipe(folder, extra=STAGES)
    artifact = os.path.join(folder, "r.tailor")
    run(TAILOR, "compile", path, "-o", artifact)
    summary = run(TAILOR, "inspect", artifact)
    for part in [r"stage warm: train_step .*run.epochs = 2", r"stage sharp: train_step_sharp .*method.sam-a.rho = 0.1",
                 r"stage head: train_step_head .*sampler class_aware.*method.smoothing.eps = 0.2"]:
        assert re.search(part, summary), summary
    whole = os.path.join(folder, "whole")
    run(TAILOR_RUN, artifact, "--out", whole)
    log = lines(whole)
    assert [line["stage"] for line in log] == ["warm"] * 2 + ["sharp"] * 3 + ["head"] * 2, log
    assert "train/ascent_loss" in log[2] and "train/ascent_loss" not in log[5], log
    assert log[5]["lr"] == 0.02, log[5]  # the clock of schedules starts anew

    # Stopped after every number of steps: in the middle of each stage and at both borders.
    ends = [line["step"] for line in log]
    for at, threads in [(ends[0] + 3, 1), (ends[1], 2), (ends[3] - 1, 3), (ends[4], 1), (ends[5] + 2, 2)]:
        part = os.path.join(folder, f"at-{at}")
        run(TAILOR_RUN, artifact, "--out", part, "--steps", str(at), "--threads", str(threads))
        if at == ends[4]:
            body = tensors(weights(part))
        run(TAILOR_RUN, artifact, "--out", part, "--resume", "--threads", "3")
        same_checkpoint(weights(whole), weights(part), f"stopped at step {at}, {threads} threads")

    # The last stage trains the head alone.
    last = tensors(weights(whole))
    frozen = [name for name in last if name.startswith("fc")]
    assert len(frozen) == 4 and all(last[name] == body[name] for name in frozen), frozen
    assert last["head.weight"] != body["head.weight"]

    # A stage's key is set by its long name; one that every stage has of its own is not set for all.
    other = os.path.join(folder, "other")
    run(TAILOR_RUN, artifact, "--out", other, "--set", "stage.sharp.run.epochs=1")
    assert [line["stage"] for line in lines(other)].count("sharp") == 1
    refused = run(TAILOR, "train", path, "--set", "run.epochs=1", status=1)
    assert "every stage has one of its own" in refused and "stage.head.run.epochs" in refused, refused
