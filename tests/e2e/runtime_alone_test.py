"""compile, then tailor-run in an empty folder and environment: the bits of `train`."""
import os
import shutil
import subprocess

from e2e import TAILOR, TAILOR_RUN, recipe, run, same_checkpoint, scratch, train, weights

with scratch() as folder:
    path = recipe(folder)
    trained = train(path, os.path.join(folder, "train"))
    alone = os.path.join(folder, "alone")
    os.makedirs(alone)
    run(TAILOR, "compile", path, "-o", os.path.join(alone, "p.tailor"))
    shutil.copy(TAILOR_RUN, os.path.join(alone, "tailor-run"))
    run("./tailor-run", "p.tailor", "--out", "out", cwd=alone, env={})
    same_checkpoint(trained, weights(os.path.join(alone, "out")), "train and compile + tailor-run")
    links = subprocess.run(["ldd", "./tailor-run"], cwd=alone, capture_output=True, text=True).stdout
    assert "LLVM" not in links and "MLIR" not in links, links
