#!/usr/bin/env python3
"""Records what PyTorch computes in f64 for cases of tests/conformance: tests/conformance/recorded_ops_test.cpp.

Requirements: Python 3.9+, torch (recorded with 2.11), numpy. CPU only; a few seconds.
Usage:        python3 tests/golden/record_ops.py            (rewrites ops.json beside itself)

Arguments are not stored: a case draws them from Philox with a seed made of its name (drawArguments in
tests/conformance/op_case.cpp does the same). A case here names a case there; layouts are Tailor's (NHWC, OIHW).
"""
import json
import math
import os

import torch
import torch.nn.functional as F

import philox

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def fnv1a(text):
    value = 2166136261
    for c in text.encode():
        value = ((value ^ c) * 16777619) & 0xFFFFFFFF
    return value


def draw(case, index, shape, kind="away"):
    u = torch.tensor(philox.uniform(fnv1a(case), index, 1, math.prod(shape))[0]).reshape(shape)
    if kind == "away":
        return torch.where(u < 0.5, -0.2 - 2.6 * u, 0.2 + 2.6 * (u - 0.5))
    return {"positive": 0.3 + 1.7 * u, "unit": 0.05 + 0.9 * u}[kind]


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


RECORDED = {}


def case(name, *shapes):
    """Decorator: records f(drawn arguments); a shape may be (shape, kind)."""
    def wrap(f):
        arguments = [draw(name, i, *(s if isinstance(s[-1], str) else (s,))) for i, s in enumerate(shapes)]
        results = f(*arguments)
        results = results if isinstance(results, tuple) else (results,)
        RECORDED[name] = [r.reshape(-1).tolist() for r in results]
    return wrap


for name, f in {"gelu": F.gelu, "gelu/tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu, "erf": torch.erf,
                "expm1": torch.expm1, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu}.items():
    case(name, (3, 5))(f)
for name, f in {"log1p": torch.log1p, "rsqrt": torch.rsqrt, "log": torch.log}.items():
    case(name, ((7,), "positive"))(f)
case("pow", ((6,), "positive"), (6,))(torch.pow)
case("softmax/last", (3, 4))(lambda x: x.softmax(1))
case("softmax/first", (3, 4))(lambda x: x.softmax(0))
case("log_softmax/last", (3, 4))(lambda x: x.log_softmax(1))
case("logsumexp/0", (3, 4))(lambda x: x.logsumexp(0))
case("logsumexp/1", (3, 4))(lambda x: x.logsumexp(1))
case("l2_normalize/last", (3, 4))(lambda x: F.normalize(x, dim=1))
case("reduce_mean/outer_and_inner", (2, 3, 2))(lambda x: x.mean((0, 2)))
case("roll", (2, 5))(lambda x: x.roll(-2, 1))
case("dot/batch", (2, 3, 4), (5, 2, 4))(lambda a, b: torch.einsum("bik,jbk->bij", a, b))
case("dot/two_batch_two_contracting", (2, 3, 4, 2), (3, 2, 2, 4, 3))(
    lambda a, b: torch.einsum("abck,bakcd->abd", a, b))
case("dot/both_transposed", (4, 3), (2, 4))(lambda a, b: a.T @ b.T)

CONVOLUTIONS = {  # x, w, y, strides, padding (top, bottom, left, right), dilation, groups
    "plain": ((2, 4, 4, 2), (3, 2, 3, 3), (2, 2, 2, 3), 1, (0, 0, 0, 0), 1, 1),
    "uneven": ((2, 5, 6, 4), (6, 2, 3, 2), (2, 3, 6, 6), (2, 1), (1, 1, 2, 0), (1, 2), 2),
    "unused_edge": ((1, 6, 6, 1), (2, 1, 3, 3), (1, 2, 2, 2), 2, (0, 0, 0, 0), 1, 1),
    "depthwise": ((1, 4, 3, 3), (3, 1, 3, 3), (1, 4, 3, 3), 1, (1, 1, 1, 1), 1, 3),
    "pointwise_strided": ((2, 4, 4, 3), (2, 3, 1, 1), (2, 2, 2, 2), 2, (0, 0, 0, 0), 1, 1),
}
for name, (xs, ws, ys, stride, (top, bottom, left, right), dilation, groups) in CONVOLUTIONS.items():
    def conv(x, w):
        return nhwc(F.conv2d(F.pad(nchw(x), (left, right, top, bottom)), w, None, stride, 0, dilation, groups))

    def data_grad(dy, w):
        x = torch.zeros(xs, requires_grad=True)
        return torch.autograd.grad(conv(x, w), x, dy)[0]

    def weight_grad(x, dy):
        w = torch.zeros(ws, requires_grad=True)
        return torch.autograd.grad(conv(x, w), w, dy)[0]

    case("conv2d/" + name, xs, ws)(conv)
    case("conv2d_data_grad/" + name, ys, ws)(data_grad)
    case("conv2d_weight_grad/" + name, xs, ys)(weight_grad)

POOLS = {  # x, window, strides, padding, ceil_mode; framework pooling pads both sides alike
    "plain": ((2, 4, 4, 2), (2, 2), (2, 2), (0, 0), False),
    "padded": ((1, 5, 4, 2), (3, 2), (2, 1), (1, 1), False),
    "ceil": ((1, 5, 6, 1), (2, 3), (2, 2), (0, 1), True),
}
for name, (xs, window, stride, padding, ceil) in POOLS.items():
    case("max_pool2d/" + name, xs)(lambda x: nhwc(F.max_pool2d(nchw(x), window, stride, padding, 1, ceil)))
    case("avg_pool2d/" + name, xs)(lambda x: nhwc(F.avg_pool2d(nchw(x), window, stride, padding, ceil, False)))
    case("avg_pool2d/" + name + "_include_pad", xs)(
        lambda x: nhwc(F.avg_pool2d(nchw(x), window, stride, padding, ceil, True)))


def batch_norm(epsilon):
    def f(x, g, b):
        dims = tuple(range(x.dim() - 1))
        mean, variance = x.mean(dims), x.var(dims, unbiased=False)
        y = F.batch_norm(x.movedim(-1, 1), None, None, g, b, True, 0.0, epsilon).movedim(1, -1)
        return y, mean, (variance + epsilon).rsqrt(), variance
    return f


case("batch_norm_train/rows", (5, 3), (3,), (3,))(batch_norm(1e-2))
case("batch_norm_train/images", (2, 3, 2, 2), (2,), (2,))(batch_norm(1e-5))
case("batch_norm_inference", (4, 3), (3,), (3,), (3,), ((3,), "positive"))(
    lambda x, g, b, m, v: F.batch_norm(x, m, v, g, b, False, 0.0, 1e-2))
case("layer_norm", (2, 3, 4), (4,), (4,))(
    lambda x, g, b: (F.layer_norm(x, (4,), g, b, 1e-2), x.mean(-1), (x.var(-1, unbiased=False) + 1e-2).rsqrt()))

Y = torch.tensor([2, 0, 1, 2])  # argument 1 of the loss cases
case("softmax_cross_entropy/none", (4, 3))(lambda z: F.cross_entropy(z, Y, reduction="none"))
case("softmax_cross_entropy/mean", (4, 3))(lambda z: F.cross_entropy(z, Y))


def labelled(name, f, *tables):
    """A loss case whose argument 1 is the labels: tables start at argument 2."""
    z = draw(name, 0, (4, 3))
    RECORDED[name] = [f(z, *[draw(name, i + 2, *t) for i, t in enumerate(tables)]).reshape(-1).tolist()]


labelled("softmax_cross_entropy/weights", lambda z, w: F.cross_entropy(z, Y, weight=w), ((3,), "positive"))
labelled("softmax_cross_entropy/weights_batch_mean",
         lambda z, w: F.cross_entropy(z, Y, weight=w, reduction="sum") / 4, ((3,), "positive"))
case("softmax_cross_entropy/soft", (4, 3), ((4, 3), "unit"))(lambda z, q: F.cross_entropy(z, q))
case("softmax_cross_entropy/soft_weights", (4, 3), ((4, 3), "unit"), ((3,), "positive"))(
    lambda z, q, w: F.cross_entropy(z, q, weight=w))
BINARY = torch.tensor([1.0, 0.0, 0.0, 1.0])
case("sigmoid_cross_entropy/mean", (4,))(lambda z: F.binary_cross_entropy_with_logits(z, BINARY))
case("sigmoid_cross_entropy/none", (4,))(lambda z: F.binary_cross_entropy_with_logits(z, BINARY, reduction="none"))
case("sigmoid_cross_entropy/soft", (4,), ((4,), "unit"), ((2,), "positive"))(
    lambda z, q, w: -(w[1] * q * F.logsigmoid(z) + w[0] * (1 - q) * F.logsigmoid(-z)).mean())

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops.json"), "w") as out:
    json.dump({"torch": torch.__version__.split("+")[0], "cases": RECORDED}, out, separators=(",", ":"))
    out.write("\n")
