"""Signals stop a run with a checkpoint, and what the system refuses (space, file sizes, memory) is an error that says so."""
import json
import os
import resource
import signal
import subprocess
import time

from e2e import TAILOR, TAILOR_RUN, recipe, run, scratch, train, weights

PATIENCE = 120  # seconds, on a loaded machine
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # what a test under nohup would hand on


def until(there, process):
    start = time.time()
    while not there():
        assert process.poll() is None, f"ended early: {process.returncode}"
        assert time.time() - start < PATIENCE
        time.sleep(0.02)


with scratch() as folder:
    def inside(*parts):
        return os.path.join(folder, *parts)

    def start(out, *options, **kwargs):
        return subprocess.Popen([TAILOR_RUN, "long.tailor", "--out", out, *options], cwd=folder, text=True, **kwargs)

    def began(out, process):
        until(lambda: os.path.exists(inside(out, "seed-0", "log.jsonl")) and os.path.getsize(inside(out, "seed-0", "log.jsonl")) > 0, process)

    run(TAILOR, "compile", recipe(folder, "long.toml", epochs=1000000), "-o", "long.tailor", cwd=folder)
    run(TAILOR, "compile", recipe(folder, "short.toml", epochs=2), "-o", "short.tailor", cwd=folder)

    # The terminal goes away; a service manager asks and hangs up.
    for name, signals in {"hup": [signal.SIGHUP, signal.SIGHUP], "term": [signal.SIGTERM, signal.SIGHUP]}.items():
        process = start(name, "--quiet", stderr=subprocess.PIPE)
        began(name, process)
        for one in signals:
            process.send_signal(one)
        text = process.communicate(timeout=PATIENCE)[1]
        # Two that wait for a busy process are delivered by their numbers.
        assert process.returncode - 128 in signals, (name, process.returncode, text)
        assert f"stopped by {signal.Signals(process.returncode - 128).name} after step" in text and "--resume" in text, text
        assert os.path.exists(weights(inside(name))), name

    # Nobody reads the progress any more: `2>&1 | head`.
    process = start("pipe", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while not process.stdout.readline().startswith("epoch"):
        assert process.poll() is None
    process.stdout.close()
    assert process.wait(timeout=PATIENCE) == 128 + signal.SIGPIPE, process.returncode
    assert os.path.exists(weights(inside("pipe"))) and os.path.exists(inside("pipe", "result.json"))

    # Started to ignore it (nohup, `&` in a script), a run goes on.
    process = start("ignored", "--quiet", stderr=subprocess.DEVNULL, preexec_fn=lambda: (signal.signal(signal.SIGINT, signal.SIG_IGN), signal.signal(signal.SIGHUP, signal.SIG_IGN)))
    began("ignored", process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGHUP)
    size = os.path.getsize(inside("ignored", "seed-0", "log.jsonl"))
    until(lambda: os.path.getsize(inside("ignored", "seed-0", "log.jsonl")) > size + 4096, process)
    process.terminate()
    assert process.wait(timeout=PATIENCE) == 128 + signal.SIGTERM

    # While the data are read there is nothing to keep: the first signal ends it. A pipe never ends.
    with open(inside("t.csv"), "w") as f:
        f.write("u,v,label\n" + "".join(f"{i % 5},{i % 7},{i % 2}\n" for i in range(40)))
    with open(inside("t.toml"), "w") as f:
        f.write("[data]\ntrain = \"t.csv\"\nlabel = \"label\"\n[model]\nlayers = [4]\n[run]\nbatch = 8\nepochs = 1\n")
    run(TAILOR, "compile", "t.toml", "-o", "t.tailor", cwd=folder)
    os.mkfifo(inside("endless"))
    process = subprocess.Popen([TAILOR_RUN, "t.tailor", "--set", "data.train=endless", "--out", "loading"], cwd=folder, stderr=subprocess.DEVNULL)
    with open(inside("endless"), "w") as pipe:  # it has been opened for reading now
        pipe.write("u,v,label\n1,2,0\n")
        pipe.flush()
        time.sleep(0.5)
        process.terminate()
        assert process.wait(timeout=PATIENCE) == -signal.SIGTERM
    assert not os.path.exists(inside("loading", "seed-0"))

    # A limit on the size of files.
    done = subprocess.run([TAILOR_RUN, "short.tailor", "--out", "limited"], cwd=folder, capture_output=True, text=True,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)))
    assert done.returncode == 1 and "File too large" in done.stderr, (done.returncode, done.stderr)
    assert not [name for _, _, names in os.walk(inside("limited")) for name in names if ".tmp" in name]
    run(TAILOR_RUN, "short.tailor", "--out", "limited", cwd=folder)  # and the folder is still good for a run

    # Closed standard streams: nothing that is printed gets into a file.
    done = subprocess.run([TAILOR_RUN, "short.tailor", "--out", "closed"], cwd=folder, close_fds=False,
                          preexec_fn=lambda: [os.close(fd) for fd in (0, 1, 2)])
    assert done.returncode == 0, done.returncode
    with open(inside("closed", "seed-0", "log.jsonl")) as f:
        assert [json.loads(line)["epoch"] for line in f] == [1, 2]

    # A full disk behind standard output.
    weights_of = train(recipe(folder, "r.toml", epochs=2), inside("r"), "--quiet")
    commands = [["recipe", "--describe"], ["recipe", "short.toml"], ["inspect", "short.tailor"], ["inspect", "short.tailor", "--json"],
                ["compile", "short.toml", "--emit", "fused"], ["compile", "--list-passes"], ["data", "t.csv"], ["init", "t.csv", "-o", "-"],
                ["eval", "r/program.tailor", "--weights", weights_of], ["eval", "r/program.tailor", "--weights", weights_of, "--json"],
                ["predict", "r/program.tailor", "--weights", weights_of, "--out", "/dev/stdout"], ["--version"], ["--help"]]
    for words in commands:
        with open("/dev/full", "w") as full:
            done = subprocess.run([TAILOR, *words], cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 1, (words, done.returncode, done.stderr)
        assert "No space left on device" in done.stderr, (words, done.stderr)
    print("every stop left a checkpoint, every refusal was said")
