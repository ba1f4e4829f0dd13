"""Two compilations of one recipe in two folders give identical files."""
import os
import shutil

from e2e import TAILOR, recipe, run, same_file, scratch

with scratch() as folder:
    a, b = os.path.join(folder, "a"), os.path.join(folder, "deeper", "b")
    for where in (a, b):
        os.makedirs(where)
    shutil.copy(recipe(a), os.path.join(b, "r.toml"))
    for where in (a, b):
        run(TAILOR, "compile", "r.toml", "-o", "p.tailor", "--target", "cpu:x86-64-v3", cwd=where)
    same_file(os.path.join(a, "p.tailor"), os.path.join(b, "p.tailor"), "two folders")
