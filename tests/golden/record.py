#!/usr/bin/env python3
"""Records 20 free-running training steps of PyTorch in f64: what tests/golden/parity_test.cpp must reproduce.

Requirements: Python 3.9+, torch (recorded with 2.11), numpy. CPU only; about 20 seconds.
Usage:        python3 tests/golden/record.py            (rewrites mlp.json, mlp_bn.json, resnet8.json beside itself)

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
SAMPLES_PER_TENSOR = 24  # stored elements of each final tensor, evenly spaced; all of them if there are fewer


def uniform(op_id, rows, elements):
    return philox.uniform(SEED, op_id, rows, elements)


# --- networks: a list of (name, shape, bound, offset) and a function of (parameters, buffers, x, update_buffers)
def linear_spec(name, fan_in, out):
    bound = 1 / math.sqrt(fan_in)
    return [(name + ".weight", (out, fan_in), bound, 0.0), (name + ".bias", (out,), bound, 0.0)]


def norm_spec(name, channels):
    return [(name + ".weight", (channels,), 0.25, 1.0), (name + ".bias", (channels,), 0.125, 0.0)]


def conv_spec(name, inputs, outputs):
    return [(name + ".weight", (outputs, inputs, 3, 3), math.sqrt(3 * 2 / (9 * outputs)), 0.0)]


def batch_norm(p, buffers, name, x, update):
    if update:
        return F.batch_norm(x, buffers[name + ".running_mean"], buffers[name + ".running_var"], p[name + ".weight"],
                            p[name + ".bias"], True, 0.1, 1e-5)
    return F.batch_norm(x, None, None, p[name + ".weight"], p[name + ".bias"], True, 0.0, 1e-5)


class Mlp:
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


class ResNet8:
    """He et al. for CIFAR, one block per stage, shortcut A (every 2nd pixel, zero channels on both sides)."""

    def __init__(self):
        self.batch, self.input, self.adam_eps = 4, (8, 8, 3), 1e-8
        self.blocks = [("layer1.0", 16, 16, 1), ("layer2.0", 16, 32, 2), ("layer3.0", 32, 64, 2)]
        self.spec = conv_spec("conv1", 3, 16) + norm_spec("bn1", 16)
        self.norms = [("bn1", 16)]
        for name, i, o, _ in self.blocks:
            self.spec += conv_spec(name + ".conv1", i, o) + norm_spec(name + ".bn1", o)
            self.spec += conv_spec(name + ".conv2", o, o) + norm_spec(name + ".bn2", o)
            self.norms += [(name + ".bn1", o), (name + ".bn2", o)]
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
        places = sorted({i * (flat.numel() - 1) // (max(SAMPLES_PER_TENSOR, 2) - 1)
                         for i in range(SAMPLES_PER_TENSOR)})
        final[name] = {"norm": flat.norm().item(), "sum": flat.sum().item(), "places": places,
                       "values": [flat[i].item() for i in places]}
    result = {"options": method, "lr": lr, "valid": valid, "loss": losses, "final": final}
    if ascent_losses:
        result["ascent_loss"] = ascent_losses
    if method.get("ema"):
        result["ema_decay"] = ema_decay
    return result


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    for file, net in {"mlp": Mlp(False), "mlp_bn": Mlp(True), "resnet8": ResNet8()}.items():
        content = {
            "torch": torch.__version__.split("+")[0], "seed": SEED, "steps": STEPS, "num_samples": NUM_SAMPLES,
            "batch": net.batch, "input": list(net.input), "class_counts": COUNTS,
            "adam_eps": net.adam_eps,
            "tensors": [{"name": n, "shape": list(s), "bound": b, "offset": o} for n, s, b, o in net.spec],
            "runs": {name: record(net, method) for name, method in METHODS.items()},
        }
        with open(os.path.join(here, file + ".json"), "w") as out:
            json.dump(content, out, separators=(",", ":"))
            out.write("\n")


if __name__ == "__main__":
    main()
