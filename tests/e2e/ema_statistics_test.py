"""method.ema.bn = "recompute": the running statistics in a checkpoint are a function of its weights, wherever a run was
stopped and with any number of threads, and evaluations use them."""
import json
import os
import signal
import struct
import subprocess
import time

from e2e import TAILOR, TAILOR_RUN, recipe, run, same_checkpoint, scratch, tensors, weights

STATISTICS = "ema_batchnorm/"


def own(folder, name, bn, use='["ema", "sam-a"]', epochs=4):
    path = recipe(folder, name, use=use + '\nema = { bn = "%s", decay = 0.9 }' % bn, epochs=epochs)
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace("layers = [33, 20]", "layers = [33, 20]\nbatch_norm = true"))
    return path


def record(path):
    with open(path, "rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        return json.loads(json.loads(f.read(length))["__metadata__"]["tailor.record"])


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

    # What the clock saves is to go on from: where its statistics are older than its weights an evaluation says so, and a run
    # that is stopped has new ones.
    killed, steps = at("killed"), {}
    training = subprocess.Popen([TAILOR_RUN, artifact, "--out", killed, "--quiet", "--set", "run.epochs=100000", "--set",
                                 "run.checkpoint_minutes=0.00001", "--set", "run.steps_per_launch=1"], stdout=subprocess.DEVNULL)
    deadline = time.time() + 60
    while steps.get("statistics_step") == steps.get("step") and time.time() < deadline:
        time.sleep(0.1)
        if os.path.exists(weights(killed)):
            training.send_signal(signal.SIGSTOP)
            steps = record(weights(killed))
            training.send_signal(signal.SIGCONT if steps["statistics_step"] == steps["step"] else signal.SIGKILL)
    training.kill()
    training.wait()
    assert steps["statistics_step"] != steps["step"], steps
    warning = f"its weights are of step {steps['step']}, the running statistics they are evaluated with"
    assert warning in run(TAILOR_RUN, "eval", killed), "eval of a checkpoint with old statistics"
    run(TAILOR_RUN, artifact, "--out", killed, "--resume", "--steps", str(steps["step"] + 3))
    assert "running statistics" not in run(TAILOR_RUN, "eval", killed)

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
