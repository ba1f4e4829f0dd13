"""An installed Tailor is all that a project of a user's own needs, with the compiler and without.

package_test.py CMAKE GENERATOR COMPILER BUILD_FOLDER SCRATCH
"""
import json
import os
import re
import shutil
import subprocess
import sys

CMAKE, GENERATOR, COMPILER, BUILD, SCRATCH = sys.argv[1:]
PROJECT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "project")
# Of components.toml: kind, name, a key of it (if it has any), a misspelling and the line of the recipe that has it.
COMPONENTS = [
    ("source", "stairs", "data.stairs_rows", "stair"),
    ("sampler", "rarest_first", "data.rarest_repeats", "rarest_firts"),
    ("model", "wide", "model.width", "wied"),
    ("method", "flooding", "method.flooding.level", "floding"),
    ("loss", "squared", None, "sqared"),
    ("weight_table", "log_ratio", None, "log_rato"),
    ("optimizer", "signum", "optimizer.average", "signnum"),
    ("schedule", "halving", "schedule.half_life", "halvign"),
    ("metric", "mistakes", None, "mistaks"),
]


def run(*command, status=0):
    done = subprocess.run(command, cwd=SCRATCH, capture_output=True, text=True)
    if done.returncode != status:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}, expected {status}\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def expect(output, *parts):
    for part in parts:
        assert part in output, f"expected {part!r} in:\n{output}"


def install(prefix, *options):
    run(CMAKE, "--install", BUILD, "--prefix", prefix, *options)
    return prefix


def build(prefix, folder, *targets, compiler=COMPILER):
    # -O0: what is compiled here is small, and waiting for it is not what this test is about.
    run(CMAKE, "-G", GENERATOR, "-S", PROJECT, "-B", folder, f"-DCMAKE_CXX_COMPILER={compiler}",
        f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_CXX_FLAGS=-Werror -Wall")
    run(CMAKE, "--build", folder, "--parallel", "2", *targets)
    return lambda name, *words, status=0: run(os.path.join(folder, name), *words, status=status)


def log_of(out):
    with open(os.path.join(SCRATCH, out, "seed-0", "log.jsonl")) as f:
        return [json.loads(line) for line in f]


def with_compiler(prefix):
    headers = os.path.join(prefix, "include", "tailor")
    assert os.path.exists(os.path.join(headers, "tailor", "tailor.h"))
    for internal in ["frontend/graph/trace.h", "frontend/traced_program.h", "frontend/emit", "models", "passes"]:
        assert not os.path.exists(os.path.join(headers, internal)), f"{internal} is installed"
    own = build(prefix, os.path.join(SCRATCH, "own"))

    # A training program: trained, compiled, its artifact run by the installed runtime; its places are its own.
    expect(own("training", "train", "--quiet", "--out", "trained"), "balanced_accuracy")
    own("training", "compile", "-o", "training.tailor")
    run(os.path.join(prefix, "bin", "tailor-run"), "training.tailor", "--quiet", "--out", "trained-again")
    expect(run(os.path.join(prefix, "bin", "tailor"), "inspect", "training.tailor"), "from training.cpp")
    with open(os.path.join(SCRATCH, "training.tailor"), "rb") as f:
        assert prefix.encode() not in f.read(), "the artifact holds the path of the installation"

    # Components, one file each, named in one recipe: trained with ...
    recipe = os.path.join(PROJECT, "components.toml")
    own("recipes", "train", recipe, "--quiet", "--out", "components")
    log = log_of("components")
    steps = [line for line in log if "epoch" not in line]
    assert [round(line["lr"] / 0.125, 6) for line in steps] == [round(2 ** (-t / 2), 6) for t in range(5)], steps
    assert all(line["step/loss"] >= 0.01 for line in steps), steps  # flooding: |loss - 0.01| + 0.01
    assert log[-1]["val/mistakes"] == round(log[-1]["val/mistakes"]), log[-1]
    own("recipes", "compile", recipe, "-o", "components.tailor")
    # ... also where the project is built by another compiler than Tailor was, as by default on Debian ...
    for other in {"g++", "clang++"} - {os.path.basename(COMPILER).split("-")[0]}:
        if shutil.which(other):
            elsewhere = build(prefix, os.path.join(SCRATCH, "own-" + other), "--target", "recipes", compiler=other)
            elsewhere("recipes", "train", recipe, "--quiet", "--out", "components-" + other)
            assert log_of("components-" + other)[-1]["val/mistakes"] == log[-1]["val/mistakes"]
    # ... listed ...
    described = own("recipes", "recipe", "--describe")
    for kind, name, key, _ in COMPONENTS:
        expect(described, f"\n    {name}\n", *([f"\n{key} = "] if key else []))
        expect(own("recipes", "recipe", "--list", kind), f"| `{name}` |")
    # ... and hinted at.
    with open(recipe) as f:
        text = f.read()
    for kind, name, key, wrong in COMPONENTS:
        misspelt = os.path.join(SCRATCH, f"misspelt-{kind}.toml")
        with open(misspelt, "w") as f:
            f.write(text.replace(f'"{name}"', f'"{wrong}"'))
        output = own("recipes", "train", misspelt, "--out", "misspelt", status=1)
        assert re.search(rf"misspelt-{kind}\.toml:\d+:\d+: error: .*'{wrong}'", output), output
        expect(output, f"did you mean '{name}'?")
        if key:
            output = own("recipes", "train", recipe, "--set", f"{key}x=1", "--out", "misspelt", status=1)
            expect(output, f"unknown key '{key}x'", f"did you mean '{key}'?")
    assert not os.path.exists(os.path.join(SCRATCH, "misspelt"))

    # What cannot be registered ends the program before it does anything, with every line that is wrong.
    output = own("registered_twice", "--version", status=1)
    # Which of two registers first is the linker's choice: the line names both.
    def either(first, what, second):
        return rf"({first}: error: {what}, at {second}|{second}: error: {what}, at {first})"
    own_place = r"registered_twice\.cpp:\d+"
    for line in [either(own_place, "method 'sam-a' is registered already", r"models/methods/sam_a\.cpp:\d+"),
                 rf"{own_place}: error: key 'model\.dropout' of method 'thievish' does not begin with 'method\.thievish\.'",
                 rf"{own_place}: error: method 'empty' has no code"]:
        assert re.search(rf"(?m)^{line}$", output), output


def without_compiler(prefix, has_artifact):
    for compiler in ["bin/tailor", "include/tailor/frontend"]:
        assert not os.path.exists(os.path.join(prefix, compiler)), f"{compiler} is in the runtime's component"
    own = build(prefix, os.path.join(SCRATCH, "own-runtime"), "--target", "own_runtime")
    expect(own("own_runtime", status=2), "own_runtime")
    tailor_run = os.path.join(prefix, "bin", "tailor-run")
    if not has_artifact:
        return run(tailor_run, "--help")
    own("own_runtime", "components.tailor", "--quiet", "--out", "without-compiler")
    mistakes = [log_of(out)[-1]["val/mistakes"] for out in ["components", "without-compiler"]]
    assert mistakes[0] == mistakes[1], mistakes
    # The stock runtime says what it has not.
    expect(run(tailor_run, "components.tailor", "--out", "refused", status=1), "error: ", "stairs")


shutil.rmtree(SCRATCH, ignore_errors=True)
os.makedirs(SCRATCH)
whole = install(os.path.join(SCRATCH, "whole"))
has_compiler = os.path.exists(os.path.join(whole, "bin", "tailor"))
if has_compiler:
    with_compiler(whole)
without_compiler(install(os.path.join(SCRATCH, "runtime"), "--component", "runtime"), has_compiler)
print("an installed Tailor is enough" + ("" if has_compiler else " (no compiler here)"))
