"""A checkpoint of torchvision's resnet18, tensors named and shaped by its published rule, starts a training as it is."""
import array
import json
import math
import os
import struct

from e2e import TAILOR, TAILOR_RUN, run, scratch, tensors, weights

CLASSES, PIXELS = 10, 3072
RECIPE = """
[data]
format = "cifar10"
cifar.folder = "."
cifar.train = ["images.bin"]
cifar.test = ["test.bin"]
[model]
name = "resnet"
depth = 18
stem = "imagenet_224"
weights = { file = "resnet18.safetensors", skip = ["fc.*"] }
[method]
use = ["erm"]
[optimizer]
lr = 1e-30
weight_decay = 0
[run]
batch = 10
eval_batch = 10
epochs = 1
"""


def norm(name, channels):
    return [(name + ".weight", [channels]), (name + ".bias", [channels]), (name + ".running_mean", [channels]),
            (name + ".running_var", [channels]), (name + ".num_batches_tracked", [])]


def resnet18():
    """name, shape of every tensor, in torchvision's order."""
    out = [("conv1.weight", [64, 3, 7, 7])] + norm("bn1", 64)
    inputs = 64
    for stage in range(4):
        planes = 64 << stage
        for block in range(2):
            at = f"layer{stage + 1}.{block}."
            out += [(at + "conv1.weight", [planes, inputs, 3, 3])] + norm(at + "bn1", planes)
            out += [(at + "conv2.weight", [planes, planes, 3, 3])] + norm(at + "bn2", planes)
            if stage > 0 and block == 0:
                out += [(at + "downsample.0.weight", [planes, inputs, 1, 1])] + norm(at + "downsample.1", planes)
            inputs = planes
    return out + [("fc.weight", [1000, 512]), ("fc.bias", [1000])]


def value_of(place):
    """Of every element of a tensor; exact in f16."""
    return 2.0 ** -8 * (1 + place % 97)


def write_safetensors(path, named, negative=None):
    header, data = {"__metadata__": {"format": "pt"}}, []
    end = 0
    for place, (name, shape) in enumerate(named):
        counter = name.endswith("num_batches_tracked")
        data.append(struct.pack("<q", 7) if counter else struct.pack("<e", -5 if name == negative else value_of(place)) * math.prod(shape))
        header[name] = {"dtype": "I64" if counter else "F16", "shape": shape, "data_offsets": [end, end + len(data[-1])]}
        end += len(data[-1])
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(data))


with scratch() as folder:
    for name in ("images.bin", "test.bin"):
        with open(os.path.join(folder, name), "wb") as f:
            for label in range(CLASSES):
                f.write(bytes([label]) + bytes((label * 20 + i + len(name)) % 256 for i in range(PIXELS)))
    recipe, artifact = os.path.join(folder, "r.toml"), os.path.join(folder, "r.tailor")
    with open(recipe, "w") as f:
        f.write(RECIPE)
    named = resnet18()
    assert sum(math.prod(shape) for name, shape in named if "running" not in name and "num" not in name) == 11689512
    file = os.path.join(folder, "resnet18.safetensors")
    write_safetensors(file, named)
    run(TAILOR, "compile", recipe, "-o", artifact)
    out = os.path.join(folder, "out")
    text = run(TAILOR_RUN, artifact, "--out", out, "--set", f"data.cifar.folder={folder}", "--set",
               f"model.weights.file={file}")
    assert "num_batches_tracked of 20 batch norms are left" in text, text

    # Steps of 1e-30 leave every parameter as it was read, and running statistics move from theirs.
    ours = tensors(weights(out))
    for place, (name, shape) in enumerate(named):
        if name.startswith("fc.") or name.endswith("num_batches_tracked"):
            continue
        mine = ours.pop(name)
        assert len(mine) == math.prod(shape), name
        if "running" in name:
            assert mine != array.array("f", [0.0 if name.endswith("mean") else 1.0]) * len(mine), name
        else:
            assert mine == array.array("f", [value_of(place)]) * len(mine), name

    # The file of another depth, and its fc without the skip: said before any step, with what would leave it out.
    write_safetensors(file, [entry for entry in named if not entry[0].startswith("layer4.1.")])
    refused = run(TAILOR_RUN, artifact, "--out", os.path.join(folder, "cut"), "--set", f"data.cifar.folder={folder}",
                  "--set", f"model.weights.file={file}", status=1)
    assert "10 tensors disagree with the program: the file has no 'layer4.1.conv1.weight'" in refused, refused
    write_safetensors(file, named)
    refused = run(TAILOR_RUN, artifact, "--out", os.path.join(folder, "fc"), "--set", f"data.cifar.folder={folder}",
                  "--set", f"model.weights.file={file}", "--set", "model.weights.skip=[]", status=1)
    assert "'fc.weight' is [1000, 512] in the file, the program has [10, 512]" in refused, refused
    write_safetensors(file, named, negative="layer1.0.bn1.running_var")
    refused = run(TAILOR_RUN, artifact, "--out", os.path.join(folder, "var"), "--set", f"data.cifar.folder={folder}",
                  "--set", f"model.weights.file={file}", status=1)
    assert "element 0 of 'layer1.0.bn1.running_var' is -5, and a variance is at least 0" in refused, refused
    assert not os.path.exists(os.path.join(folder, "var")), "a start that failed leaves nothing behind"
