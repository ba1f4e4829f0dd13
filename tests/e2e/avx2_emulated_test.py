"""Code for AVX2 (cpu:x86-64-v3) has the same bits on an emulated processor that has nothing newer, which refuses AVX-512."""
import os
import shutil
import sys

from e2e import TAILOR, TAILOR_RUN, cifar_batch, recipe, run, same_checkpoint, scratch, weights

HERE = os.path.dirname(os.path.abspath(__file__))
RECIPE = os.path.join(HERE, "../../models/recipes/cifar10_lt_resnet8.toml")
EMULATOR = shutil.which("qemu-x86_64") or shutil.which("qemu-x86_64-static")
if not EMULATOR:
    print("skipped: there is no qemu-x86_64 (Debian: qemu-user) to run AVX2 code without AVX-512")
    sys.exit(77)
HASWELL = [EMULATOR, "-cpu", "Haswell", TAILOR_RUN]
if "avx2" not in open("/proc/cpuinfo").read():
    print("skipped: this machine has no AVX2 to compare with")
    sys.exit(77)

with scratch() as folder:
    images = os.path.join(folder, "images")
    os.makedirs(images)
    for batch in range(1, 6):
        cifar_batch(os.path.join(images, f"data_batch_{batch}.bin"), 10, batch)
    small = ["--set", f"data.cifar.folder={images}", "--set", "data.long_tail.r=1", "--set", "run.batch=6",
             "--set", "run.eval_batch=8", "--set", "run.epochs=1", "--set", "run.steps=2"]
    table = recipe(folder, epochs=2, dropout=0.1)
    for name, source, options in [("network of layers", table, ["--set", "run.steps=20"]), ("convolution network", RECIPE, small)]:
        program = os.path.join(folder, "p.tailor")
        run(TAILOR, "compile", source, "-o", program, "--target", "cpu:x86-64-v3", *options)
        native, emulated = os.path.join(folder, name + " native"), os.path.join(folder, name + " emulated")
        run(TAILOR_RUN, program, "--out", native)
        run(*HASWELL, program, "--out", emulated, "--threads", "1", "--loader-threads", "1")
        same_checkpoint(weights(native), weights(emulated), f"{name} here and on an emulated Haswell")

    run(TAILOR, "compile", table, "-o", program, "--target", "cpu:x86-64-v4")
    refused = run(*HASWELL, program, "--out", os.path.join(folder, "v4"), status=1)
    assert "avx512" in refused, refused
