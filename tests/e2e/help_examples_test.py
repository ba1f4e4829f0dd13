"""Every command's help has examples, and their words are right: in an empty folder only the files are missing."""
import re
import shlex
import subprocess

from e2e import TAILOR, TAILOR_RUN, run, scratch

BINARIES = {"tailor": TAILOR, "tailor-run": TAILOR_RUN}


def examples(*command):
    text = run(*command, "--help")
    lines = re.findall(r"^  (tailor(?:-run)? .*)$", text.split("Examples:\n")[-1], re.M) if "Examples:\n" in text else []
    assert lines, f"{' '.join(command)} --help has no examples:\n{text}"
    return lines


commands = re.findall(r"^  (\w+) {2,}", run(TAILOR, "--help").split("Subcommands:\n")[1].split("\n\n")[0], re.M)
assert len(commands) >= 10, commands
shown = [line for command in commands for line in examples(TAILOR, command)]
shown += examples(TAILOR_RUN) + examples(TAILOR_RUN, "predict") + examples(TAILOR_RUN, "eval")
with scratch() as folder:
    for line in shown:
        words = shlex.split(line)
        done = subprocess.run([BINARIES[words[0]], *words[1:]], cwd=folder, capture_output=True, text=True)
        assert done.returncode in (0, 1), f"{line}: exit {done.returncode}\n{done.stderr}"
print(f"{len(shown)} examples of {len(commands)} commands are read")
