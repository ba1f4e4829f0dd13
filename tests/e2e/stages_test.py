"""Programs of several stages: killed in each one and resumed they end with the bits of a run left alone, for any number
of threads; a stage trains what its step updates; rows of class tables switch at their epoch."""
import json
import os
import re
import signal
import subprocess
import sys
import time

from e2e import TAILOR, TAILOR_RUN, run, same_checkpoint, scratch, tensors, weights

STAGES = ["generator", "plain", "translate"]
EPOCHS = ["--set", "stage.generator.run.epochs=40", "--set", "stage.plain.run.epochs=40", "--set", "stage.translate.run.epochs=40"]


def log(out):
    with open(os.path.join(out, "seed-0", "log.jsonl")) as f:
        return [json.loads(line) for line in f]


def timeless(lines):
    return [{k: v for k, v in line.items() if k not in ("ms_per_step", "loader_share", "seconds_left")} for line in lines]


def kill_in(stage, command, out):
    """Runs until the log has a line of `stage` that was not there, then kills. Whether it was in time."""
    path = os.path.join(out, "seed-0", "log.jsonl")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    text = '"stage":"%s"' % stage
    while process.poll() is None:
        if os.path.exists(path):
            with open(path) as f:
                if text in f.read():
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    return process.returncode == -signal.SIGKILL
        time.sleep(0.001)
    sys.exit(f"it ended before stage {stage} was seen: exit {process.returncode}\n{process.communicate()[1].decode()}")


def expect(output, *parts):
    for part in parts:
        assert re.search(part, output), f"expected {part!r} in:\n{output}"


with scratch() as folder:
    program = os.path.join(folder, "m2m.tailor")
    run(os.environ["TAILOR_EXAMPLE_M2M"], "compile", "-o", program, cwd=folder)
    straight = os.path.join(folder, "straight")
    common = ["--set", "run.checkpoint_every=1", "--set", "run.keep.best=val/balanced_accuracy"] + EPOCHS
    output = run(TAILOR_RUN, program, "--out", straight, *common)
    expect(output, "stage translate  epoch 40/40")
    lines = log(straight)
    assert [line["stage"] for line in lines] == [s for s in STAGES for _ in range(40)]
    assert [line["epoch"] for line in lines] == list(range(1, 121))
    # Stage 2 starts the schedule anew, stage 3 goes on with it: drops at 80 and 90 % of 80 epochs.
    rates = [round(line["lr"], 9) for line in lines]
    assert rates[:5] == [0.02, 0.04, 0.06, 0.08, 0.1] and rates[39] == 0.00001, rates[:40]
    assert rates[40:45] == rates[:5] and rates[84] == 0.1 and rates[104] == 0.001 and rates[119] == 0.00001, rates[40:]

    killed = os.path.join(folder, "killed")
    for stage in STAGES:
        command = [TAILOR_RUN, program, "--out", killed] + common
        if os.path.exists(os.path.join(killed, "manifest.json")):
            command.append("--resume")
        assert kill_in(stage, command, killed), stage
        assert log(killed)[-1]["stage"] == stage, log(killed)[-1]
    run(TAILOR_RUN, program, "--out", killed, "--resume")
    same_checkpoint(weights(straight), weights(killed), "straight and killed in every stage")
    assert timeless(log(straight)) == timeless(log(killed)), "logs differ"

    for threads in (2, 3):
        out = os.path.join(folder, f"t{threads}")
        run(TAILOR_RUN, program, "--out", out, "--threads", str(threads), "--set", "run.steps_per_launch=4", *common)
        same_checkpoint(weights(straight), weights(out), f"1 and {threads} threads")

    # The generator is what the first stage left, to the bit; the best epoch is one of the stages that share a clock.
    first = os.path.join(folder, "first")
    run(TAILOR_RUN, program, "--out", first, *common, "--steps", str(lines[39]["step"]))
    trained, final = tensors(weights(first)), tensors(weights(straight))
    assert trained["stem.weight"] == final["generator/stem.weight"]
    assert trained["stem.weight"] != final["stem.weight"]
    with open(os.path.join(straight, "result.json")) as f:
        seed = json.load(f)["seeds"][0]
    assert seed["reported_epoch"] > 40, seed

    with open(os.path.join(straight, "manifest.json")) as f:
        manifest = json.load(f)
    assert manifest["stages"] == STAGES and manifest["options"]["stage.plain.run.epochs"]["value"] == 40
    expect(run(TAILOR, "inspect", program), "stage plain: erm after fit, evaluated by eval_step, copies net -> generator",
           "initialises net sgd", r'stage translate: m2m.*goes on with the clock.*data.sampler = "class_balanced"')
    expect(run(TAILOR_RUN, program, "--out", "x", "--set", "run.epochs=1", cwd=folder, status=1),
           "every stage has a 'run.epochs' of its own",
           "hint: --set stage.generator.run.epochs=1 --set stage.plain.run.epochs=1")
    expect(run(TAILOR_RUN, program, "--out", "x", "--set", "stage.plain.run.epochs=0", cwd=folder, status=1),
           r"'stage\.plain\.run\.epochs' must be")

    # MiSLAS: the classifier's stage leaves the backbone as it is, running statistics included.
    mislas = os.path.join(folder, "mislas.tailor")
    run(os.environ["TAILOR_EXAMPLE_MISLAS"], "compile", "-o", mislas, cwd=folder)
    whole, half = os.path.join(folder, "whole"), os.path.join(folder, "half")
    run(TAILOR_RUN, mislas, "--out", whole)
    lines = log(whole)
    steps = [line["step"] for line in lines if line["stage"] == "representation"][-1]
    run(TAILOR_RUN, mislas, "--out", half, "--steps", str(steps))
    before, after = tensors(weights(half)), tensors(weights(whole))
    for name in before:
        backbone = name.startswith(("stem.", "norm.")) or name.startswith("sgd/")
        head = name in ("head.weight", "head.bias", "scale/s")
        if backbone:
            assert before[name] == after[name], f"{name} changed"
        if head:
            assert before[name] != after[name], f"{name} did not change"
    assert all(line["train/lambda"] > 0 for line in lines[:20]) and "train/lambda" not in lines[-1]
    run(TAILOR_RUN, mislas, "--out", half, "--resume")
    same_checkpoint(weights(whole), weights(half), "MiSLAS in one go and stopped between its stages")

    # Deferred re-weighting: row 1 from 0.8 of the run on.
    teacher = os.path.join(folder, "teacher.tailor")
    run(os.environ["TAILOR_EXAMPLE_EMA_TEACHER"], "compile", "-o", teacher, cwd=folder)
    for words, rows in ((["--set", "run.epochs=10"], [0] * 8 + [1] * 2),
                        (["--set", "run.epochs=5", "--set", "control.drw=[0.2, 0.9]"], [0, 1, 1, 1, 1])):
        out = os.path.join(folder, "drw-%d" % len(rows))
        output = run(TAILOR_RUN, teacher, "--out", out, *words)
        assert [line["control/drw"] for line in log(out)] == rows, log(out)
        assert ("row 2 of 'drw' begins after 5 epochs" in output) == (len(rows) == 5), output
    for name, line in (("EMA_TEACHER", r"ema_teacher\.cpp:\d+"), ("MISLAS", r"mislas\.cpp:\d+"), ("M2M", r"m2m\.cpp:\d+")):
        expect(run(os.environ["TAILOR_EXAMPLE_" + name], "compile", "--explain", cwd=folder), r"(?m)^" + line)
    print("stages keep their promises")
