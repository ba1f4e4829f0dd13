#!/usr/bin/env python3
"""Records 20 free-running f64 training steps of PyTorch per imbalance method, from the formulas of docs/methods.md alone.

Requirements: Python 3.9+, torch (recorded with 1.13; any later one), numpy. CPU only; a few seconds.
Usage:        python3 tests/golden/record_methods.py      (rewrites methods_*.json beside itself)
              python3 tests/golden/record_methods.py --check    (only the identities at the end of this file)

Nothing here knows Tailor. As in record.py initial parameters and inputs are drawn by both sides from Philox4x32-10 and not
stored. What a run draws while it trains is an input of the recording and stored: the rows of each batch, the partners and shares of
MixUp, the class-table row of each step. README.md beside this file describes the format.
"""
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

import record
from record import CLASSES, COUNTS, NUM_SAMPLES, SAMPLES_PER_TENSOR, SEED, uniform

BATCH = 8
WIDTHS = [6, 12, 16]  # 16 features: no row of them is all zero after ReLU, where a cosine has no derivative (asserted)
EPOCH = NUM_SAMPLES // BATCH  # 5 steps
EPOCHS = 4  # 20 steps
SWITCH = 3  # first epoch of what is deferred; by default it would be none of so few
INPUT_OP, LABEL_OP, ROW_WEIGHT_OP, ORDER_OP, LAMBDA_OP, PARTNER_OP, NEW_HEAD_OP = 1000, 1001, 1002, 1003, 1004, 1005, 2000
N = torch.tensor(COUNTS, dtype=torch.float64)
PRIOR = N / N.sum()


# --- class tables (methods.md 2.2, 2.4, 2.5, 2.5b, 8). A program holds its constants in f32, so all constants here are f32 values.
BETA, EPS, LAS_HEAD, LAS_TAIL, MARGIN = 1 - 2.0**-10, 0.125, 0.25, 0.0, 0.5
PI = float(np.float32(math.pi))


def effective(beta=BETA):
    inverse = 1 / -torch.expm1(N * math.log(beta))
    return CLASSES * inverse / inverse.sum()


def margins(largest=MARGIN):
    quarter = N ** -0.25
    return largest * quarter / quarter.max()


def label_aware(head, tail):
    """LAS, concave: frequent classes are smoothed most."""
    return tail + (head - tail) * torch.sin(PI * (N - N.min()) / (2 * (N.max() - N.min())))


TABLES = {
    "inv_max": N.max() / N,
    "effective": effective(),
    "own": torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0]),
    "ldam": margins(),
    "uniform": torch.full((CLASSES,), EPS),
    "one_minus_p": EPS * (1 - PRIOR) / (1 - 1 / CLASSES),
    "las_concave": label_aware(LAS_HEAD, LAS_TAIL),
    "log_prior": PRIOR.log(),
}


# --- losses: per row, methods.md 2
def target_loss(u, t, gamma, of_weighted):
    """Loss of logits u against a weighted target t [N, K]."""
    logp = F.log_softmax(u, 1)
    if of_weighted:
        v = -(t * logp).sum(1)
        return (1 - torch.exp(-v)) ** gamma * v
    focal = (1 - logp.exp()) ** gamma if gamma else 1.0
    return -(t * focal * logp).sum(1)


def smoothed(y, eps):
    """(1 - eps[y]) onehot(y) + eps[y] / K."""
    e = eps[y][:, None]
    return (1 - e) * F.one_hot(y, CLASSES) + e / CLASSES


def loss_of(z, o, labels, lam=None, weights=None, row_weights=None):
    """Scalar loss of logits z for the options `o`; labels is (y,) or (y_a, y_b) with shares lam, 1 - lam."""
    ones, zeros = torch.ones(CLASSES), torch.zeros(CLASSES)
    w = ones if weights is None else weights
    eps = TABLES[o["smoothing"]] if "smoothing" in o else zeros
    m = TABLES[o["margin"]] if "margin" in o else zeros
    b = TABLES[o["bias"]] if "bias" in o else zeros
    s, gamma, of_weighted = o.get("scale", 1.0), o.get("gamma", 0.0), o.get("of_weighted", False)
    shares = [lam, 1 - lam] if len(labels) == 2 else [1.0]
    if o.get("form") == "soft":
        q = sum(c * smoothed(y, eps) for c, y in zip(shares, labels))
        return target_loss(s * (z + b), w * q, gamma, of_weighted).mean()
    rows, divisor = 0, 0
    for c, y in zip(shares, labels):
        u = s * (z + b - m * F.one_hot(y, CLASSES))
        rows = rows + c * target_loss(u, w[y][:, None] * smoothed(y, eps), gamma, of_weighted)
        divisor = divisor + c * w[y]
    if row_weights is not None:
        rows, divisor = row_weights * rows, row_weights * divisor
    return rows.sum() / divisor.sum() if o.get("reduction") == "weighted_mean" else rows.mean()


# --- the network: Linear, batch norm, ReLU twice; a linear or a cosine head, or a linear one scaled by class
class Net:
    def __init__(self, head):
        self.head, self.spec, self.norms = head, [], []
        for i in range(2):
            self.spec += record.linear_spec(f"fc{i}", WIDTHS[i], WIDTHS[i + 1])
            self.spec += record.norm_spec(f"bn{i}", WIDTHS[i + 1])
            self.norms.append((f"bn{i}", WIDTHS[i + 1]))
        last = record.linear_spec("head", WIDTHS[-1], CLASSES)
        self.spec += last[:1] if head == "cosine" else last
        if head == "scaled":
            self.spec.append(("scale.weight", (CLASSES,), 0.0, 1.0))

    def features(self, p, buffers, x, batch_statistics, update):
        for i in range(2):
            x = x @ p[f"fc{i}.weight"].T + p[f"fc{i}.bias"]
            if batch_statistics:
                x = record.batch_norm(p, buffers, f"bn{i}", x, update)
            else:
                x = F.batch_norm(x, buffers[f"bn{i}.running_mean"], buffers[f"bn{i}.running_var"],
                                 p[f"bn{i}.weight"], p[f"bn{i}.bias"], False, 0.0, 1e-5)
            x = F.relu(x)
        return x

    def logits(self, p, x):
        if self.head == "cosine":
            assert x.detach().norm(dim=1).min() > 1e-3, "a row without features: its cosine has no derivative"
            return F.normalize(x, dim=1, eps=1e-12) @ F.normalize(p["head.weight"], dim=1, eps=1e-12).T
        z = x @ p["head.weight"].T + p["head.bias"]
        return p["scale.weight"] * z if self.head == "scaled" else z


def draw(op_id, shape, bound, offset):
    u = uniform(op_id, 1, math.prod(shape))[0]
    return torch.tensor(offset + bound * (2 * u - 1)).reshape(shape)


X = torch.tensor(2 * (2 * uniform(INPUT_OP, NUM_SAMPLES, WIDTHS[0]) - 1))
Y = torch.tensor(np.floor(CLASSES * uniform(LABEL_OP, NUM_SAMPLES, 1)[:, 0] ** 2).astype(np.int64))
ROW_WEIGHTS = torch.tensor(0.5 + uniform(ROW_WEIGHT_OP, NUM_SAMPLES, 1)[:, 0])


def balanced_rows(t):
    """Class-balanced draws: a class uniformly, then one of its rows; row t of two Philox rows is the randomness."""
    u = uniform(ORDER_OP, t + 1, 2 * BATCH)[t]
    classes = [np.flatnonzero(Y.numpy() == k) for k in range(CLASSES)]
    classes = [c for c in classes if len(c)]
    picks = [classes[int(u[2 * i] * len(classes))] for i in range(BATCH)]
    return [int(c[int(u[2 * i + 1] * len(c))]) for i, c in enumerate(picks)]


def rows_of(t, sampler, stage_start):
    valid = BATCH - 1 if t % 7 == 5 else BATCH  # ragged batches now and then
    epoch = t // EPOCH
    balanced = sampler == "balanced" or (sampler == "deferred" and epoch >= SWITCH)
    rows = balanced_rows(t) if balanced else [((t - stage_start) * BATCH + n) % NUM_SAMPLES for n in range(BATCH)]
    return rows[:valid]


def run(stages):
    """Trains through `stages`, a list of options; each starts from the parameters of the one before."""
    net = Net(stages[-1].get("head", "linear"))
    params = {name: draw(place, shape, bound, offset) for place, (name, shape, bound, offset) in enumerate(net.spec)}
    buffers = {}
    for name, channels in net.norms:
        buffers[name + ".running_mean"], buffers[name + ".running_var"] = torch.zeros(channels), torch.ones(channels)
    record_of = {"stages": [], "loss": [], "norm": [], "sum": []}
    t = 0
    for o in stages:
        start, length = t, o.get("steps", EPOCH * EPOCHS)
        for place, (name, shape, bound, offset) in enumerate(net.spec):
            if name in o.get("reinitialise", []):
                params[name] = draw(NEW_HEAD_OP + place, shape, bound, offset)
        trains = o.get("trains", [name for name, *_ in net.spec if name != "scale.weight"])
        for name in params:
            params[name] = params[name].detach().requires_grad_(name in trains)
        factors = o.get("rate_factors", {})
        kept = o.get("no_decay", [])
        groups = [{"params": [params[k]], "name": k, "weight_decay": 0.0 if k in kept else 2e-4} for k in trains]
        optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)  # a new one a stage: its momenta start from nothing
        inputs = {"options": o, "lr": [], "rows": []}
        if "mixup" in o:
            inputs.update({"lambda": [], "partner": []})
        if "drw" in o:
            inputs["table_row"] = []
        for t in range(start, start + length):
            if o.get("schedule") == "cosine":
                lr = 0.1 * 0.5 * (1 + math.cos(math.pi * (t - start) / length))
            else:
                lr = 0.1 * min(1.0, (t + 1) / 4)
            rows = rows_of(t, o.get("sampler", "sequential"), start)
            x, y = X[rows], Y[rows]
            labels, lam = (y,), None
            if "mixup" in o:
                lam = float(uniform(LAMBDA_OP, t + 1, 1)[t, 0])  # Beta(1, 1)
                partner = np.argsort(uniform(PARTNER_OP, t + 1, BATCH)[t, :len(rows)]).tolist()
                x = lam * x + (1 - lam) * x[partner]
                labels = (y, y[partner])
                inputs["lambda"].append(lam)
                inputs["partner"].append(partner)
            weights = TABLES[o["weights"]] if "weights" in o else None
            if "drw" in o:
                row = int(t // EPOCH >= SWITCH)
                weights = TABLES[o["drw"]] if row else None
                inputs["table_row"].append(row)
            frozen = "trains" in o
            statistics = o.get("backbone_bn", "train") == "train"
            features = net.features(params, buffers, x, statistics, statistics)
            optimizer.zero_grad()
            z = net.logits(params, features)
            loss = loss_of(z, o, labels, lam, weights, ROW_WEIGHTS[rows] if o.get("row_weights") else None)
            loss.backward()
            assert not frozen or all(params[k].grad is None for k in params if k not in trains)
            for group in optimizer.param_groups:
                group["lr"] = lr * factors.get(group["name"], 1.0)
            optimizer.step()
            inputs["lr"].append(lr)
            inputs["rows"].append(rows)
            record_of["loss"].append(loss.item())
            everything = torch.cat([v.detach().reshape(-1) for v in params.values()])
            record_of["norm"].append(everything.norm().item())
            record_of["sum"].append(everything.sum().item())
        t = start + length
        record_of["stages"].append(inputs)
    final = {}
    for name, value in {**params, **buffers}.items():
        flat = value.detach().reshape(-1)
        places = sorted({i * (flat.numel() - 1) // (SAMPLES_PER_TENSOR - 1) for i in range(SAMPLES_PER_TENSOR)})
        final[name] = {"norm": flat.norm().item(), "sum": flat.sum().item(), "places": places,
                       "values": [flat[i].item() for i in places]}
    record_of["final"] = final
    record_of["tensors"] = [{"name": n, "shape": list(s), "bound": b, "offset": o} for n, s, b, o in net.spec]
    return record_of


LDAM = {"head": "cosine", "margin": "ldam", "scale": 30.0}
WEIGHTED = {"weights": "inv_max", "reduction": "weighted_mean"}
HEAD = ["head.weight", "head.bias"]
STAGE_1, STAGE_2 = {"steps": 12}, {"steps": 8, "sampler": "balanced", "schedule": "cosine"}
MISLAS_2 = {**STAGE_2, "head": "scaled", "trains": HEAD + ["scale.weight"], "smoothing": "las_concave",
            "rate_factors": {"head.weight": 0.5, "head.bias": 0.5}}

FILES = {
    "methods_losses": {
        "focal_1": [{"gamma": 1.0}],
        "focal_2": [{"gamma": 2.0}],
        "focal_2_weighted": [{"gamma": 2.0, **WEIGHTED}],
        "focal_of_weighted_1": [{"gamma": 1.0, "of_weighted": True, "weights": "effective"}],
        "focal_of_weighted_2": [{"gamma": 2.0, "of_weighted": True, "weights": "inv_max"}],
        "focal_2_smoothing": [{"gamma": 2.0, "smoothing": "uniform"}],
        "ldam": [LDAM],
        "ldam_drw": [{**LDAM, "drw": "effective", "reduction": "weighted_mean"}],
        "drw": [{"drw": "inv_max", "reduction": "weighted_mean"}],
        "drs": [{"sampler": "deferred"}],
        "ldam_drs": [{**LDAM, "sampler": "deferred"}],
        "own_weights": [{"weights": "own", "reduction": "weighted_mean"}],
        "own_weights_batch_mean": [{"weights": "own"}],
        "row_weights": [{"row_weights": True, "reduction": "weighted_mean"}],
        "row_weights_batch_mean": [{"row_weights": True}],
        "row_weights_weighted": [{"row_weights": True, **WEIGHTED}],
        "optimizer_groups": [{"rate_factors": {"head.weight": 0.25, "head.bias": 0.25},
                              "no_decay": [f"{kind}{i}.{part}" for i in (0, 1) for kind, part in
                                           (("fc", "bias"), ("bn", "weight"), ("bn", "bias"))] + ["head.bias"]}],
    },
    "methods_mixup": {
        f"{loss}_{form}": [{"mixup": 1.0, "form": form,
                            **{k: v for k, v in options.items() if form == "slotwise" or k != "reduction"}}]
        for loss, options in {
            "erm": {},
            "smoothing": {"smoothing": "one_minus_p"},
            "weighted": WEIGHTED,
            "weighted_smoothing": {**WEIGHTED, "smoothing": "one_minus_p"},
            "logit_adjustment": {"bias": "log_prior"},
            "focal": {"gamma": 2.0},
            "focal_of_weighted": {"gamma": 1.0, "of_weighted": True, "weights": "effective"},
            "ldam": LDAM,
        }.items()
        for form in ("slotwise", "soft") if not (form == "soft" and loss == "ldam")  # a margin has no soft form
    },
    "methods_stages": {
        "crt": [STAGE_1, {**STAGE_2, "trains": HEAD, "reinitialise": HEAD, "backbone_bn": "eval"}],
        "crt_head_goes_on": [{**STAGE_1, **WEIGHTED}, {**STAGE_2, "trains": HEAD, "backbone_bn": "eval"}],
        "mislas": [{**STAGE_1, "mixup": 1.0, "form": "slotwise"}, {**MISLAS_2, "backbone_bn": "eval"}],
        "mislas_shift_bn": [{**STAGE_1, "mixup": 1.0, "form": "slotwise"}, {**MISLAS_2, "backbone_bn": "train"}],
    },
}


def check():
    """Identities that hold between the formulas, and against torch where it has the same loss."""
    z, y, y2 = draw(3000, (6, CLASSES), 3.0, 0.0), torch.tensor([0, 1, 2, 3, 4, 0]), torch.tensor([4, 1, 0, 2, 2, 3])
    w, lam = TABLES["inv_max"], 0.3
    q = lam * F.one_hot(y, CLASSES) + (1 - lam) * F.one_hot(y2, CLASSES)

    def same(a, b):
        assert abs(float(a) - float(b)) < 1e-12 * max(1.0, abs(float(b))), (float(a), float(b))

    same(loss_of(z, {}, (y,)), F.cross_entropy(z, y))
    same(loss_of(z, WEIGHTED, (y,), weights=w), F.cross_entropy(z, y, weight=w))
    same(loss_of(z, {"smoothing": "uniform"}, (y,)), F.cross_entropy(z, y, label_smoothing=EPS))
    same(loss_of(z, {"form": "soft"}, (y, y2), lam), F.cross_entropy(z, q))
    same(loss_of(z, {"form": "soft"}, (y, y2), lam, weights=w), F.cross_entropy(z, q, weight=w))
    same(loss_of(z, {}, (y, y2), lam), loss_of(z, {"form": "soft"}, (y, y2), lam))
    same(loss_of(z, {"gamma": 2.0, "of_weighted": True}, (y,)), loss_of(z, {"gamma": 2.0}, (y,)))
    same(loss_of(z, {"gamma": 2.0}, (y, y), lam), loss_of(z, {"gamma": 2.0, "form": "soft"}, (y, y), lam))
    same(loss_of(z, {"reduction": "weighted_mean"}, (y,), row_weights=torch.full((6,), 7.0)), F.cross_entropy(z, y))
    assert abs(TABLES["las_concave"][0] - LAS_HEAD) < 1e-6 and TABLES["las_concave"][-1] == LAS_TAIL
    same(effective().sum(), CLASSES)


def main():
    check()
    if "--check" in sys.argv[1:]:
        return
    here = os.path.dirname(os.path.abspath(__file__))
    for file, runs in FILES.items():
        content = {
            "torch": torch.__version__.split("+")[0], "seed": SEED, "num_samples": NUM_SAMPLES, "batch": BATCH,
            "input": WIDTHS[:1], "widths": WIDTHS[1:], "class_counts": COUNTS, "steps_per_epoch": EPOCH,
            "momentum": 0.9, "weight_decay": 2e-4, "row_weight_op": ROW_WEIGHT_OP, "reinitialise_op": NEW_HEAD_OP,
            "beta": BETA, "eps": EPS, "las": [LAS_HEAD, LAS_TAIL], "largest_margin": MARGIN,
            "tables": {name: table.tolist() for name, table in TABLES.items()},
            "runs": {name: run(stages) for name, stages in runs.items()},
        }
        with open(os.path.join(here, file + ".json"), "w") as out:
            json.dump(content, out, separators=(",", ":"))
            out.write("\n")


if __name__ == "__main__":
    main()
