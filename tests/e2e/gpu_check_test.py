"""tools/scripts/gpu-check through the double of NVIDIA's driver: a program that trains as on the CPU is good, one that does not is bad."""
import json
import os
import sys

from e2e import TAILOR, run, scratch

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/scripts/gpu-check")
BUILD = os.path.join(os.path.dirname(TAILOR), "..")

with scratch() as folder:
    there = os.path.join(folder, "there")
    run(sys.executable, SCRIPT, "prepare", there, "--build", BUILD, "--ir", "--only", "mlp")
    check = [sys.executable, os.path.join(there, "gpu-check"), "run", there, "--steps", "12"]
    environment = dict(os.environ, LD_LIBRARY_PATH=os.path.join(BUILD, "cuda-double"), TAILOR_CUDA_DOUBLE_IR=there)
    run(*check, env=environment)
    with open(os.path.join(there, "results.json")) as f:
        results = json.load(f)
    assert list(results["programs"]) == ["mlp"] and results["programs"]["mlp"]["good"], results
    # As if the CPU had trained otherwise.
    log = os.path.join(there, "mlp.cpu", "seed-0", "log.jsonl")
    with open(log) as f:
        lines = [json.loads(line) for line in f]
    lines[-1]["step/loss"] *= 1.1
    with open(log, "w") as f:
        f.write("".join(json.dumps(line) + "\n" for line in lines))
    said = run(*check, env=environment, status=1)
    assert "mlp " in said and "BAD" in said, said
    # Without a device it says so.
    empty = os.path.join(folder, "empty")
    os.makedirs(empty)
    with open(os.path.join(empty, "libcuda.so.1"), "w") as f:
        f.write("no library")
    said = run(*check, env=dict(os.environ, LD_LIBRARY_PATH=empty), status=77)
    assert "skipped: no device" in said, said
