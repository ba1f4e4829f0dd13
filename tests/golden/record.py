#!/usr/bin/env python3
"""Records 20 free-running training steps of PyTorch in f64: what tests/golden/parity_test.cpp must reproduce.

Requirements: Python 3.9+, torch (recorded with 2.11 and 2.15, as each file says), numpy. CPU only; about a minute.
Usage:        python3 tests/golden/record.py [NET...]   (rewrites NET.json beside itself; all of NETS below without names)

Nothing here knows Tailor: networks, losses, SAM, AdamW and EMA are written from shared formulas (methods.md 2.1, 2.2, 2.5,
4.1, 4.2, 4.4, 4.5, 5.1, 5.2) or taken from torch. Initial parameters and inputs are not stored: both sides draw them from
Philox4x32-10 (runtime/base/philox.h), so a recording holds losses and samples of the final state only.

A tensor is drawn as offset + bound * (2 u - 1) with u from element j of row 0, op_id = its place in the list; an input as
2 * (2 u - 1) with op_id 1000, row = sample; a label as floor(K u^2) with op_id 1001. Shapes are Tailor's: linear
[out, in], convolution OIHW, images NHWC.
"""
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

import philox

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

SEED = 20231
STEPS = 20
NUM_SAMPLES = 40
COUNTS = [50, 20, 12, 6, 3]  # five classes: K / (K - 1) is exact in f32, in which programs hold their constants
CLASSES = len(COUNTS)
ALL_METHODS = ["erm", "weighted_smoothing", "sam", "asam_nesterov", "sam_a", "ema", "adamw"]
# Of a network: methods, those of METHODS that are recorded; samples_per_tensor, how many elements of each final tensor are
# stored, evenly spaced (all of them if there are fewer).


def uniform(op_id, rows, elements):
    return philox.uniform(SEED, op_id, rows, elements)


# --- networks: a list of (name, shape, bound, offset) and a function of (parameters, buffers, x, update_buffers)
def linear_spec(name, fan_in, out):
    bound = 1 / math.sqrt(fan_in)
    return [(name + ".weight", (out, fan_in), bound, 0.0), (name + ".bias", (out,), bound, 0.0)]


def norm_spec(name, channels):
    return [(name + ".weight", (channels,), 0.25, 1.0), (name + ".bias", (channels,), 0.125, 0.0)]


def conv_spec(name, inputs, outputs, kernel=3, groups=1):
    bound = math.sqrt(3 * 2 / (kernel * kernel * outputs))
    return [(name + ".weight", (outputs, inputs // groups, kernel, kernel), bound, 0.0)]


def batch_norm(p, buffers, name, x, update, momentum=0.1):
    if update:
        return F.batch_norm(x, buffers[name + ".running_mean"], buffers[name + ".running_var"], p[name + ".weight"],
                            p[name + ".bias"], True, momentum, 1e-5)
    return F.batch_norm(x, None, None, p[name + ".weight"], p[name + ".bias"], True, 0.0, 1e-5)


class Mlp:
    methods, samples_per_tensor = ALL_METHODS, 24

    def __init__(self, norm):
        self.norm, self.batch, self.input = norm, 8, (6,)
        # A bias before batch norm has gradient 0; AdamW divides its rounding noise by sqrt(v) + eps, which must stay noise.
        self.adam_eps = 1e-6 if norm else 1e-8
        self.widths, self.norms = [6, 10, 7], []
        self.spec = []
        for i in range(2):
            self.spec += linear_spec(f"fc{i}", self.widths[i], self.widths[i + 1])
            if norm:
                self.spec += norm_spec(f"bn{i}", self.widths[i + 1])
                self.norms.append((f"bn{i}", self.widths[i + 1]))
        self.spec += linear_spec("head", self.widths[-1], CLASSES)

    def __call__(self, p, buffers, x, update):
        for i in range(2):
            x = x @ p[f"fc{i}.weight"].T + p[f"fc{i}.bias"]
            if self.norm:
                x = batch_norm(p, buffers, f"bn{i}", x, update)
            x = F.relu(x)
        return x @ p["head.weight"].T + p["head.bias"]


class Images:
    """What the networks of images share: tensors in the order in which they are added."""
    batch, input, adam_eps = 4, (8, 8, 3), 1e-8
    methods, samples_per_tensor = ["erm", "sam_a"], 5

    def __init__(self):
        self.spec, self.norms = [], []

    def add_conv(self, name, *shape, bias=False, **options):
        self.spec += conv_spec(name, *shape, **options)
        if bias:
            self.spec.append((name + ".bias", (shape[1],), 0.125, 0.0))

    def add_norm(self, name, channels):
        self.spec += norm_spec(name, channels)
        self.norms.append((name, channels))


class CifarResNet(Images):
    """He et al. for CIFAR, n blocks per stage, shortcut A (every 2nd pixel, zero channels on both sides)."""

    def __init__(self, n):
        super().__init__()
        if n == 1:
            self.methods, self.samples_per_tensor = ALL_METHODS, 24
        self.blocks, inputs = [], 16
        for stage, width in enumerate([16, 32, 64]):
            for i in range(n):
                self.blocks.append((f"layer{stage + 1}.{i}", inputs, width, 2 if stage > 0 and i == 0 else 1))
                inputs = width
        self.add_conv("conv1", 3, 16)
        self.add_norm("bn1", 16)
        for name, i, o, _ in self.blocks:
            self.add_conv(name + ".conv1", i, o)
            self.add_norm(name + ".bn1", o)
            self.add_conv(name + ".conv2", o, o)
            self.add_norm(name + ".bn2", o)
        self.spec += linear_spec("linear", 64, CLASSES)

    def __call__(self, p, buffers, x, update):
        x = x.permute(0, 3, 1, 2)
        x = F.relu(batch_norm(p, buffers, "bn1", F.conv2d(x, p["conv1.weight"], None, 1, 1), update))
        for name, i, o, stride in self.blocks:
            h = F.conv2d(x, p[name + ".conv1.weight"], None, stride, 1)
            h = F.relu(batch_norm(p, buffers, name + ".bn1", h, update))
            h = F.conv2d(h, p[name + ".conv2.weight"], None, 1, 1)
            h = batch_norm(p, buffers, name + ".bn2", h, update)
            if i != o:
                x = F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, (o - i) // 2, (o - i) // 2))
            x = F.relu(h + x)
        return x.mean((2, 3)) @ p["linear.weight"].T + p["linear.bias"]


class Wrn10(Images):
    """WRN-10-1. raw: stride on the second convolution, 1x1 shortcut of x itself, biases, momentum 0.9 of the last norm."""

    def __init__(self, raw):
        super().__init__()
        self.raw = raw
        self.blocks = [("layer1.0", 16, 16, 1), ("layer2.0", 16, 32, 2), ("layer3.0", 32, 64, 2)]
        self.add_conv("conv1", 3, 16, bias=raw)
        for name, i, o, stride in self.blocks:
            self.add_norm(name + ".bn1", i)
            self.add_conv(name + ".conv1", i, o, bias=raw)
            self.add_norm(name + ".bn2", o)
            self.add_conv(name + ".conv2", o, o, bias=raw)
            if i != o:
                self.add_conv(name + ".shortcut.0", i, o, kernel=1, bias=raw)
        self.add_norm("bn1", 64)
        self.spec += linear_spec("linear", 64, CLASSES)

    def __call__(self, p, buffers, x, update):
        def conv(name, x, stride, padding=1):
            return F.conv2d(x, p[name + ".weight"], p.get(name + ".bias"), stride, padding)

        x = conv("conv1", x.permute(0, 3, 1, 2), 1)
        for name, i, o, stride in self.blocks:
            a = F.relu(batch_norm(p, buffers, name + ".bn1", x, update))
            h = conv(name + ".conv1", a, 1 if self.raw else stride)
            h = F.relu(batch_norm(p, buffers, name + ".bn2", h, update))
            h = conv(name + ".conv2", h, stride if self.raw else 1)
            if i != o:
                x = conv(name + ".shortcut.0", x if self.raw else a, stride, 0)
            x = h + x
        x = F.relu(batch_norm(p, buffers, "bn1", x, update, 0.9 if self.raw else 0.1))
        return x.mean((2, 3)) @ p["linear.weight"].T + p["linear.bias"]


class ResNet(Images):
    """torchvision's, of two stages with one block each and 8 planes: basic blocks, or bottlenecks with groups."""

    def __init__(self, bottleneck, groups=1, group_width=8, stem7=False):
        super().__init__()
        self.stem7, self.groups = stem7, groups
        if stem7:
            self.input = (16, 16, 3)
        self.blocks, inputs = [], 8
        for stage, planes in enumerate([8, 16]):
            width = group_width * groups << stage
            convs = ([(inputs, width, 1, 1, 1), (width, width, 3, 1 + stage, groups), (width, 4 * planes, 1, 1, 1)]
                     if bottleneck else [(inputs, planes, 3, 1 + stage, 1), (planes, planes, 3, 1, 1)])
            self.blocks.append((f"layer{stage + 1}.0", inputs, convs))
            inputs = convs[-1][1]
        self.add_conv("conv1", 3, 8, kernel=7 if stem7 else 3)
        self.add_norm("bn1", 8)
        for name, inputs_of_block, convs in self.blocks:
            for j, (i, o, kernel, _, g) in enumerate(convs):
                self.add_conv(f"{name}.conv{j + 1}", i, o, kernel=kernel, groups=g)
                self.add_norm(f"{name}.bn{j + 1}", o)
            if self.strides(convs) > 1 or inputs_of_block != convs[-1][1]:
                self.add_conv(name + ".downsample.0", inputs_of_block, convs[-1][1], kernel=1)
                self.add_norm(name + ".downsample.1", convs[-1][1])
        self.spec += linear_spec("fc", inputs, CLASSES)

    @staticmethod
    def strides(convs):
        return math.prod(stride for _, _, _, stride, _ in convs)

    def __call__(self, p, buffers, x, update):
        x = x.permute(0, 3, 1, 2)
        x = F.conv2d(x, p["conv1.weight"], None, 2, 3) if self.stem7 else F.conv2d(x, p["conv1.weight"], None, 1, 1)
        x = F.relu(batch_norm(p, buffers, "bn1", x, update))
        if self.stem7:
            x = F.max_pool2d(x, 3, 2, 1)
        for name, _, convs in self.blocks:
            h = x
            for j, (_, _, kernel, stride, groups) in enumerate(convs):
                h = F.conv2d(h, p[f"{name}.conv{j + 1}.weight"], None, stride, kernel // 2, 1, groups)
                h = batch_norm(p, buffers, f"{name}.bn{j + 1}", h, update)
                if j + 1 < len(convs):
                    h = F.relu(h)
            if name + ".downsample.0.weight" in p:
                x = F.conv2d(x, p[name + ".downsample.0.weight"], None, self.strides(convs))
                x = batch_norm(p, buffers, name + ".downsample.1", x, update)
            x = F.relu(h + x)
        return x.mean((2, 3)) @ p["fc.weight"].T + p["fc.bias"]


# --- losses
def class_tables():
    n = torch.tensor(COUNTS, dtype=torch.float64)
    prior = n / n.sum()
    return n.max() / n, 0.125 * (1 - prior) / (1 - 1 / CLASSES)  # weights inv_max, smoothing one_minus_p


def plain_loss(z, y):
    return F.cross_entropy(z, y)


def weighted_loss(z, y):
    return F.cross_entropy(z, y, weight=class_tables()[0])  # weighted mean


def weighted_smoothing_loss(z, y):
    w, eps = class_tables()
    logp = F.log_softmax(z, 1)
    row = -(1 - eps[y]) * logp.gather(1, y[:, None])[:, 0] - eps[y] / CLASSES * logp.sum(1)
    return (w[y] * row).sum() / w[y].sum()


METHODS = {
    "erm": {"descent": "plain"},
    "weighted_smoothing": {"descent": "weighted_smoothing"},
    "sam": {"descent": "plain", "ascent": "plain", "rho": 0.05},
    "asam_nesterov": {"descent": "plain", "ascent": "plain", "rho": 0.5, "adaptive": True, "nesterov": True},
    "sam_a": {"descent": "plain", "ascent": "weighted", "rho": 0.05},
    "ema": {"descent": "plain", "ema": True},
    "adamw": {"descent": "plain", "optimizer": "adamw"},
}
LOSSES = {"plain": plain_loss, "weighted": weighted_loss, "weighted_smoothing": weighted_smoothing_loss}


def record(net, method):
    params = {}
    for place, (name, shape, bound, offset) in enumerate(net.spec):
        u = uniform(place, 1, math.prod(shape))[0]
        params[name] = torch.tensor(offset + bound * (2 * u - 1)).reshape(shape).requires_grad_(True)
    buffers = {}
    for name, channels in net.norms:
        buffers[name + ".running_mean"] = torch.zeros(channels)
        buffers[name + ".running_var"] = torch.ones(channels)
    x_all = torch.tensor(2 * (2 * uniform(1000, NUM_SAMPLES, math.prod(net.input)) - 1)).reshape(
        (NUM_SAMPLES,) + net.input)
    y_all = torch.tensor(np.floor(CLASSES * uniform(1001, NUM_SAMPLES, 1)[:, 0] ** 2).astype(np.int64))

    adamw = method.get("optimizer") == "adamw"
    lr = [0.01 if adamw else 0.1 * min(1.0, (t + 1) / 4) for t in range(STEPS)]
    valid = [net.batch - 1 if t % 7 == 5 else net.batch for t in range(STEPS)]  # ragged batches now and then
    ema_decay = [min(0.9, (1 + t) / (10 + t)) for t in range(STEPS)]
    if adamw:
        optimizer = torch.optim.AdamW(params.values(), betas=(0.9, 0.999), eps=net.adam_eps, weight_decay=0.05)
    else:
        optimizer = torch.optim.SGD(params.values(), lr=0.1, momentum=0.9, weight_decay=2e-4,
                                    nesterov=method.get("nesterov", False))
    average = {k: v.detach().clone() for k, v in {**params, **buffers}.items()}

    losses, ascent_losses = [], []
    for t in range(STEPS):
        rows = [(t * net.batch + n) % NUM_SAMPLES for n in range(valid[t])]
        x, y = x_all[rows], y_all[rows]
        saved = None
        if "ascent" in method:
            optimizer.zero_grad()
            loss = LOSSES[method["ascent"]](net(params, buffers, x, True), y)
            loss.backward()
            ascent_losses.append(loss.item())
            saved = {k: v.detach().clone() for k, v in params.items()}
            with torch.no_grad():
                adaptive = method.get("adaptive", False)
                norm = torch.sqrt(sum((((v.abs() if adaptive else 1) * v.grad) ** 2).sum() for v in params.values()))
                for v in params.values():
                    v += method["rho"] * (v * v if adaptive else 1) * v.grad / (norm + 1e-12)
        optimizer.zero_grad()
        loss = LOSSES[method["descent"]](net(params, buffers, x, saved is None), y)
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            if saved is not None:
                for k, v in params.items():
                    v.copy_(saved[k])
            for group in optimizer.param_groups:
                group["lr"] = lr[t]
            optimizer.step()
            if method.get("ema"):
                for k, v in {**params, **buffers}.items():
                    average[k].mul_(ema_decay[t]).add_(v, alpha=1 - ema_decay[t])

    state = {k: v.detach() for k, v in {**params, **buffers}.items()}
    if method.get("ema"):
        state.update({"ema." + k: v for k, v in average.items()})
    final = {}
    for name, value in state.items():
        flat = value.reshape(-1)
        places = sorted({i * (flat.numel() - 1) // (net.samples_per_tensor - 1) for i in range(net.samples_per_tensor)})
        final[name] = {"norm": flat.norm().item(), "sum": flat.sum().item(), "places": places,
                       "values": [flat[i].item() for i in places]}
    result = {"options": method, "lr": lr, "valid": valid, "loss": losses, "final": final}
    if ascent_losses:
        result["ascent_loss"] = ascent_losses
    if method.get("ema"):
        result["ema_decay"] = ema_decay
    return result


NETS = {
    "mlp": lambda: Mlp(False),
    "mlp_bn": lambda: Mlp(True),
    "resnet8": lambda: CifarResNet(1),
    "resnet20": lambda: CifarResNet(3),
    "wrn10_1": lambda: Wrn10(False),
    "wrn10_1_raw": lambda: Wrn10(True),
    "resnet_basic": lambda: ResNet(False),
    "resnext": lambda: ResNet(True, groups=4, group_width=2, stem7=True),
    "resnet_depthwise": lambda: ResNet(True, groups=8, group_width=1),
}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    for file in sys.argv[1:] or NETS:
        net = NETS[file]()
        content = {
            "torch": torch.__version__.split("+")[0], "seed": SEED, "steps": STEPS, "num_samples": NUM_SAMPLES,
            "batch": net.batch, "input": list(net.input), "class_counts": COUNTS,
            "adam_eps": net.adam_eps,
            "tensors": [{"name": n, "shape": list(s), "bound": b, "offset": o} for n, s, b, o in net.spec],
            "runs": {name: record(net, METHODS[name]) for name in net.methods},
        }
        with open(os.path.join(here, file + ".json"), "w") as out:
            json.dump(content, out, separators=(",", ":"))
            out.write("\n")


if __name__ == "__main__":
    main()
