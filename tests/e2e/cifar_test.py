"""Images from CIFAR's binary files: a network trains on their crops and flips, stopped and resumed with any number of threads; bad
files are refused by name."""
import json
import os
import random

from e2e import TAILOR, TAILOR_RUN, run, same_checkpoint, scratch, weights

HERE = os.path.dirname(os.path.abspath(__file__))
RECIPE = os.path.join(HERE, "../../models/recipes/cifar10_lt_resnet8.toml")
CLASSES, PIXELS = 10, 3072


def write_batch(path, rows_per_class, seed):
    """Every class has a grey of its own, with noise: a few steps tell them apart."""
    generator = random.Random(seed)
    with open(path, "wb") as f:
        for row in range(rows_per_class * CLASSES):
            label = row % CLASSES
            grey = 10 + 24 * label
            f.write(bytes([label]) + bytes(grey + generator.randrange(-8, 9) for _ in range(PIXELS)))


with scratch() as folder:
    images = os.path.join(folder, "cifar-10-batches-bin")
    os.makedirs(images)
    for batch in range(1, 6):
        write_batch(os.path.join(images, f"data_batch_{batch}.bin"), 2, batch)
    small = ["--set", "data.long_tail.r=1", "--set", "run.batch=16", "--set", "run.epochs=4"]
    artifact = os.path.join(folder, "r.tailor")
    run(TAILOR, "compile", RECIPE, "-o", artifact, *small)
    whole = os.path.join(folder, "whole")
    # --data takes the place of the recipe's folder, wherever that is and however it is written.
    run(TAILOR_RUN, artifact, "--out", whole, "--data", folder)
    for number, recipe in enumerate((os.path.abspath(RECIPE), os.path.relpath(RECIPE, folder))):
        trained = os.path.join(folder, f"trained-{number}")
        run(TAILOR, "train", recipe, *small, "--data", folder, "--out", trained, cwd=folder)
        same_checkpoint(weights(whole), weights(trained), recipe)
    with open(os.path.join(whole, "seed-0", "log.jsonl")) as f:
        log = [json.loads(line) for line in f]
    losses = [line["train/loss"] for line in log]
    assert losses[-1] < 0.9 * losses[0], losses

    # Stopped in the middle of an epoch and resumed with other threads, it ends with the same bits.
    part = os.path.join(folder, "part")
    run(TAILOR_RUN, artifact, "--data", folder, "--out", part, "--steps", "7", "--threads", "1", "--loader-threads", "1")
    run(TAILOR_RUN, artifact, "--data", folder, "--out", part, "--resume", "--threads", "2", "--loader-threads", "4")
    same_checkpoint(weights(whole), weights(part), "stopped at step 7")

    # Augmentation is a run key: without it, the same program sees other images.
    plain = os.path.join(folder, "plain")
    run(TAILOR_RUN, artifact, "--data", folder, "--out", plain, "--set", "data.augment.use=[]")
    with open(weights(plain), "rb") as a, open(weights(whole), "rb") as b:
        assert a.read() != b.read()
    refused = run(TAILOR_RUN, artifact, "--data", folder, "--out", plain + "-2", "--set", "data.augment.crop.padding=32", status=1)
    assert "data.augment.crop.padding = 32 around images of 32 x 32" in refused, refused
    refused = run(TAILOR, "compile", RECIPE, "-o", artifact + "2", "--set", "data.augment=[\"crops\"]", status=1)
    assert "did you mean 'crop'?" in refused, refused
    refused = run(TAILOR, "compile", RECIPE, "-o", artifact + "2", "--set", "data.augment=[\"flip\"]",
                  "--set", "data.augment.crop.padding=2", status=1)
    assert "data.augment.crop.padding" in refused and "no effect" in refused, refused
    refused = run(TAILOR, "compile", RECIPE, "-o", artifact + "2", "--set", "data.numeric=standard", status=1)
    assert "the data are images" in refused, refused

    # A further file of images, with labels or without need of them; another set's file is refused.
    further = os.path.join(folder, "further.bin")
    write_batch(further, 1, 9)
    run(TAILOR_RUN, "eval", whole, "--data", further)
    predictions = os.path.join(folder, "p.csv")
    run(TAILOR_RUN, "predict", whole, "--data", further, "--out", predictions)
    with open(predictions) as f:
        assert len(f.readlines()) == 1 + CLASSES
    with open(further, "ab") as f:
        f.write(b"\x01")
    refused = run(TAILOR_RUN, "predict", whole, "--data", further, "--out", predictions, status=1)
    assert "further.bin' ends in a record of 1 bytes" in refused, refused

    # A table's network does not read images, and the other way round.
    refused = run(TAILOR, "train", RECIPE, *small, "--set", "model.name=mlp", status=1)
    assert "'mlp' reads tables, the data are images" in refused, refused

    bad = os.path.join(images, "data_batch_2.bin")
    with open(bad, "ab") as f:
        f.write(b"\x01\x02")
    refused = run(TAILOR_RUN, artifact, "--data", folder, "--out", os.path.join(folder, "bad"), status=1)
    assert "data_batch_2.bin' ends in a record of 2 bytes, behind 20 of the 3073 bytes" in refused, refused
    os.remove(bad)
    refused = run(TAILOR_RUN, artifact, "--data", folder, "--out", os.path.join(folder, "gone"), status=1)
    assert "no such file" in refused and "data_batch_2.bin" in refused, refused
