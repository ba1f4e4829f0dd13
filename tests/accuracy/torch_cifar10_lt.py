#!/usr/bin/env python3
"""PyTorch (2.0 or later) on long-tailed CIFAR-10, written from docs/methods.md alone: what models/recipes/cifar10_lt_resnet8*.toml
train, for cifar10_lt.py to compare with.

Usage: torch_cifar10_lt.py --data FOLDER --weights INITIAL.safetensors --method erm|sam_a --seed N [--epochs 30] --out RESULT.csv
       torch_cifar10_lt.py --data FOLDER --weights WEIGHTS.safetensors --evaluate     (prints loss and accuracy of both splits)

FOLDER holds data_batch_1.bin to data_batch_5.bin of the binary version. INITIAL.safetensors are the weights to start from, under
the names of the usual CIFAR ResNet. RESULT.csv gets one line: seed, accuracy, minority, majority, seconds. Generators of order,
crops and flips are torch's own, seeded by N. One thread; 30 epochs take about 7 minutes, with SAM-A twice that.

    network    ResNet-8 (10.2): 3x3 stem of 16, stages of 16, 32, 64 with one basic block, shortcut A
    rows       batches 1-4, the exponential profile with r = 0.01 (1.1); batch 5 tests
    images     crop 32 after padding by 4 zeros, flip with 1/2; (pixel / 255 - mean) / deviation (1.4)
    steps      SGD 0.1, momentum 0.9, decay 2e-4 on every parameter, batch 128; one warm-up epoch, then cosine (4.1, 4.3)
    sam_a      ascent along the gradient of the loss weighted by n_max / n_y, radius 0.05 (5.2); smoothing 0.1 by 1 - p (2.5)
"""
import argparse
import csv
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

CLASSES, RATIO, BATCH = 10, 0.01, 128
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
RHO, EPS, RATE, MOMENTUM, DECAY = 0.05, 0.1, 0.1, 0.9, 2e-4


# --- data
def read_images(path):
    """uint8 [N, 3, 32, 32] and labels [N]."""
    records = np.fromfile(path, np.uint8).reshape(-1, 3073)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)


def philox_words(counter, key):
    """Philox4x32-10 (Salmon et al. 2011): four words."""
    mask, (c0, c1, c2, c3), (k0, k1) = 0xFFFFFFFF, counter, key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & mask, (p0 >> 32) ^ c3 ^ k1, p0 & mask
        k0, k1 = (k0 + 0x9E3779B9) & mask, (k1 + 0xBB67AE85) & mask
    return c0, c1, c2, c3


class SubsetWords:
    """The words that choose rows of a class under subset_seed 0 (1.1): runtime/data/random.h, purpose kSubset."""

    def __init__(self, klass):
        self.klass, self.block, self.words = klass, 0, []

    def below(self, n):
        """Unbiased in [0, n) (Lemire 2019)."""
        while True:
            if not self.words:
                key = (0, 0xDA7A0002 * 0x85EBCA6B & 0xFFFFFFFF)
                self.words = list(philox_words((self.block, self.klass, 0, 0), key))
                self.block += 1
            product = self.words.pop(0) * n
            if product & 0xFFFFFFFF >= (1 << 32) % n:
                return product >> 32


def long_tail_rows(labels):
    available = np.bincount(labels, minlength=CLASSES)

    def counts(n_max):
        return [max(1, math.floor(n_max * RATIO ** (i / (CLASSES - 1)) + 1e-9)) for i in range(CLASSES)]

    n_max = max(n for n in range(1, int(available.max()) + 1) if all(c <= a for c, a in zip(counts(n), available)))
    kept = []
    for klass, count in enumerate(counts(n_max)):
        rows, words = list(np.flatnonzero(labels == klass)), SubsetWords(klass)
        for i in range(len(rows) - 1, 0, -1):  # Fisher-Yates from the end
            j = words.below(i + 1)
            rows[i], rows[j] = rows[j], rows[i]
        kept += rows[:count]
    return np.sort(np.array(kept))


def normalised(images):
    pixels = torch.from_numpy(images).float() / 255
    return (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)


def augmented(images, generator):
    """RandomCrop(32, padding=4) and RandomHorizontalFlip() of torchvision, image by image."""
    padded = np.pad(images, ((0, 0), (0, 0), (4, 4), (4, 4)))
    out = np.empty_like(images)
    for n in range(len(images)):
        top, left = torch.randint(0, 9, (2,), generator=generator).tolist()
        window = padded[n, :, top:top + 32, left:left + 32]
        out[n] = window[:, :, ::-1] if torch.rand(1, generator=generator).item() < 0.5 else window
    return out


# --- network
class Block(torch.nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(outputs)
        self.conv2 = torch.nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(outputs)
        self.stride, self.added = stride, outputs - inputs

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        shortcut = x[:, :, ::self.stride, ::self.stride]
        if self.added:
            shortcut = F.pad(shortcut, (0, 0, 0, 0, self.added // 2, self.added - self.added // 2))
        return F.relu(y + shortcut)


class ResNet8(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(16)
        self.layer1 = torch.nn.Sequential(Block(16, 16, 1))
        self.layer2 = torch.nn.Sequential(Block(16, 32, 2))
        self.layer3 = torch.nn.Sequential(Block(32, 64, 2))
        self.linear = torch.nn.Linear(64, CLASSES)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def load_weights(net, path):
    """A safetensors file with the tensors of the network, of which nothing else is read."""
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = f.read()
    wanted = {name: tensor for name, tensor in net.state_dict().items() if not name.endswith("num_batches_tracked")}
    found = {}
    for name in wanted:
        if name not in header:
            continue
        begin, end = header[name]["data_offsets"]
        found[name] = torch.from_numpy(np.frombuffer(data[begin:end], np.float32).reshape(header[name]["shape"]).copy())
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise SystemExit(f"'{path}' has no {', '.join(missing)}")
    net.load_state_dict({**net.state_dict(), **found})


# --- training
def smoothed_losses(logits, labels, eps):
    """Cross-entropy of every row against (1 - eps) onehot + eps / K, eps by class."""
    log_p = F.log_softmax(logits, 1)
    e = eps[labels]
    return -(1 - e) * log_p.gather(1, labels[:, None])[:, 0] - e / CLASSES * log_p.sum(1)


def gradients(net, loss):
    net.zero_grad(set_to_none=True)
    loss.backward()
    return [p.grad.clone() for p in net.parameters()]


def no_running_statistics(net, on):
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.track_running_stats = not on
            module.momentum = 0.0 if on else 0.1


def step(net, optimizer, x, y, method, ascent, eps):
    if method == "erm":
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(net(x), y).backward()
        return optimizer.step()
    weights = ascent[y]
    climb = gradients(net, (weights * smoothed_losses(net(x), y, eps)).sum() / weights.sum())
    scale = RHO / (math.sqrt(sum(float(g.double().square().sum()) for g in climb)) + 1e-12)
    with torch.no_grad():
        kept = [p.clone() for p in net.parameters()]
        for p, g in zip(net.parameters(), climb):
            p.add_(g, alpha=scale)
    no_running_statistics(net, True)
    descent = gradients(net, smoothed_losses(net(x), y, eps).mean())
    no_running_statistics(net, False)
    with torch.no_grad():
        for p, w, g in zip(net.parameters(), kept, descent):
            p.copy_(w)
            p.grad = g
    optimizer.step()


def rate(epoch, epochs, warmup=1):
    if epoch < warmup:
        return RATE * (epoch + 1) / warmup
    return RATE * (1 + math.cos(math.pi * (epoch - warmup) / (epochs - warmup))) / 2


def evaluated(net, images, labels):
    """Accuracy of every class and of all rows, mean cross-entropy."""
    net.eval()
    with torch.no_grad():
        logits = torch.cat([net(normalised(images[i:i + 500])) for i in range(0, len(images), 500)])
    net.train()
    found = logits.argmax(1).numpy()
    by_class = np.array([(found[labels == k] == k).mean() for k in range(CLASSES)])
    return by_class, (found == labels).mean(), F.cross_entropy(logits.double(), torch.from_numpy(labels)).item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--method", choices=("erm", "sam_a"), default="erm")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--out")
    parser.add_argument("--evaluate", action="store_true")
    arguments = parser.parse_args()
    if arguments.evaluate == bool(arguments.out):
        parser.error("either --out or --evaluate")
    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    generator = torch.Generator().manual_seed(arguments.seed)

    parts = [read_images(os.path.join(arguments.data, f"data_batch_{i}.bin")) for i in range(1, 6)]
    images, labels = (np.concatenate(p) for p in zip(*parts[:4]))
    rows = long_tail_rows(labels)
    images, labels = images[rows], labels[rows]
    counts = np.bincount(labels, minlength=CLASSES)
    ascent = torch.tensor(counts.max() / counts, dtype=torch.float32)
    share = counts / counts.sum()
    eps = torch.tensor(np.clip(EPS * (1 - share) / (1 - 1 / CLASSES), 0, 0.5), dtype=torch.float32)
    print(f"{len(rows)} rows, of the classes {counts.tolist()}", flush=True)

    net = ResNet8().to(memory_format=torch.channels_last)
    load_weights(net, arguments.weights)
    if arguments.evaluate:
        for split, rows_of in (("train", (images, labels)), ("test", parts[4])):
            _, accuracy, loss = evaluated(net, *rows_of)
            print(f"{split} {accuracy:.6f} {loss:.6f}")
        return
    optimizer = torch.optim.SGD(net.parameters(), RATE, MOMENTUM, weight_decay=DECAY)
    started = time.time()
    for epoch in range(arguments.epochs):
        for group in optimizer.param_groups:
            group["lr"] = rate(epoch, arguments.epochs)
        order = torch.randperm(len(rows), generator=generator).numpy()
        for first in range(0, len(order), BATCH):
            batch = order[first:first + BATCH]
            x = normalised(augmented(images[batch], generator)).contiguous(memory_format=torch.channels_last)
            step(net, optimizer, x, torch.from_numpy(labels[batch]), arguments.method, ascent, eps)
        print(f"epoch {epoch + 1} of {arguments.epochs}: {time.time() - started:.0f} s", flush=True)
    by_class, accuracy, _ = evaluated(net, *parts[4])
    ranked = np.lexsort((np.arange(CLASSES), counts))
    minority = by_class[ranked[:2]].mean()
    majority = by_class[sorted(range(CLASSES), key=lambda k: (-counts[k], k))[:2]].mean()
    with open(arguments.out, "w", newline="") as f:
        csv.writer(f).writerows([["seed", "accuracy", "minority", "majority", "seconds"],
                                 [arguments.seed, accuracy, minority, majority, round(time.time() - started, 1)]])


if __name__ == "__main__":
    main()
