"""The memory that a run says it takes at most is what its process had at its peak, or more: with the compiler in it and without."""
import os
import re
import subprocess
import time

from e2e import TAILOR, TAILOR_RUN, recipe, run, scratch


def said_and_taken(*command):
    """Megabytes: what the run said, and the peak of its process as last seen (getrusage counts this interpreter as well,
    which the process was before)."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = 0
    while process.poll() is None:
        with open(f"/proc/{process.pid}/status") as f:
            found = re.search(r"VmHWM:\s+([0-9]+) kB", f.read())
        with open(f"/proc/{process.pid}/comm") as f:
            is_replaced = f.read().strip() == os.path.basename(command[0])[:15]
        if found and is_replaced:
            peak = max(peak, int(found.group(1)))
        time.sleep(0.001)
    text = process.stderr.read()
    process.stderr.close()
    assert process.returncode == 0 and peak > 0, (command, text)
    return float(re.search(r"memory   ([0-9.]+) MB at most", text).group(1)), peak * 1024 / 1e6


with scratch() as folder:
    path = recipe(folder, epochs=40)
    program = os.path.join(folder, "p.tailor")
    run(TAILOR, "compile", path, "-o", program)
    for name, command in {"train": [TAILOR, "train", path], "run": [TAILOR, "run", program],
                          "tailor-run": [TAILOR_RUN, program]}.items():
        said, taken = said_and_taken(*command, "--out", os.path.join(folder, name), "--threads", "2")
        print(f"{name}: said {said} MB, took {taken:.1f} MB")
        assert taken <= said + 0.1, "rounded to a tenth"
        assert said <= 1.5 * taken + 20, "an upper limit that says something"
