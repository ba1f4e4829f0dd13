"""run.precision = "bf16": every command agrees with the reference, training follows the f32 run, values take half the memory, state
stays f32; the same bits with any number of threads, stopped and resumed, and of a row in any company."""
import json
import os
import random

from e2e import TAILOR, TAILOR_RUN, cifar_batch, recipe, run, same_checkpoint, scratch, tensors, weights

HERE = os.path.dirname(os.path.abspath(__file__))
RESNET = os.path.join(HERE, "../../models/recipes/cifar10_lt_resnet8_sam_a.toml")


def arena_of(artifact):
    return json.loads(run(TAILOR, "inspect", artifact, "--memory", "--json"))["bytes"]["arena"]


def losses_of(folder):
    with open(os.path.join(folder, "seed-0", "log.jsonl")) as f:
        return [line["train/loss"] for line in map(json.loads, f) if "train/loss" in line]


def compare(folder, name, source, most, *options):
    """Trains in f32 and in bf16, which takes at most `most` of the memory; returns the folder of the bf16 run."""
    artifacts, losses, arenas = {}, {}, {}
    for precision in ("f32", "bf16"):
        artifact = artifacts[precision] = os.path.join(folder, f"{name}-{precision}.tailor")
        said = run(TAILOR, "compile", source, "-o", artifact, "--explain", *options, "--set",
                   f"run.precision={precision}")
        assert ("values in bf16" in said) == (precision == "bf16"), said
        assert json.loads(run(TAILOR, "inspect", artifact, "--json"))["precision"] == precision
        assert ("with values stored in bf16" in run(TAILOR, "inspect", artifact)) == (precision == "bf16")
        out = os.path.join(folder, f"{name}-{precision}")
        run(TAILOR_RUN, artifact, "--out", out, "--threads", "1")
        losses[precision], arenas[precision] = losses_of(out), arena_of(artifact)
    print(f"{name}: arena {arenas}, losses {losses}")
    assert arenas["bf16"] < most * arenas["f32"], arenas
    assert losses["f32"] != losses["bf16"], "nothing was rounded"
    for exact, rounded in zip(losses["f32"], losses["bf16"]):
        assert abs(rounded - exact) <= 0.05 * exact + 0.02, (name, losses)

    run(TAILOR, "run", artifacts["bf16"], "--check", "reference", "--steps", "2", "--out",
        os.path.join(folder, f"{name}-checked"))
    trained = os.path.join(folder, f"{name}-bf16")
    resumed = os.path.join(folder, f"{name}-resumed")
    run(TAILOR_RUN, artifacts["bf16"], "--out", resumed, "--steps", "3", "--threads", "2")
    run(TAILOR_RUN, artifacts["bf16"], "--out", resumed, "--resume", "--threads", "3")
    same_checkpoint(weights(trained), weights(resumed), f"{name} stopped and resumed with other threads")
    assert tensors(weights(trained)).keys() == tensors(weights(os.path.join(folder, f"{name}-f32"))).keys()

    # A run goes on in the precision it began in.
    other = os.path.join(folder, f"{name}-other")
    run(TAILOR_RUN, artifacts["f32"], "--out", other, "--steps", "3")
    refused = run(TAILOR_RUN, artifacts["bf16"], "--out", other, "--resume", status=1)
    assert "run.precision" in refused and "bf16" in refused, refused
    return trained


def predict(out, data, columns):
    """One list of cells a row, without its position."""
    table = data + ".out.csv"
    run(TAILOR_RUN, "predict", out, "--data", data, "--out", table, "--columns", columns)
    with open(table) as f:
        return [line.strip().split(",")[1:] for line in f][1:]


with scratch() as folder:
    compare(folder, "table", recipe(folder, dropout=0.2, epochs=3), 0.85, "--set", "model.layers=64,64,64",
            "--set", "run.batch=64")

    images = os.path.join(folder, "images")
    os.makedirs(images)
    for batch in range(1, 6):
        cifar_batch(os.path.join(images, f"data_batch_{batch}.bin"), 20, batch)
    out = compare(folder, "images", RESNET, 0.75, "--set", f"data.cifar.folder={images}", "--set", "data.long_tail.r=1",
                  "--set", "run.epochs=2", "--set", "run.batch=16", "--set", "run.eval_batch=16")
    whole = os.path.join(images, "data_batch_1.bin")
    with open(whole, "rb") as f:
        content = f.read()
    records = [content[i:i + 3073] for i in range(0, len(content), 3073)]
    chosen = random.Random(3).sample(range(len(records)), 7)
    some = os.path.join(folder, "some.bin")
    with open(some, "wb") as f:
        f.write(b"".join(records[i] for i in chosen))
    # The head reads rounded features, whether they are put out or not.
    alone = predict(out, whole, "probability")
    beside = predict(out, whole, "probability,features")
    assert [row[:len(alone[0])] for row in beside] == alone or [row[-len(alone[0]):] for row in beside] == alone
    assert predict(out, some, "probability") == [alone[i] for i in chosen]

    refused = run(TAILOR, "compile", recipe(folder), "-o", os.path.join(folder, "x.tailor"), "--set",
                  "run.precision=f16", status=1)
    assert "f32" in refused and "bf16" in refused, refused
    refused = run(TAILOR, "compile", recipe(folder), "-o", os.path.join(folder, "x.tailor"), "--set",
                  "run.precision=tf32", status=1)
    assert "run.precision is tf32, for which target cpu" in refused and "one of f32, bf16" in refused, refused
