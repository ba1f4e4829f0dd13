"""Artifacts do not know where Tailor was built: nothing in them names the folder of its sources, so that builds in two
folders give the same bytes."""
import os

from e2e import TAILOR, recipe, run, scratch

SOURCES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = [os.environ["TAILOR_EXAMPLE_PROGRAM"]]
# Every line of the library that records an op or an option: all methods, layers, optimizers, tables, schedules.
RECIPES = {
    "erm": ('["erm"]', ""),
    "sam": ('["sam", "weighted", "smoothing", "logit-adjustment", "ema"]',
            '[method.weighted]\ntable = "effective"\n[method.sam]\nadaptive = true\n'),
    "sam-a": ('["sam-a", "logit-adjustment"]', '[method.sam-a]\ntable = "effective"\nradius = "batch_mean"\n'),
}


def check(path):
    with open(path, "rb") as f:
        content = f.read()
    at = content.find(SOURCES.encode())
    assert at < 0, f"{path} holds a path of the build: {content[at - 20:at + 120]!r}"


with scratch() as folder:
    for name, (use, extra) in RECIPES.items():
        path = recipe(folder, name=name + ".toml", use=use, extra=extra)
        for number, change in enumerate([[], ["--set", "optimizer.name=adamw", "--set", "model.batch_norm=true",
                                              "--set", "schedule.name=cosine"]]):
            out = os.path.join(folder, f"{name}-{number}.tailor")
            run(TAILOR, "compile", name + ".toml", *change, "-o", out, cwd=folder)
            check(out)
    for program in PROGRAMS:
        out = os.path.join(folder, os.path.basename(program) + ".tailor")
        run(program, "compile", "-o", out, cwd=folder)
        check(out)
print("no artifact holds a path of the build")
