"""The training problem every peer runs: written by `train_bench --record DIR`, so that all start from the same bits.

DIR/problem.json   layers [[out, in], ...], batch, num_batches, classes, lr, momentum, weight_decay, rho, ema_decay, eps
DIR/params.f32     weight [out, in] and bias [out] of each layer, in order
DIR/x.f32, y.i32   num_batches x batch rows
DIR/table.f32      ascent class table a_i

One step, numerics of every peer and of Tailor:
  sam-a  ascent loss  sum_n a[y_n] ce_n / sum_n a[y_n] at w;  w' = w + rho g / (|g| + 1e-12)
         descent loss mean_n ce_n at w';                      SGD with momentum and weight decay at w, EMA of w
  erm    mean_n ce_n at w; the same update
  ce: cross-entropy with uniform label smoothing eps. The loss reported is that of the descent pass.
"""
import json
import os
import statistics
import time

import numpy as np


class Problem:
    def __init__(self, folder):
        with open(os.path.join(folder, "problem.json")) as f:
            self.__dict__.update(json.load(f))
        read = lambda name, dtype: np.fromfile(os.path.join(folder, name), dtype)
        flat = read("params.f32", np.float32)
        self.params, at = [], 0
        for out, inner in self.layers:
            self.params.append(flat[at:at + out * inner].reshape(out, inner).copy())
            at += out * inner
            self.params.append(flat[at:at + out].copy())
            at += out
        assert at == flat.size, "params.f32 does not fit the layers"
        self.x = read("x.f32", np.float32).reshape(self.num_batches, self.batch, self.layers[0][1])
        self.y = read("y.i32", np.int32).reshape(self.num_batches, self.batch).astype(np.int64)
        self.table = read("table.f32", np.float32)


def measure(step, num_batches, seconds, windows=7, steps_per_call=1):
    """(first five losses, microseconds per step: the median of `windows` windows).

    step(i) trains on batches i, i + 1, ..., `steps_per_call` of them modulo num_batches, and gives the loss of each.
    """
    first = -(-5 // steps_per_call)  # calls that have five losses
    losses = [step(i * steps_per_call % num_batches) for i in range(first)]
    losses = [float(loss) for call in losses for loss in np.asarray(call).reshape(-1)][:5]
    for i in range(20):
        step(i * steps_per_call % num_batches)
    start = time.perf_counter()
    np.asarray(step(0))
    one = max(time.perf_counter() - start, 1e-6)
    calls = max(1, int(seconds / windows / one))
    times = []
    for _ in range(windows):
        start = time.perf_counter()
        for i in range(calls):
            last = step(i * steps_per_call % num_batches)
        np.asarray(last)  # waits for it
        times.append((time.perf_counter() - start) / (calls * steps_per_call))
    return losses, statistics.median(times) * 1e6
