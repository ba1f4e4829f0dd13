"""What the end-to-end tests share: a scratch folder, the two binaries, a small recipe, comparisons bit by bit."""
import filecmp
import json
import os
import subprocess
import sys
import tempfile

TAILOR = os.environ["TAILOR"]
TAILOR_RUN = os.environ["TAILOR_RUN"]

RECIPE = """
[data]
format = "blobs"
classes = 5
dimensions = 9
samples_per_class = 120
val_per_class = 20
test_per_class = 30
long_tail = { profile = "exp", r = 0.1 }
[model]
layers = [33, 20]
dropout = %(dropout)s
[method]
use = %(use)s
[optimizer]
lr = 0.05
[schedule]
warmup_epochs = 1
[run]
batch = 16
eval_batch = 32
epochs = %(epochs)d
"""


def recipe(folder, name="r.toml", use='["sam-a", "smoothing", "ema"]', epochs=3, dropout=0.1, extra=""):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(RECIPE % {"use": use, "epochs": epochs, "dropout": dropout} + extra)
    return path


def cifar_batch(path, rows, seed, first=0):
    """A file of CIFAR-10's binary form: row i has label i % 10 and a grey of its class, with noise."""
    import random
    generator = random.Random(seed)
    with open(path, "wb") as f:
        for row in range(first, first + rows):
            grey = 10 + 24 * (row % 10)
            f.write(bytes([row % 10]) + bytes(grey + noise % 17 for noise in generator.randbytes(3072)))


def cifar_network(folder):
    """A recipe of resnet8 under SAM-A for two steps, and its data beside it; returns the recipe's path."""
    images = os.path.join(folder, "cifar")
    os.makedirs(images)
    for i in range(1, 6):
        cifar_batch(os.path.join(images, f"data_batch_{i}.bin"), 10, i)
    cifar_batch(os.path.join(images, "test_batch.bin"), 10, 6)
    path = os.path.join(folder, "network.toml")
    with open(path, "w") as f:
        f.write("""[data]
format = "cifar10"
cifar.folder = "cifar"
augment = ["crop", "flip"]
[model]
name = "cifar_resnet"
depth = 8
[method]
use = ["sam-a", "smoothing"]
[run]
batch = 5
eval_batch = 10
epochs = 1
steps = 2
log_steps = 1
""")
    return path


def run(*command, cwd=None, env=None, status=0):
    """Runs a command and returns its output; any other exit status ends the test with what was printed."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode != status:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}, expected {status}\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def train(recipe_path, out, *options):
    run(TAILOR, "train", recipe_path, "--out", out, *options)
    return weights(out)


def weights(out, seed=0, which="last"):
    return os.path.join(out, f"seed-{seed}", which + ".safetensors")


def tensors(path):
    """name -> list of f32 values, of a safetensors file."""
    import array
    with open(path, "rb") as f:
        length = int.from_bytes(f.read(8), "little")
        header = json.loads(f.read(length))
        body = f.read()
    out = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            values = array.array("f")
            values.frombytes(body[begin:end])
            out[name] = values
    return out


def same_checkpoint(a, b, what):
    """Every tensor byte and the training record are equal; only the seconds it took may differ."""
    def contents(path):
        with open(path, "rb") as f:
            length = int.from_bytes(f.read(8), "little")
            header = json.loads(f.read(length))
            body = f.read()
        record = json.loads(header.pop("__metadata__")["tailor.record"])
        for time_dependent in ("train_seconds", "log_bytes"):
            record.pop(time_dependent, None)
        return header, record, body
    if contents(a) != contents(b):
        sys.exit(f"{what}: {a} and {b} differ")
    print(f"same bits: {what}")


def same_file(a, b, what):
    if not filecmp.cmp(a, b, shallow=False):
        sys.exit(f"{what}: {a} and {b} differ")
    print(f"same bits: {what}")


def scratch():
    return tempfile.TemporaryDirectory(prefix="tailor-e2e-")
