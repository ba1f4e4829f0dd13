"""JAX on the problem of problem.py, one thread: python jax_peer.py DIR METHOD MODE SECONDS

MODE jit      the whole step is one jit with donated state
     scan8    eight steps per call, by lax.scan inside one jit: an eighth of the dispatch
Prints one JSON line.
"""
import json
import os
import sys

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
import jax
import jax.numpy as jnp

from problem import Problem, measure

folder, method, mode, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
p = Problem(folder)
x, y = jnp.asarray(p.x), jnp.asarray(p.y.astype("int32"))
table = jnp.asarray(p.table)


def cross_entropy(params, x, y):
    for layer in range(0, len(params), 2):
        x = x @ params[layer].T + params[layer + 1]
        if layer + 2 < len(params):
            x = jax.nn.relu(x)
    log_p = jax.nn.log_softmax(x)
    true = jnp.take_along_axis(log_p, y[:, None], 1)[:, 0]
    return -(1 - p.eps) * true - p.eps * log_p.mean(axis=1)


def ascent_loss(params, x, y):
    weights = table[y]
    return (cross_entropy(params, x, y) * weights).sum() / weights.sum()


def plain_loss(params, x, y):
    return cross_entropy(params, x, y).mean()


def train_step(state, i):
    params, momentum, ema = state
    at = params
    if method == "sam-a":
        g = jax.grad(ascent_loss)(params, x[i], y[i])
        scale = p.rho / (jnp.sqrt(sum((t * t).sum() for t in g)) + 1e-12)
        at = [w + t * scale for w, t in zip(params, g)]
    loss, g = jax.value_and_grad(plain_loss)(at, x[i], y[i])
    momentum = [p.momentum * m + t + p.weight_decay * w for m, t, w in zip(momentum, g, params)]
    params = [w - p.lr * m for w, m in zip(params, momentum)]
    ema = [p.ema_decay * e + (1 - p.ema_decay) * w for e, w in zip(ema, params)]
    return (params, momentum, ema), loss


def eight_steps(state, i):
    return jax.lax.scan(train_step, state, (i + jnp.arange(8)) % p.num_batches)


steps_per_call = {"jit": 1, "scan8": 8}[mode]
jitted = jax.jit(train_step if steps_per_call == 1 else eight_steps, donate_argnums=0)
params = [jnp.asarray(value) for value in p.params]
state = (params, [jnp.zeros_like(v) for v in params], [v + 0 for v in params])


def step(i):
    global state
    state, loss = jitted(state, i)
    return loss


losses, us = measure(step, p.num_batches, seconds, steps_per_call=steps_per_call)
print(json.dumps({"peer": "jax " + jax.__version__, "mode": mode, "method": method, "us_per_step": us, "losses": losses}))
