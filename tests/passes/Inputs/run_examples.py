"""run_examples.py Passes.td: every example of a pass is what the pass does.

The block under "```mlir" of each pass holds a program (or parts of one), "// becomes", and the result, or "// stays" and
nothing; "// becomes with KEY=VALUE" is what an option of the pass does. Both are printed by tailor-opt, so names and spaces do not matter.
"""
import re
import subprocess
import sys


def printed(text, *flags):
    if not text.lstrip().startswith(("module", "tailor.program")):
        text = "tailor.program @example {\n" + text + "\n}\n"
    run = subprocess.run(["tailor-opt", *flags], input=text, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"tailor-opt {' '.join(flags)}:\n{run.stderr}\n{text}")
    return run.stdout


def main():
    passes = re.findall(r'def \w+ : TailorPass<"([\w-]+)"> \{(.*?)\n\}\n', open(sys.argv[1]).read(), re.S)
    for flag, body in passes:
        example = re.search(r"```mlir\n(.*?)```", body, re.S)
        if not example:
            sys.exit(f"{flag} has no example")
        before, word, option, after = re.split(r"^ *// (becomes|stays)(?: with (\w+=\w+))?[^\n]*\n", example.group(1), flags=re.M)
        actual, expected = printed(before, f"--{flag}={option}" if option else f"--{flag}"), printed(after if word == "becomes" else before)
        if actual != expected:
            sys.exit(f"{flag} makes\n{actual}\nof its example, not\n{expected}")
    print(len(passes), "examples")


main()
