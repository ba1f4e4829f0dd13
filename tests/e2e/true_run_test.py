"""What a run says of itself is true: what it watches exists, why it ended, which epoch it reports, what it warns of."""
import json
import os
import random
import re
import subprocess

from e2e import TAILOR, run, scratch, weights

random.seed(3)
RECIPE = """[data]
train = "%(table)s"
label = { column = "y", positive = "1" }
split = { val = 0.2, test = 0.2, val_seed = %(val_seed)d }
sampler = "%(sampler)s"
[model]
layers = [8]
batch_norm = %(batch_norm)s
[schedule]
name = "constant"
[run]
batch = %(batch)s
eval_batch = 64
epochs = %(epochs)d
"""


def expect(output, *parts):
    for part in parts:
        assert re.search(part, output), f"expected {part!r} in:\n{output}"


def expect_not(output, part):
    assert not re.search(part, output), f"did not expect {part!r} in:\n{output}"


with scratch() as folder:
    def table(name, positives, negatives, shift=1.0):
        with open(os.path.join(folder, name), "w") as f:
            f.write("a,b,y\n")
            for i in range(positives + negatives):
                positive = i < positives
                f.write(f"{random.gauss(shift * positive, 1):.4f},{random.gauss(0, 1):.4f},{int(positive)}\n")

    def recipe(name, table, extra="", batch="16", sampler="uniform", batch_norm="false", epochs=3, val_seed=1):
        with open(os.path.join(folder, name), "w") as f:
            f.write(RECIPE % dict(table=table, batch=batch, sampler=sampler, batch_norm=batch_norm, epochs=epochs,
                                  val_seed=val_seed) + extra)
        return name

    def go(*command, status=0):
        return run(TAILOR, *command, cwd=folder, status=status)

    def result(out):
        with open(os.path.join(folder, out, "result.json")) as f:
            return json.load(f)

    def log(out):
        with open(os.path.join(folder, out, "seed-0", "log.jsonl")) as f:
            return [json.loads(line) for line in f]

    # A metric that no model can have is refused before the first step, with the counts and a way out.
    table("rare.csv", positives=2, negatives=300)
    watch = '[run.early_stop]\non = "val/%s"\npatience = 2\n'
    for metric, why in [("average_precision", r"no row of class '1' \(2 rows in training\)"),
                        ("auc", r"no row of class '1'"), ("minority", r"no row of class '1'"),
                        ("mcc", r"it is 0 whatever is trained"), ("few", r"no row of class '1'")]:
        recipe("rare.toml", "rare.csv", watch % metric)
        said = go("train", "rare.toml", "--out", "rare", "--quiet", status=1)
        expect(said, rf"'val/{metric}' is to be watched \(run.early_stop.on\)", why, "hint: .*val/loss.*data.split.val")
        assert not os.path.exists(os.path.join(folder, "rare", "seed-0")), "refused before the first step"
    recipe("rare.toml", "rare.csv", watch % "loss" + '[run.keep]\nbest = "val/med"\n')
    expect(go("train", "rare.toml", "--out", "rare", status=1),
           r"'val/med' is to be watched \(run.keep.best\)", r"no class is in group 'med': eval.groups is thresholds\(20,100\)",
           "the classes have 2 to 180 training rows")
    # What the split lacks is said first, quiet or not, and training goes on by a metric there is.
    recipe("rare.toml", "rare.csv", watch % "loss")
    said = go("train", "rare.toml", "--out", "rare", "--quiet")
    expect(said, r"warning: the validation split has no row of class '1' \(2 rows in training\); it cannot measure "
                 r"minority, few, auc, average_precision, precision, recall, f1, mcc")
    expect_not(said, "epoch 1/")

    # Batch normalisation over one row: by what the sampler draws, and never for batches of one.
    table("t.csv", positives=97, negatives=194)  # 59 + 116 training rows; class_aware draws 2 * 116
    one_row = r"warning: the last batch of an epoch has one row \(%d draws in batches of %d\)"
    for sampler, batch, draws in [("uniform", 174, 175), ("class_aware", 33, 232), ("class_aware", 21, 232)]:
        recipe("bn.toml", "t.csv", sampler=sampler, batch=str(batch), batch_norm="true", epochs=1)
        expect(go("train", "bn.toml", "--out", f"bn-{sampler}-{batch}", "--quiet"), one_row % (draws, batch))
    for sampler, batch in [("class_aware", 174), ("uniform", 33)]:
        recipe("bn.toml", "t.csv", sampler=sampler, batch=str(batch), batch_norm="true", epochs=1)
        expect_not(go("train", "bn.toml", "--out", f"bn-{sampler}-{batch}"), "has one row")
    recipe("bn.toml", "t.csv", batch="1", batch_norm="true")
    for extra in ((), ("--set", "run.drop_last=true")):
        expect(go("train", "bn.toml", "--out", "bn1", *extra, status=1),
               r"batch normalisation, and every batch has one row \(run.batch is 1\)", "hint: use a larger run.batch")
    recipe("bn.toml", "t.csv", batch="1", batch_norm="false", epochs=1)
    expect_not(go("train", "bn.toml", "--out", "no-bn"), "has one row")

    # The end says why, which epoch and by what; test is measured once, at the end.
    recipe("t.toml", "t.csv", watch % "auc" + '[eval]\nmetrics = ["auc", "loss"]\n', epochs=40)
    said = go("train", "t.toml", "--out", "stop")
    expect(said, r"epoch \d+/40  loss [\d.]+  val/loss [\d.]+  val/auc [\d.]+ \(best",
           r"seed 0  stopped early after epoch \d+: val/auc was not better for 2 epochs \(run.early_stop.patience\); "
           r"best is epoch \d+ with val/auc 0.\d+, kept as best.safetensors",
           "metrics of the best epoch by val/auc:")
    expect_not(said, "test/")
    seed = result("stop")["seeds"][0]
    assert seed["selected_on"] == "val/auc" and seed["reason"] in said, seed
    lines = log("stop")
    assert not any(key.startswith("test/") for key in lines[-1]), "test is not measured every epoch"
    assert lines[seed["reported_epoch"] - 1]["val/auc"] == seed["selected_value"] == max(l["val/auc"] for l in lines)
    for which, values in (("best", seed["test"]), ("last", seed["last"]["test"])):
        printed = subprocess.run([TAILOR, "eval", "stop/program.tailor", "--weights", f"stop/seed-0/{which}.safetensors", "--json"],
                                 cwd=folder, capture_output=True, text=True)
        scored = json.loads(printed.stdout)
        assert scored["metrics"]["auc"] == values["auc"] and scored["metrics"]["loss"] == values["loss"], which
    recipe("e.toml", "t.csv", epochs=3)
    said = go("train", "e.toml", "--out", "each", "--set", "eval.test=every_epoch")
    expect(said, r"epoch 3/3 .*test/loss", "seed 0  finished: 33 steps, 3 epochs; the last epoch is reported: neither",
           "metrics of the last epoch:")
    assert log("each")[-1]["test/loss"] == result("each")["seeds"][0]["test"]["loss"]
    go("train", "e.toml", "--out", "end")
    assert result("end")["seeds"][0]["test"] == result("each")["seeds"][0]["test"]

    # An accuracy of 0.95 that says "no" to every row is said to.
    table("noise.csv", positives=20, negatives=380, shift=0)
    recipe("n.toml", "noise.csv", epochs=2)
    said = go("train", "n.toml", "--out", "n", "--quiet")
    expect(said, r"warning: seed 0: the weights of epoch 2 recognise no validation row of class '1' \(4 rows\); weighted losses")
    table("clear.csv", positives=100, negatives=200, shift=8)
    recipe("c.toml", "clear.csv", epochs=20)
    expect_not(go("train", "c.toml", "--out", "c", "--quiet"), "recognise no")

    # A value that nothing takes is refused before the first step, not after the first epoch.
    go("compile", "e.toml", "-o", "e.tailor")
    for key, value, why in [("eval.metrics", "nope", r'must be one of: .*accuracy.*not ."nope"'),
                            ("eval.predict.out", "nope", r"must be one of: probability, .*not .\"nope\""),
                            ("eval.test", "sometimes", "every_epoch"),
                            ("run.keep.best", "val/nope", "unknown metric 'nope'"),
                            ("run.keep.best", "train/loss", "only a metric of val may decide, never one of train")]:
        expect(go("run", "e.tailor", "--out", "late", "--set", f"{key}={value}", status=1), why)
        assert not os.path.exists(os.path.join(folder, "late", "seed-0")), key

    # Other validation or test rows are noticed on resume, whatever the training rows are.
    def files(val, test):
        for name, values in (("v.csv", val), ("u.csv", test)):
            with open(os.path.join(folder, name), "w") as f:
                f.write("a,b,y\n" + "".join(f"{i + values},{i % 5},{i % 2}\n" for i in range(20)))
    files(0, 0)
    with open(os.path.join(folder, "f.toml"), "w") as f:
        f.write('[data]\ntrain = "t.csv"\nval = "v.csv"\ntest = "u.csv"\nlabel = { column = "y", positive = "1" }\n'
                'split = { by = "files" }\n[model]\nlayers = [8]\n[schedule]\nname = "constant"\n[run]\nbatch = 16\nepochs = 4\n')
    go("train", "f.toml", "--out", "f", "--steps", "20")
    for val, test, split in ((0.5, 0, "validation"), (0, 0.5, "test")):
        files(val, test)
        expect(go("train", "f.toml", "--out", "f", "--resume", status=1), f"the {split} split has other rows", "hint: put the rows back")
    files(0, 0)
    go("train", "f.toml", "--out", "f", "--resume")

    # Another criterion on resume is not compared with the values of the former one.
    recipe("k.toml", "t.csv", '[run.keep]\nbest = "val/loss"\n', epochs=4)
    go("train", "k.toml", "--out", "k", "--steps", "22")
    said = go("train", "k.toml", "--out", "k", "--resume", "--set", "run.keep.best=val/balanced_accuracy")
    expect(said, r"warning: epoch \d was the best by val/loss; the best epoch is searched anew from here, by val/balanced_accuracy",
           "metrics of the best epoch by val/balanced_accuracy")
    seed = result("k")["seeds"][0]
    assert seed["reported_epoch"] >= 3, seed
    # Lost weights of the best epoch: said, and searched anew.
    recipe("k.toml", "t.csv", '[run.keep]\nbest = "val/loss"\n', epochs=4)
    go("train", "k.toml", "--out", "lost", "--steps", "22")
    os.remove(weights(os.path.join(folder, "lost"), which="best"))
    expect(go("train", "k.toml", "--out", "lost", "--resume"), "the weights of the best epoch so far .* searched anew")
    assert os.path.exists(weights(os.path.join(folder, "lost"), which="best"))
    print("a run says the truth")
