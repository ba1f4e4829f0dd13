"""A convolution network has the same bits with any number of threads, loader threads and steps per launch, killed and
resumed, and predicts an image alike in any company."""
import os
import random
import signal
import subprocess
import time

from e2e import TAILOR, TAILOR_RUN, cifar_batch, run, same_checkpoint, scratch, weights

HERE = os.path.dirname(os.path.abspath(__file__))
RECIPE = os.path.join(HERE, "../../models/recipes/cifar10_lt_resnet8.toml")
KILLS = 5

with scratch() as folder:
    images = os.path.join(folder, "images")
    os.makedirs(images)
    for batch in range(1, 6):
        cifar_batch(os.path.join(images, f"data_batch_{batch}.bin"), 20, batch)
    # 80 images in batches of 12: the last has 8, in chunks that the threads share differently.
    program = os.path.join(folder, "r.tailor")
    run(TAILOR, "compile", RECIPE, "-o", program, "--set", f"data.cifar.folder={images}", "--set",
        "data.long_tail.r=1", "--set", "run.batch=12", "--set", "run.epochs=4", "--set",
        'method.use=["sam-a", "smoothing"]')
    one = os.path.join(folder, "one")
    start = time.time()
    run(TAILOR_RUN, program, "--out", one, "--threads", "1", "--loader-threads", "1", "--set",
        "run.steps_per_launch=1")
    whole = time.time() - start
    for name, options in {
            "2 threads": ["--threads", "2"],
            "3 threads and 4 loader threads": ["--threads", "3", "--loader-threads", "4"],
            "8 steps per launch": ["--threads", "2", "--set", "run.steps_per_launch=8"]}.items():
        out = os.path.join(folder, name.replace(" ", "-"))
        run(TAILOR_RUN, program, "--out", out, *options)
        same_checkpoint(weights(one), weights(out), f"1 thread, 1 loader thread, 1 step per launch; {name}")

    seed = random.SystemRandom().randrange(1 << 30)
    print("random seed", seed)
    moments = random.Random(seed)
    killed = os.path.join(folder, "killed")
    kills = 0
    for attempt in range(100):
        resume = ["--resume"] if os.path.exists(os.path.join(killed, "manifest.json")) else []
        process = subprocess.Popen([TAILOR_RUN, program, "--out", killed, "--set", "run.checkpoint_every=1", *resume],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if kills < KILLS:
            time.sleep(moments.uniform(0.02, max(0.04, whole / 4)))
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                kills += 1
            process.communicate()
            continue
        error = process.communicate()[1].decode()
        assert process.returncode == 0, error
        break
    assert kills == KILLS, f"{kills} kills"
    same_checkpoint(weights(one), weights(killed), f"killed {KILLS} times")

    def predict(name, batches):
        """Records of a file made of others' -> line of the prediction."""
        data, out = os.path.join(folder, name + ".bin"), os.path.join(folder, name + ".csv")
        records = []
        for batch in batches:
            with open(os.path.join(images, f"data_batch_{batch}.bin"), "rb") as f:
                content = f.read()
            records += [content[i:i + 3073] for i in range(0, len(content), 3073)]
        if name == "shuffled":
            records = random.Random(3).sample(records, 11)
        with open(data, "wb") as f:
            f.write(b"".join(records))
        run(TAILOR_RUN, "predict", one, "--data", data, "--out", out)
        with open(out) as f:
            lines = [line.strip().split(",") for line in f][1:]
        assert len(lines) == len(records)
        return {record: line[1:] for record, line in zip(records, lines)}

    full, some = predict("full", range(1, 6)), predict("shuffled", [2, 5])
    for record, line in some.items():
        assert full[record] == line, f"{line} alone, {full[record]} among all"
    print("same bits: 11 shuffled images of 100")
