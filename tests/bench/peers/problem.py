"""The training problem every peer runs: written by `train_bench --record DIR`, so that all start from the same bits.

DIR/problem.json   network, row shape, parameters [[name, shape], ...], batch, num_batches, classes, threads, lr, momentum,
                   weight_decay, rho, ema_decay, eps
DIR/params.f32     the parameters in that order: linear [out, in], convolution [out, in, height, width]
DIR/x.f32, y.i32   num_batches x batch rows; images [height, width, channels]
DIR/table.f32      ascent class table a_i

One step, numerics of every peer and of Tailor:
  sam-a  ascent loss  sum_n a[y_n] ce_n / sum_n a[y_n] at w;  w' = w + rho g / (|g| + 1e-12)
         descent loss mean_n ce_n at w';                      SGD with momentum and weight decay at w, EMA of w
  erm    mean_n ce_n at w; the same update
  ce: cross-entropy with uniform label smoothing eps. Batch norms use the statistics of the batch; running averages (momentum
  0.1) follow those of the first pass. The loss reported is that of the descent pass.
"""
import ctypes
import gc
import json
import os
import sys
import time

import numpy as np

NORM_EPS, NORM_MOMENTUM = 1e-5, 0.1


class Problem:
    def __init__(self, folder):
        with open(os.path.join(folder, "problem.json")) as f:
            self.__dict__.update(json.load(f))
        read = lambda name, dtype: np.fromfile(os.path.join(folder, name), dtype)
        flat = read("params.f32", np.float32)
        self.params, at = {}, 0
        for name, shape in self.parameters:
            size = int(np.prod(shape))
            self.params[name] = flat[at:at + size].reshape(shape).copy()
            at += size
        assert at == flat.size, "params.f32 does not fit the parameters"
        self.norms = {name[:-len(".weight")]: value.shape[0] for name, value in self.params.items() if ".weight" in name and value.ndim == 1}
        self.x = read("x.f32", np.float32).reshape([self.num_batches, self.batch] + self.row)
        self.y = read("y.i32", np.int32).reshape(self.num_batches, self.batch).astype(np.int64)
        self.table = read("table.f32", np.float32)


def resident(field):
    """VmRSS or VmHWM of this process in bytes."""
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(field + ":"))


def step_memory(run, state_bytes):
    """Bytes a step needs at its highest, over the process between steps, and the state it trains; None where the system does
    not reset the high-water mark."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = resident("VmRSS")
    try:
        with open("/proc/self/clear_refs", "w") as f:
            f.write("5")
    except OSError:
        return None
    run()
    return max(0, resident("VmHWM") - before) + state_bytes


def serve(answer, step, num_batches, steps_per_call=1, state_bytes=0):
    """Prints `answer` with the first five losses and the memory of a step as one JSON line; then, for every line of seconds on
    stdin, trains about that long and prints the microseconds of a step.

    step(i) trains on batches i, i + 1, ..., `steps_per_call` of them modulo num_batches, and gives the loss of each.
    """
    first = -(-5 // steps_per_call)  # calls that have five losses
    losses = [np.asarray(step(i * steps_per_call % num_batches)).reshape(-1) for i in range(first)]
    losses = [float(loss) for call in losses for loss in call][:5]

    def run(calls):
        for i in range(calls):
            last = step(i * steps_per_call % num_batches)
        np.asarray(last)  # waits for it

    run(3)
    memory = step_memory(lambda: run(2), state_bytes)
    print(json.dumps({**answer, "losses": losses, "memory": memory}), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        run(1)
        calls = max(1, int(float(line) / max(time.perf_counter() - start, 1e-6)))
        start = time.perf_counter()
        run(calls)
        print(1e6 * (time.perf_counter() - start) / (calls * steps_per_call), flush=True)
