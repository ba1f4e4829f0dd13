"""A run killed (SIGKILL) at ten random moments and resumed ends with the bits of a run left alone. Its checkpoints come by
the clock, within epochs too; those of the run left alone at the ends of epochs."""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from e2e import TAILOR_RUN, TAILOR, recipe, run, same_checkpoint, scratch, weights

KILLS = 10

with scratch() as folder:
    path = recipe(folder, epochs=60, dropout=0.1)
    program = os.path.join(folder, "p.tailor")
    run(TAILOR, "compile", path, "-o", program)
    straight = os.path.join(folder, "straight")
    start = time.time()
    run(TAILOR_RUN, program, "--out", straight, "--set", "run.checkpoint_every=1")
    whole = time.time() - start
    seed = random.SystemRandom().randrange(1 << 30)
    print("random seed", seed)
    rng = random.Random(seed)
    killed = os.path.join(folder, "killed")
    kills = 0
    for attempt in range(200):
        command = [TAILOR_RUN, program, "--out", killed, "--set", "run.checkpoint_minutes=0.0005", "--set", "run.steps_per_launch=1"] + (["--resume"] if os.path.exists(os.path.join(killed, "manifest.json")) else [])
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if kills < KILLS:
            time.sleep(rng.uniform(0.02, max(0.04, whole / 4)))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                continue
        error = process.communicate()[1].decode()
        if process.returncode != 0:
            sys.exit(f"resumed run failed: exit {process.returncode}\n{error}")
        if kills >= KILLS:
            break
        # Finished before the next kill: start over so that all kills happen.

        shutil.rmtree(killed)
    same_checkpoint(weights(straight), weights(killed), f"straight and killed {kills} times")
