"""method.ema.bn = "recompute": the running statistics in a checkpoint are a function of its weights, wherever a run was
stopped and with any number of threads, and evaluations use them."""
import json
import os

from e2e import TAILOR, TAILOR_RUN, recipe, run, same_checkpoint, scratch, tensors, weights

STATISTICS = "ema_batchnorm/"


def own(folder, name, bn, use='["ema", "sam-a"]', epochs=4):
    path = recipe(folder, name, use=use + '\nema = { bn = "%s", decay = 0.9 }' % bn, epochs=epochs)
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace("layers = [33, 20]", "layers = [33, 20]\nbatch_norm = true"))
    return path


def statistics(out):
    return {name: values for name, values in tensors(weights(out)).items() if name.startswith(STATISTICS)}


with scratch() as folder:
    def at(name):
        return os.path.join(folder, name)

    for bn in ("avg", "copy", "recompute"):
        run(TAILOR, "train", own(folder, bn + ".toml", bn), "--out", at(bn))
    assert not statistics(at("copy")) and len(statistics(at("avg"))) == len(statistics(at("recompute"))) == 4
    assert statistics(at("avg")) != statistics(at("recompute"))
    # The average itself is the same: the pass changes nothing that trains.
    parts = [{name: values for name, values in tensors(weights(at(bn))).items() if not name.startswith(STATISTICS)}
             for bn in ("avg", "recompute")]
    assert parts[0] == parts[1]

    # Stopped in an epoch and resumed, with other threads and launches: the same bits.
    artifact = at("r.tailor")
    run(TAILOR, "compile", at("recompute.toml"), "-o", artifact)
    part = at("part")
    run(TAILOR_RUN, artifact, "--out", part, "--steps", "7", "--threads", "1", "--set", "run.steps_per_launch=1")
    stopped = statistics(part)
    run(TAILOR_RUN, artifact, "--out", part, "--resume", "--threads", "2")
    same_checkpoint(weights(at("recompute")), weights(part), "stopped at step 7")

    # What was saved in the middle of an epoch has the statistics of its weights: those of a run that ends there, whose
    # schedule is constant as the other's is made to be.
    constant = ["--set", "schedule.name=constant"]
    run(TAILOR_RUN, artifact, "--out", at("stopped"), "--steps", "7", *constant)
    run(TAILOR_RUN, artifact, "--out", at("ended"), "--set", "run.steps=7", *constant)
    assert statistics(at("stopped")) == statistics(at("ended"))

    # A checkpoint is evaluated as the run evaluated it.
    with open(os.path.join(at("recompute"), "result.json")) as f:
        wanted = json.load(f)["metrics"]["test/loss"]["mean"]
    text = run(TAILOR_RUN, "eval", at("recompute"), "--json")
    evaluated = json.loads(next(line for line in text.splitlines() if line.startswith("{")))
    evaluated = evaluated.get("loss", evaluated.get("metrics", {}).get("loss"))
    assert evaluated == wanted, (wanted, evaluated)

    # A network without batch norm has nothing to recompute.
    bare = recipe(folder, "bare.toml", use='["ema"]\nema = { bn = "recompute" }')
    refused = run(TAILOR, "train", bare, "--out", at("bare"), status=1)
    assert "runs no batch norm" in refused, refused
print("recomputed statistics are a function of the weights")
