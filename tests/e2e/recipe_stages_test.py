"""Recipes of several stages: each has its methods, frozen parts, sampler and run keys; what is frozen keeps its bits;
stopped in any stage and resumed, with any number of threads, they end with the bits of a run left alone."""
import json
import os
import re

from e2e import TAILOR, TAILOR_RUN, recipe, run, same_checkpoint, scratch, tensors, weights

STAGES = """
[[stage]]
name = "warm"
[[stage]]
name = "sharp"
epochs = 3
method = { use = ["sam-a", "smoothing", "ema"], sam-a = { rho = 0.1 } }
[[stage]]
name = "head"
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
    path = recipe(folder, use='["erm"]', epochs=2, extra=STAGES)
    artifact = os.path.join(folder, "r.tailor")
    run(TAILOR, "compile", path, "-o", artifact)
    summary = run(TAILOR, "inspect", artifact)
    for part in [r"stage warm: train_step ", r"stage sharp: train_step_sharp .*method.sam-a.rho = 0.1",
                 r"stage head: train_step_head .*data.sampler = \"class_aware\".*method.smoothing.eps = 0.2"]:
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
    given = ["--set", "stage.warm.epochs=1", "--set", "stage.head.epochs=1", "--set", "run.epochs=1"]
    refused = run(TAILOR, "train", path, *given, status=1)
    assert "every stage has one of its own" in refused and "stage.head.run.epochs" in refused, refused

    # What `train` takes for a stage, the artifact takes too: short names, keys the stage had none of, the sampler.
    given = ["--set", "stage.sharp.epochs=1", "--set", "stage.warm.optimizer.lr=0.01", "--set",
             "stage.head.data.sampler=uniform"]
    by_recipe, by_artifact = os.path.join(folder, "by-recipe"), os.path.join(folder, "by-artifact")
    run(TAILOR, "train", path, "--out", by_recipe, *given)
    run(TAILOR_RUN, artifact, "--out", by_artifact, "--steps", "3", *given)
    run(TAILOR_RUN, artifact, "--out", by_artifact, "--resume")  # the run keeps what its command line gave it
    tensors_of = [tensors(weights(out)) for out in (by_recipe, by_artifact)]
    assert tensors_of[0] == tensors_of[1]
    assert lines(by_artifact)[0]["lr"] == lines(by_recipe)[0]["lr"] < log[0]["lr"]
    for refused, why in [("stage.warm.continues=true", "is compiled into the artifact"),
                         ("stage.warm.run.seed=3", "is the same in all stages"),
                         ("stage.warm.schedule.milestones=[3]", "is read only with stage.warm.schedule.name or stage.warm.schedule.pieces = step"),
                         ("stage.warm.method.use=sam", "is compiled into the artifact")]:
        assert why in run(TAILOR_RUN, artifact, "--set", refused, status=1), refused

    # Every stage has its own values on paper.
    shown = run(TAILOR, "recipe", path)
    assert re.search(r'stage\.head\.data\.sampler = "class_aware"   # .*r\.toml:\d+:\d+', shown), shown
    compared = run(TAILOR, "compare", path, status=1)
    assert "methods are compared over a whole recipe, and stage 'sharp' has a method.use of its own" in compared, compared

with scratch() as folder:
    # The epoch from which a stage weighs is its own; a share and an epoch may stand in two stages.
    path = recipe(folder, use='["drw"]', extra="""
[[stage]]
name = "share"
epochs = 2
method.drw.from = 0.5
[[stage]]
name = "epoch"
method.drw.from_epoch = 2
[[stage]]
name = "never"
epochs = 1
method.drw.from = 1.0
""")
    out = os.path.join(folder, "out")
    said = run(TAILOR, "train", path, "--out", out)
    assert [line["control/drw"] for line in lines(out)] == [0, 1, 0, 0, 1, 0], lines(out)
    assert "row 1 of 'drw' begins after 1 epoch, but stage 'never' ends after 1: it is never used" in said, said

    # Known before the first step: epochs of another length in a stage that continues a later one.
    path = recipe(folder, use='["erm"]', extra="""
[[stage]]
name = "one"
[[stage]]
name = "two"
[[stage]]
name = "three"
continues = true
run.drop_last = true
""")
    refused = run(TAILOR, "train", path, "--out", os.path.join(folder, "no"), status=1)
    assert re.search(r"stage 'three' continues 'two' with \d+ steps in an epoch", refused), refused
    assert not os.path.exists(os.path.join(folder, "no", "seed-0", "last.safetensors"))

    # What is wrong with one key is said at its line.
    for extra, place, why in [
            ('[[stage]]\nmodel.freeze = ["*"]\n', r":\d+:7: ", "nothing is left to train: model.freeze matches every"),
            ('[[stage]]\noptimizer.groups = [{ keys = ["head*"], lrr = 1 }]\n', r":\d+:21: ", "has 'lrr', expected keys"),
            ('[[stage]]\ndata = { sampler = "deferred", sampler_then = "deferred" }\n', r":\d+:32: ",
             'sampler_then is "deferred" too')]:
        refused = run(TAILOR, "compile", recipe(folder, use='["erm"]', extra=extra), status=1)
        assert re.search(place + "error: .*" + re.escape(why), refused), refused
    # A factor per class may train alone, on frozen weights.
    path = recipe(folder, use='["lws"]', extra='[[stage]]\nmodel.freeze = ["*"]\n')
    run(TAILOR, "train", path, "--out", os.path.join(folder, "factors"))

with scratch() as folder:
    # How an average is warmed up is a stage's own: without it the average hardly leaves the first weights.
    path = recipe(folder, use='["ema"]', epochs=2, extra='[[stage]]\nname = "one"\n[[stage]]\nname = "two"\n')
    averages = []
    for warmup in ("true", "false"):
        out = os.path.join(folder, warmup)
        run(TAILOR, "train", path, "--out", out, "--set", f"stage.two.method.ema.warmup={warmup}")
        averages.append({name: value for name, value in tensors(weights(out)).items() if name.startswith("ema")})
    assert averages[0] and averages[0] != averages[1], averages[0].keys()

with scratch() as folder:
    # A stage begins with the weights of an earlier one; what it initialises starts as the run did.
    path = recipe(folder, use='["erm"]', epochs=2, extra="""
[[stage]]
name = "one"
[[stage]]
name = "two"
[[stage]]
name = "three"
model.weights = "stage:one"
optimizer.lr = 0.0
[[stage]]
name = "four"
model = { weights = "stage:two", initialise = ["head.*"] }
optimizer.lr = 0.0
""")
    artifact, out = os.path.join(folder, "r.tailor"), os.path.join(folder, "out")
    run(TAILOR, "compile", path, "-o", artifact)
    assert re.search(r"stage three: .*copies net_of_one -> net", run(TAILOR, "inspect", artifact))

    def network(out):
        return {name: value for name, value in tensors(weights(out)).items() if "/" not in name}
    steps = {}
    run(TAILOR_RUN, artifact, "--out", out)
    for line in lines(out):
        steps[line["stage"]] = line["step"]
    at = {}
    for name, end in steps.items():
        stopped = os.path.join(folder, name)
        run(TAILOR_RUN, artifact, "--out", stopped, "--steps", str(end))
        at[name] = network(stopped)
    assert at["one"] != at["two"] and at["three"] == at["one"]
    still = os.path.join(folder, "still")
    run(TAILOR_RUN, artifact, "--out", still, "--steps", "3", "--set", "stage.one.optimizer.lr=0")
    for name, value in at["four"].items():
        assert value == (network(still) if name.startswith("head.") else at["two"])[name], name
    assert network(still)["head.weight"] != at["two"]["head.weight"]
    stopped = os.path.join(folder, "stopped")
    run(TAILOR_RUN, artifact, "--out", stopped, "--steps", str(steps["two"] + 2))
    run(TAILOR_RUN, artifact, "--out", stopped, "--resume")
    same_checkpoint(weights(out), weights(stopped), "stopped in the third stage")
    refused = run(TAILOR, "compile", path, "--set", 'stage.four.model.initialise=["haed.*"]', status=1)
    assert "'haed.*' of model.initialise matches no tensor" in refused and "head.weight" in refused, refused

    # Weights that a run saved are weights that a run begins with, whatever else the file holds.
    again = os.path.join(folder, "again")
    said = run(TAILOR, "train", recipe(folder, "s.toml", use='["ema"]', epochs=2), "--out", again, "--set",
               "model.weights.file=" + weights(out), "--set", "optimizer.lr=0")
    assert "is a checkpoint: its network is read, fitted, net_of_one, net_of_two, optimizer are left" in said, said
    assert network(again) == network(out)
