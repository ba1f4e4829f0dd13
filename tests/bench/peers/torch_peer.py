"""PyTorch (1.13 or later) on the problem of problem.py: python torch_peer.py DIR METHOD MODE

MODE eager        autograd, _foreach_ update (what an expert writes); images channels_last
     flat         autograd over views of one flat tensor: one kernel per update operation (networks without convolutions)
     compile      the whole step as one function under torch.compile (2.x)
     cpp_wrapper  the same, called from C++ instead of Python (torch._inductor.config.cpp_wrapper)
     MODE-bf16    eager or compile under autocast to bfloat16, weights and update in f32
Speaks the protocol of problem.serve.
"""
import contextlib
import sys

import torch
import torch.nn.functional as F

from networks import logits
from problem import NORM_EPS, NORM_MOMENTUM, Problem, serve

folder, method, mode = sys.argv[1:4]
p = Problem(folder)
torch.set_num_threads(p.threads)
torch.set_flush_denormal(True)
mode, _, dtype = mode.partition("-")
images = len(p.row) == 3
x, y = torch.from_numpy(p.x), torch.from_numpy(p.y)
if images:  # NHWC in memory, NCHW in name
    x = x.permute(0, 1, 4, 2, 3)
    assert all(batch.is_contiguous(memory_format=torch.channels_last) for batch in x)
table = torch.from_numpy(p.table)
has_lerp = hasattr(torch, "_foreach_lerp_")
VERSION = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])


def precision():
    return torch.autocast("cpu", dtype=torch.bfloat16) if dtype == "bf16" else contextlib.nullcontext()


class Ops:
    """Layers over parameters by name; `averages` are updated where they are given."""

    def __init__(self, params, averages):
        self.params, self.averages = params, averages

    def conv(self, x, name, stride):
        w = self.params[name + ".weight"]
        return F.conv2d(x, w, None, stride, w.shape[2] // 2)

    def norm(self, x, name):
        mean, variance = self.averages[name] if self.averages else (None, None)
        return F.batch_norm(x, mean, variance, self.params[name + ".weight"], self.params[name + ".bias"], True, NORM_MOMENTUM, NORM_EPS)

    def relu(self, x):
        return F.relu(x, inplace=images)

    def shortcut_a(self, x, stride, channels):
        return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, channels // 2, channels - channels // 2))

    def pool(self, x):
        return x.mean((2, 3))

    def linear(self, x, name):
        return F.linear(x, self.params[name + ".weight"], self.params[name + ".bias"])


def scores(params, averages, x):
    with precision():
        return logits(p.network, Ops(params, averages), x).float()


def plain_loss(params, averages, x, y):
    return F.cross_entropy(scores(params, averages, x), y, label_smoothing=p.eps)


def ascent_loss(params, averages, x, y):
    weights = table[y]
    return (F.cross_entropy(scores(params, averages, x), y, label_smoothing=p.eps, reduction="none") * weights).sum() / weights.sum()


def copied(value):
    tensor = torch.from_numpy(value).clone()
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


names = list(p.params)
initial = [copied(p.params[name]) for name in names]
averages = {name: (torch.zeros(size), torch.ones(size)) for name, size in p.norms.items()}
state_bytes = 3 * sum(value.numel() for value in initial) * 4 + 2 * 4 * sum(p.norms.values())
if mode in ("compile", "cpp_wrapper"):
    from torch.func import grad_and_value

    if mode == "cpp_wrapper":
        import torch._inductor.config

        torch._inductor.config.cpp_wrapper = True

    def whole(params, momentum, ema, averages, x, y):
        if method == "sam-a":
            g, _ = grad_and_value(ascent_loss)(params, averages, x, y)
            norm = sum((t * t).sum() for t in g.values()).sqrt()
            at = {k: w + g[k] * (p.rho / (norm + 1e-12)) for k, w in params.items()}
            g, loss = grad_and_value(plain_loss)(at, None, x, y)
        else:
            g, loss = grad_and_value(plain_loss)(params, averages, x, y)
        for k, w in params.items():
            momentum[k].mul_(p.momentum).add_(g[k] + p.weight_decay * w)
            w.sub_(p.lr * momentum[k])
            ema[k].lerp_(w, 1 - p.ema_decay)
        return loss

    params = dict(zip(names, initial))
    momentum = {k: torch.zeros_like(v) for k, v in params.items()}
    ema = {k: v.clone() for k, v in params.items()}
    compiled = torch.compile(whole)

    def step(i):
        with torch.no_grad():
            return compiled(params, momentum, ema, averages, x[i], y[i])
else:
    if mode == "flat":
        assert not images, "a flat tensor has one order of elements, channels_last weights have another"
        store = torch.cat([value.reshape(-1) for value in initial])
        leaves, at = [], 0
        for value in initial:
            leaves.append(store[at:at + value.numel()].view(value.shape).requires_grad_())
            at += value.numel()
        targets = [store]
        gather = lambda grads: [torch.cat([g.reshape(-1) for g in grads])]
    else:
        leaves = [value.clone().requires_grad_() for value in initial]
        targets = leaves
        gather = list
    params = dict(zip(names, leaves))
    momentum = [torch.zeros_like(value) for value in targets]
    ema = [value.detach().clone() for value in targets]

    def step(i):
        climb = None
        if method == "sam-a":
            grads = gather(torch.autograd.grad(ascent_loss(params, averages, x[i], y[i]), leaves))
            with torch.no_grad():
                norm = torch.stack([g.norm() for g in grads]).norm()
                scale = p.rho / (norm + 1e-12)
                climb = torch._foreach_mul(grads, scale if VERSION >= (2, 1) else float(scale))
                torch._foreach_add_(targets, climb)
        loss = plain_loss(params, averages if climb is None else None, x[i], y[i])
        grads = gather(torch.autograd.grad(loss, leaves))
        with torch.no_grad():
            if climb is not None:
                torch._foreach_sub_(targets, climb)
            torch._foreach_add_(grads, targets, alpha=p.weight_decay)
            torch._foreach_mul_(momentum, p.momentum)
            torch._foreach_add_(momentum, grads)
            torch._foreach_add_(targets, momentum, alpha=-p.lr)
            if has_lerp:
                torch._foreach_lerp_(ema, targets, 1 - p.ema_decay)
            else:
                torch._foreach_mul_(ema, p.ema_decay)
                torch._foreach_add_(ema, targets, alpha=1 - p.ema_decay)
        return loss.detach()

serve({"peer": "torch " + torch.__version__.split("+")[0]}, step, p.num_batches, state_bytes=state_bytes)
