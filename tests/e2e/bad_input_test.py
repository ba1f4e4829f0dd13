"""What a user sees when input is wrong: the place, the reason, the way out, exit status 1 (2 for the command line)."""
import os
import re
import shutil
import subprocess
import time

from e2e import TAILOR, TAILOR_RUN, recipe, run, scratch, train

GOOD = "[data]\ntrain = \"t.csv\"\nlabel = \"label\"\n[model]\nlayers = [8]\n[run]\nbatch = 8\nepochs = 1\n[schedule]\nname = \"constant\"\n"
HEAD = "u,v,label\n"
ROWS = "".join(f"{i}.5,{i % 7},{'rare' if i % 5 == 0 else 'common'}\n" for i in range(60))


def expect(output, *parts):
    for part in parts:
        assert re.search(part, output, re.M), f"expected {part!r} in:\n{output}"


with scratch() as folder:
    def write(name, text):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)

    def trained(status=1, options=()):
        trained.runs += 1
        return run(TAILOR, "train", "r.toml", "--out", f"out{trained.runs}", *options, cwd=folder, status=status)

    trained.runs = 0

    write("r.toml", GOOD)
    write("t.csv", HEAD + ROWS)
    trained(status=0)

    for text, parts in {
        HEAD + ROWS + "1.0,2\n": ["t.csv:62", "2 .*3"],
        HEAD + ROWS + "abc,2,rare\n": ["t.csv:62", "abc"],
        HEAD + ROWS + "nan,2,rare\n": ["t.csv:62"],
        "": ["t.csv", "empty"],
        HEAD: ["t.csv"],
        HEAD.replace("label", "other") + ROWS: ["label"],
    }.items():
        write("t.csv", text)
        expect(trained(), "error", *parts)
    write("t.csv", HEAD + ROWS)

    # What the data say about a key stands at the key, once, with its line and caret.
    places = {
        "label = \"label\"": {
            "label = \"lable\"": [r"^r\.toml:3:1: error: data\.label\.column: no column 'lable' in 't\.csv'\nlabel = \"lable\"\n\^\nhint: .*'label'"],
            "label = { column = 99 }": [r"^r\.toml:3:11: error: data\.label\.column: column 99 is not there"],
            "label = { column = \"label\", positive = \"odd\" }":
                [r"^r\.toml:3:29: error: data\.label\.positive = 'odd' is not a label"],
            "label = { column = \"label\", classes = [\"common\"] }":
                [r"^r\.toml:3:29: error: t\.csv:2:7: label 'rare' is not among the 1 data\.label\.classes"],
            "label = { column = \"label\", classes = [\"common\", \"rare\", \"none\"] }":
                [r"^r\.toml:3:58: error: class 'none' has no row in 't\.csv'"],
        },
        "[model]": {
            "columns.drop = [\"u\", \"nope\"]\n[model]": [r"^r\.toml:4:22: error: data\.columns\.drop: no column 'nope'"],
            "separator = \"||\"\n[model]": [r"^r\.toml:4:1: error: data\.separator: separator '\|\|', expected auto, tab or"],
            "test.r = 0.5\n[model]": [r"^r\.toml:4:6: error: 'data\.test\.r' has no effect without"],
        },
    }
    for old, cases in places.items():
        for new, parts in cases.items():
            write("r.toml", GOOD.replace(old, new))
            output = trained()
            expect(output, *parts)
            assert output.count("error:") == 1, output
    write("r.toml", GOOD)
    write("t.csv", HEAD + ROWS + "1.0,2,\n2.0,3,?\n")
    expect(trained(), r"^r\.toml:3:1: error: t\.csv:62:7: label column 'label' has no label here; 2 of 62 rows have none")
    write("t.csv", (HEAD + ROWS).replace(",", "|"))
    trained(status=0)  # found by itself
    write("r.toml", GOOD.replace("[model]", "separator = \"|\"\n[model]"))
    trained(status=0)
    write("t.csv", HEAD + ROWS)
    write("r.toml", GOOD + "[eval]\nmetrics = [\"auc\"]\n")
    shown = trained(status=0)
    assert re.search(r"^auc ", shown, re.M) and not re.search(r"^accuracy ", shown, re.M), shown
    run(TAILOR, "compile", "r.toml", "-o", "p.tailor", cwd=folder)
    # What a run key makes impossible is said before the first step.
    for word, part in {"run.keep.best=val/confusion": "run.keep.best: unknown metric .confusion.", "run.loader_threads=65": "64"}.items():
        expect(run(TAILOR_RUN, "p.tailor", "--set", word, "--out", "never", cwd=folder, status=1), part)
        assert not os.path.exists(os.path.join(folder, "never", "seed-0", "last.safetensors"))
        if os.path.exists(os.path.join(folder, "never")):
            shutil.rmtree(os.path.join(folder, "never"))
    write("r.toml", GOOD.replace("name = \"constant\"", "name = \"warmup_cosine\"\nwarmup_epochs = 2").replace("epochs = 1", "epochs = 4", 1))
    run(TAILOR, "compile", "r.toml", "-o", "w.tailor", cwd=folder)
    expect(run(TAILOR_RUN, "w.tailor", "--set", "run.epochs=2", "--out", "never", "--quiet", cwd=folder),
           r"warning: schedule.warmup_epochs is 2 in a run of 2 epochs: the rate never reaches its peak")
    shutil.rmtree(os.path.join(folder, "never"), ignore_errors=True)

    write("r.toml", GOOD.replace("batch = 8", "bacth = 8"))
    expect(trained(), r"r\.toml:7:1: error: unknown key 'run\.bacth'", "bacth = 8", r"\^", "did you mean 'run.batch'")
    write("r.toml", GOOD.replace("batch = 8", "batch = 1152921504606846976"))
    expect(trained(), "r.toml:7")
    write("r.toml", GOOD)
    run(TAILOR, "train", "--no-such-option", status=2)

    # A damaged or foreign artifact is refused with the reason, and nothing is overwritten.
    run(TAILOR, "compile", "r.toml", "-o", "p.tailor", cwd=folder)
    with open(os.path.join(folder, "p.tailor"), "rb") as f:
        artifact = f.read()
    for name, data in {"short": artifact[:len(artifact) // 2], "flipped": artifact[:5000] + bytes([artifact[5000] ^ 1]) + artifact[5001:],
                       "text": b"hello", "nothing": b""}.items():
        with open(os.path.join(folder, name + ".tailor"), "wb") as f:
            f.write(data)
        expect(run(TAILOR_RUN, name + ".tailor", "--out", "bad", cwd=folder, status=1), "error")
        assert not os.path.exists(os.path.join(folder, "bad", "seed-0")), "a refused artifact left output behind"

    # A compile key cannot be changed at run time; the message says how to rebuild.
    expect(run(TAILOR_RUN, "p.tailor", "--set", "run.batch=4", "--out", "o2", cwd=folder, status=1), "run.batch", "compile")
    expect(run(TAILOR_RUN, "p.tailor", "--set", "optimizer.lrr=4", "--out", "o2", cwd=folder, status=1), "optimizer.lr")
    # An unwritable output folder.
    write("file", "")
    expect(run(TAILOR_RUN, "p.tailor", "--out", "file/out", cwd=folder, status=1), "error")
    # Divergence stops with step, term and advice.
    expect(run(TAILOR_RUN, "p.tailor", "--set", "optimizer.lr=1e6", "--set", "run.epochs=50", "--out", "o3", cwd=folder, status=1),
           "loss", "step", "optimizer.lr")
    # Only the evaluation sees that the weights of the last step are lost: still no success.
    for epochs in (1, 2, 3):
        text = run(TAILOR_RUN, "p.tailor", "--set", "optimizer.lr=1e6", "--set", f"run.epochs={epochs}", "--out", f"lost{epochs}", cwd=folder, status=1)
        expect(text, "is (infinite|not a number) at step", "optimizer.lr")
    # One run a folder, and a folder of its own for each that names none.
    write("long.toml", GOOD.replace("epochs = 1", "epochs = 1000000"))
    run(TAILOR, "compile", "long.toml", "-o", "long.tailor", cwd=folder)
    first = subprocess.Popen([TAILOR_RUN, "long.tailor", "--out", "shared", "--quiet"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not os.path.exists(os.path.join(folder, "shared", "seed-0", "log.jsonl")):
        assert first.poll() is None, "the first run ended early"
        time.sleep(0.01)
    expect(run(TAILOR_RUN, "p.tailor", "--out", "shared", cwd=folder, status=1), "'shared' is in use by another run")
    first.terminate()
    first.wait()
    both = [subprocess.Popen([TAILOR_RUN, "p.tailor", "--quiet"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
    ended = [process.wait() for process in both]
    runs = [name for name in os.listdir(os.path.join(folder, "runs")) if name != "r-latest"]
    assert ended.count(0) >= 1 and len(runs) == ended.count(0) and os.readlink(os.path.join(folder, "runs/r-latest")) in runs, (ended, runs)
    print("every bad input was refused with its reason")
