"""PyTorch (1.13 or later) on the problem of problem.py, one thread: python torch_peer.py DIR METHOD MODE SECONDS

MODE eager    autograd, _foreach_ update (what an expert writes)
     flat     autograd over views of one flat tensor: one kernel per update operation
     compile  the whole step as one function under torch.compile (2.x)
     cpp_wrapper  the same, called from C++ instead of Python (torch._inductor.config.cpp_wrapper)
Prints one JSON line.
"""
import json
import sys

import torch
import torch.nn.functional as F

from problem import Problem, measure

folder, method, mode, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
torch.set_num_threads(1)
torch.set_flush_denormal(True)
p = Problem(folder)
x, y = torch.from_numpy(p.x), torch.from_numpy(p.y)
table = torch.from_numpy(p.table)
has_lerp = hasattr(torch, "_foreach_lerp_")
VERSION = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])


def forward(params, x):
    for layer in range(0, len(params), 2):
        x = F.linear(x, params[layer], params[layer + 1])
        if layer + 2 < len(params):
            x = F.relu(x)
    return x


def plain_loss(params, x, y):
    return F.cross_entropy(forward(params, x), y, label_smoothing=p.eps)


def ascent_loss(params, x, y):
    weights = table[y]
    return (F.cross_entropy(forward(params, x), y, label_smoothing=p.eps, reduction="none") * weights).sum() / weights.sum()


initial = [torch.from_numpy(value) for value in p.params]
if mode in ("compile", "cpp_wrapper"):
    from torch.func import grad_and_value

    if mode == "cpp_wrapper":
        import torch._inductor.config

        torch._inductor.config.cpp_wrapper = True

    def whole(params, momentum, ema, x, y):
        if method == "sam-a":
            g, _ = grad_and_value(ascent_loss)(params, x, y)
            norm = sum((t * t).sum() for t in g).sqrt()
            at = [w + t * (p.rho / (norm + 1e-12)) for w, t in zip(params, g)]
        else:
            at = params
        g, loss = grad_and_value(plain_loss)(at, x, y)
        for w, t, m, e in zip(params, g, momentum, ema):
            m.mul_(p.momentum).add_(t + p.weight_decay * w)
            w.sub_(p.lr * m)
            e.lerp_(w, 1 - p.ema_decay)
        return loss

    params = [value.clone() for value in initial]
    momentum = [torch.zeros_like(value) for value in params]
    ema = [value.clone() for value in params]
    compiled = torch.compile(whole)

    def step(i):
        with torch.no_grad():
            return compiled(params, momentum, ema, x[i], y[i])
else:
    if mode == "flat":
        store = torch.cat([value.reshape(-1) for value in initial])
        params, at = [], 0
        for value in initial:
            params.append(store[at:at + value.numel()].view(value.shape).requires_grad_())
            at += value.numel()
        targets = [store]
        gather = lambda grads: [torch.cat([g.reshape(-1) for g in grads])]
    else:
        params = [value.clone().requires_grad_() for value in initial]
        targets = params
        gather = list
    momentum = [torch.zeros_like(value) for value in targets]
    ema = [value.detach().clone() for value in targets]

    def step(i):
        climb = None
        if method == "sam-a":
            grads = gather(torch.autograd.grad(ascent_loss(params, x[i], y[i]), params))
            with torch.no_grad():
                norm = torch.stack([g.norm() for g in grads]).norm()
                scale = p.rho / (norm + 1e-12)
                climb = torch._foreach_mul(grads, scale if VERSION >= (2, 1) else float(scale))
                torch._foreach_add_(targets, climb)
        loss = plain_loss(params, x[i], y[i])
        grads = gather(torch.autograd.grad(loss, params))
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

losses, us = measure(step, p.num_batches, seconds)
print(json.dumps({"peer": "torch " + torch.__version__.split("+")[0], "mode": mode, "method": method, "us_per_step": us, "losses": losses}))
