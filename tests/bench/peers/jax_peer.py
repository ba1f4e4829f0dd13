"""JAX on the problem of problem.py: python jax_peer.py DIR METHOD MODE

MODE jit      the whole step is one jit with donated state
     scan8    eight steps per call, by lax.scan inside one jit: an eighth of the dispatch
Images are NHWC. Speaks the protocol of problem.serve.
"""
import json
import os
import sys

folder, method, mode = sys.argv[1:4]
with open(os.path.join(folder, "problem.json")) as f:
    threads = json.load(f)["threads"]
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=%s intra_op_parallelism_threads=%d" % ("true" if threads > 1 else "false", threads)
import jax
import jax.numpy as jnp
from jax import lax

from networks import logits
from problem import NORM_EPS, NORM_MOMENTUM, Problem, serve

p = Problem(folder)
x, y = jnp.asarray(p.x), jnp.asarray(p.y.astype("int32"))
table = jnp.asarray(p.table)
tree = jax.tree_util.tree_map


class Ops:
    """Layers over parameters by name; `averages` collects the new running averages."""

    def __init__(self, params, averages):
        self.params, self.old, self.averages = params, averages, {}
        self.relu = jax.nn.relu

    def conv(self, x, name, stride):
        w = self.params[name + ".weight"]
        pad = w.shape[0] // 2
        return lax.conv_general_dilated(x, w, (stride, stride), [(pad, pad)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC"))

    def norm(self, x, name):
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        count = x.size // x.shape[-1]
        old_mean, old_variance = self.old[name]
        self.averages[name] = (old_mean + NORM_MOMENTUM * (mean - old_mean), old_variance + NORM_MOMENTUM * (variance * count / (count - 1) - old_variance))
        return (x - mean) * (lax.rsqrt(variance + NORM_EPS) * self.params[name + ".weight"]) + self.params[name + ".bias"]

    def shortcut_a(self, x, stride, channels):
        return jnp.pad(x[:, ::stride, ::stride, :], ((0, 0), (0, 0), (0, 0), (channels // 2, channels - channels // 2)))

    def pool(self, x):
        return x.mean((1, 2))

    def linear(self, x, name):
        return x @ self.params[name + ".weight"].T + self.params[name + ".bias"]


def cross_entropy(params, averages, x, y):
    ops = Ops(params, averages)
    log_p = jax.nn.log_softmax(logits(p.network, ops, x))
    true = jnp.take_along_axis(log_p, y[:, None], 1)[:, 0]
    return -(1 - p.eps) * true - p.eps * log_p.mean(axis=1), ops.averages


def ascent_loss(params, averages, x, y):
    ce, averages = cross_entropy(params, averages, x, y)
    weights = table[y]
    return (ce * weights).sum() / weights.sum(), averages


def plain_loss(params, averages, x, y):
    ce, averages = cross_entropy(params, averages, x, y)
    return ce.mean(), averages


def train_step(state, i):
    params, momentum, ema, averages = state
    if method == "sam-a":
        g, averages = jax.grad(ascent_loss, has_aux=True)(params, averages, x[i], y[i])
        scale = p.rho / (jnp.sqrt(sum((t * t).sum() for t in jax.tree_util.tree_leaves(g))) + 1e-12)
        at = tree(lambda w, t: w + t * scale, params, g)
        (loss, _), g = jax.value_and_grad(plain_loss, has_aux=True)(at, averages, x[i], y[i])
    else:
        (loss, averages), g = jax.value_and_grad(plain_loss, has_aux=True)(params, averages, x[i], y[i])
    momentum = tree(lambda m, t, w: p.momentum * m + t + p.weight_decay * w, momentum, g, params)
    params = tree(lambda w, m: w - p.lr * m, params, momentum)
    ema = tree(lambda e, w: p.ema_decay * e + (1 - p.ema_decay) * w, ema, params)
    return (params, momentum, ema, averages), loss


def eight_steps(state, i):
    return lax.scan(train_step, state, (i + jnp.arange(8)) % p.num_batches)


def convolution_last(value):
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value


steps_per_call = {"jit": 1, "scan8": 8}[mode]
jitted = jax.jit(train_step if steps_per_call == 1 else eight_steps, donate_argnums=0)
params = {name: jnp.asarray(convolution_last(value)) for name, value in p.params.items()}
averages = {name: (jnp.zeros(size), jnp.ones(size)) for name, size in p.norms.items()}
state = (params, tree(jnp.zeros_like, params), tree(lambda v: v + 0, params), averages)


def step(i):
    global state
    state, loss = jitted(state, i)
    return loss


state_bytes = 4 * (3 * sum(v.size for v in params.values()) + 2 * sum(p.norms.values()))
serve({"peer": "jax " + jax.__version__}, step, p.num_batches, steps_per_call, state_bytes)
