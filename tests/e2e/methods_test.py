"""Methods as recipes, from TOML to weights: rows of class tables switch at the stated epoch, mixing resumes bit for bit and
is the same for any number of threads, own weights are what a table of the same numbers is."""
import json
import os
import re

from e2e import TAILOR, TAILOR_RUN, recipe, run, same_checkpoint, scratch, weights

COSINE = "[model]\nlayers = [33, 20]"


def log(out):
    with open(os.path.join(out, "seed-0", "log.jsonl")) as f:
        return [json.loads(line) for line in f]


def own(folder, name, use, keys="", head="linear", epochs=5, dropout=0.0):
    """A recipe of e2e.py with keys of methods and a head."""
    path = recipe(folder, name, use=use + "\n" + keys, epochs=epochs, dropout=dropout)
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace(COSINE, COSINE + '\nhead = "%s"' % head))
    return path


with scratch() as folder:
    def out(name):
        return os.path.join(folder, name)

    # Deferred re-weighting: which row of the table held, epoch by epoch.
    for name, use, keys, rows in (("share", '["drw"]', "", [0, 0, 0, 0, 1]),
                                  ("epoch", '["drw", "sam-a"]', "drw = { from_epoch = 2 }", [0, 0, 1, 1, 1]),
                                  ("ldam", '["ldam", "drw", "mixup"]', "drw = { from = 0.4 }", [0, 0, 1, 1, 1])):
        path = own(folder, name + ".toml", use, keys, head="cosine" if name == "ldam" else "linear")
        run(TAILOR, "train", path, "--out", out(name))
        assert [line["control/drw"] for line in log(out(name))] == rows, (name, log(out(name)))
    # Before its row the weights change nothing: weighted_mean of ones is the plain loss.
    plain = own(folder, "plain.toml", '["erm"]')
    run(TAILOR, "train", plain, "--out", out("plain"))
    losses = [[line["train/loss"] for line in log(out(name))] for name in ("plain", "share")]
    assert all(abs(a - b) < 1e-4 * a for a, b in zip(losses[0][:4], losses[1][:4])), losses
    assert abs(losses[0][4] - losses[1][4]) > 1e-3 * losses[0][4], losses
    # The share of the run is a run key; a row that no epoch reaches is said.
    program = out("share.tailor")
    run(TAILOR, "compile", out("share.toml"), "-o", program)
    run(TAILOR_RUN, program, "--out", out("earlier"), "--set", "method.drw.from=0.2")
    assert [line["control/drw"] for line in log(out("earlier"))] == [0, 1, 1, 1, 1]
    late = own(folder, "late.toml", '["drw"]', "drw = { from_epoch = 50 }")
    text = run(TAILOR, "train", late, "--out", out("late"))
    assert re.search(r"row 1 of 'drw' begins after 50 epochs.*it is never used", text), text

    # Own weights of the numbers of a table are that table, whichever way they are written.
    counts = [120, 67, 37, 21, 12]
    table = own(folder, "table.toml", '["weighted"]', 'weighted = { table = "inv_max" }', epochs=2)
    run(TAILOR, "train", table, "--out", out("table"))
    values = [120 / n for n in counts]
    names = json.load(open(os.path.join(out("table"), "result.json"))).get("class_names", [str(k) for k in range(5)])
    for name, written in (("list", "[%s]" % ", ".join(map(repr, values))),
                          ("named", "{ %s }" % ", ".join('"%s" = %r' % pair for pair in reversed(list(zip(names, values)))))):
        path = own(folder, name + ".toml", '["weighted"]', "weighted = { weights = %s }" % written, epochs=2)
        run(TAILOR, "train", path, "--out", out(name))
        a, b = ([line["train/loss"] for line in log(out(run_name))] for run_name in ("table", name))
        assert all(abs(x - y) < 1e-5 * x for x, y in zip(a, b)), (name, a, b)

    # MixUp: one share a step, drawn by the host; stopped and resumed, and on several threads, the same bits.
    for form in ("slotwise", "soft"):
        mixed = own(folder, form + ".toml", '["mixup", "sam-a", "smoothing", "ema"]', 'mixup = { form = "%s" }' % form, dropout=0.1)
        program = out(form + ".tailor")
        run(TAILOR, "compile", mixed, "-o", program)
        run(TAILOR_RUN, program, "--out", out(form))
        lines = log(out(form))
        assert all(0 < line["train/lambda"] < 1 for line in lines) and len({line["train/lambda"] for line in lines}) == 5
        run(TAILOR_RUN, program, "--out", out(form + "-half"), "--steps", str(lines[2]["step"] - 3))
        run(TAILOR_RUN, program, "--out", out(form + "-half"), "--resume")
        same_checkpoint(weights(out(form)), weights(out(form + "-half")), form + ", stopped and resumed")
        run(TAILOR_RUN, program, "--out", out(form + "-3"), "--threads", "3")
        same_checkpoint(weights(out(form)), weights(out(form + "-3")), form + " on 3 threads")
    # A share of nearly 1 or nearly 0 mixes nothing (alpha -> 0), so the losses come close to those without mixing.
    run(TAILOR, "train", own(folder, "hardly.toml", '["mixup"]', "mixup = { alpha = 1e-4 }"), "--out", out("hardly"))
    assert all(abs(a - line["train/loss"]) < 0.15 * a for a, line in zip(losses[0], log(out("hardly")))), log(out("hardly"))

    # Categories mix after encoding.
    with open(out("t.csv"), "w") as f:
        f.write("amount,country,label\n" + "".join(
            "%g,%s,%s\n" % (i % 17, ("de", "fr", "it")[i % 3], "yes" if i % 5 == 0 else "no") for i in range(200)))
    with open(out("csv.toml"), "w") as f:
        f.write('[data]\ntrain = "t.csv"\n[data.columns]\ncategorical = ["country"]\n[model]\nlayers = [8]\n[method]\n'
                'use = ["mixup", "weighted"]\nweighted = { weights = { no = 1, yes = 4 } }\n[run]\nbatch = 16\nepochs = 2\n')
    run(TAILOR, "train", out("csv.toml"), "--out", out("csv"))
    assert 0 < log(out("csv"))[-1]["train/loss"] < 2, log(out("csv"))
    print("methods keep their promises")
