#!/usr/bin/env python3
"""Does Tailor train as PyTorch does? Long-tailed CIFAR-10, ResNet-8, seed by seed from the same initial weights.

Usage: cifar10_lt.py --tailor build/release/bin/tailor --data FOLDER --out FOLDER [--method erm|sam_a] [--seeds 5] [--epochs 30]
                     [--torch PYTHON] [--only tailor|torch|table]

FOLDER of --data holds cifar-10-batches-bin, the binary version of CIFAR-10. --torch is a Python that has torch and numpy. Each side
uses one thread. Whatever a run before has finished is kept: a seed of PyTorch is one file, Tailor goes on from its checkpoint;
--only splits the work among calls.

First both sides evaluate the weights that Tailor trained for the first seed, on the rows of both splits: rows, pixels and network are
the same if accuracy and loss agree. Then prints, for accuracy, minority and majority: mean and standard error of both sides, and the 95 % t-interval of the mean difference
over the seeds (paired: a seed has the same weights to start from, its own order and augmentation on either side). An interval
that does not hold 0 shows that the two differ (wrongly once in twenty, of each metric). One that holds 0 shows no more than the
margin beside it, the largest difference of the means that the interval still allows: with few seeds that is much.
"""
import argparse
import csv
import json
import math
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
RECIPES = {"erm": "cifar10_lt_resnet8.toml", "sam_a": "cifar10_lt_resnet8_sam_a.toml"}
METRICS = ("accuracy", "minority", "majority")
# 0.975 quantile of Student's t by degrees of freedom.
STUDENT = (None, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
           2.110, 2.101, 2.093, 2.086)


def run(*command):
    print("$", " ".join(command), flush=True)
    if subprocess.run(command).returncode != 0:
        sys.exit(f"failed: {' '.join(command)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tailor", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--method", choices=sorted(RECIPES), default="erm")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--torch", default=sys.executable)
    parser.add_argument("--only", choices=("tailor", "torch", "table"))
    a = parser.parse_args()
    if not 2 <= a.seeds < len(STUDENT) + 1:
        sys.exit(f"{a.seeds} seeds, expected 2 to {len(STUDENT)}")
    out = os.path.join(a.out, a.method)
    os.makedirs(out, exist_ok=True)
    recipe = os.path.join(HERE, "../../models/recipes", RECIPES[a.method])
    artifact = os.path.join(out, "program.tailor")
    if not os.path.exists(artifact):
        run(a.tailor, "compile", recipe, "-o", artifact, "--set", f"run.epochs={a.epochs}")
    tailor = [a.tailor, "run", artifact, "--data", a.data, "--threads", "1", "--quiet"]

    def folder_of(side, seed):
        return os.path.join(out, f"{side}-{seed}")

    def initial(seed):
        folder = folder_of("initial", seed)
        weights = os.path.join(folder, f"seed-{seed}", "last.safetensors")
        if not os.path.exists(weights):
            run(*tailor, "--out", folder, "--set", f"run.seed={seed}", "--steps", "0")
        return weights

    def of_tailor(seed):
        folder = folder_of("tailor", seed)
        result = os.path.join(folder, "result.json")

        def read():
            if not os.path.exists(result):
                return None
            with open(result) as f:
                found = json.load(f)["seeds"]
            return found[0]["last"]["test"] if found and found[0]["outcome"] == "finished" else None

        if read() is None and a.only in (None, "tailor"):
            begun = os.path.exists(os.path.join(folder, f"seed-{seed}", "last.safetensors"))
            run(*tailor, "--out", folder, *(["--resume"] if begun else ["--set", f"run.seed={seed}"]))
        return read()

    def of_torch(seed):
        result = folder_of("torch", seed) + ".csv"
        if not os.path.exists(result) and a.only in (None, "torch"):
            run(a.torch, os.path.join(HERE, "torch_cifar10_lt.py"), "--data", os.path.join(a.data, "cifar-10-batches-bin"),
                "--weights", initial(seed), "--method", a.method, "--seed", str(seed), "--epochs", str(a.epochs), "--out",
                result + ".part")
            os.rename(result + ".part", result)
        if not os.path.exists(result):
            return None
        with open(result) as f:
            return {key: float(value) for key, value in next(csv.DictReader(f)).items()}

    def same_problem():
        folder = folder_of("tailor", 0)
        theirs = subprocess.run([a.torch, os.path.join(HERE, "torch_cifar10_lt.py"), "--data",
                                 os.path.join(a.data, "cifar-10-batches-bin"), "--weights",
                                 os.path.join(folder, "seed-0", "last.safetensors"), "--evaluate"],
                                check=True, capture_output=True, text=True).stdout
        for line in theirs.splitlines()[1:]:
            split, accuracy, loss = line.split()
            ours = subprocess.run([a.tailor, "eval", folder, "--split", split, "--data", a.data, "--threads", "1", "--json"],
                                  check=True, capture_output=True, text=True).stdout
            ours = json.loads(ours)["metrics"]
            print(f"{split}: loss {ours['loss']:.6g} and {loss}, accuracy {ours['accuracy']:.6g} and {accuracy}", flush=True)
            if abs(ours["loss"] - float(loss)) > 1e-4 or abs(ours["accuracy"] - float(accuracy)) > 2e-4:
                sys.exit("the two sides do not have the same problem")

    if of_tailor(0) and a.only in (None, "torch"):
        same_problem()
    pairs = [(seed, of_tailor(seed), of_torch(seed)) for seed in range(a.seeds)]
    pairs = [pair for pair in pairs if pair[1] and pair[2]]
    print(f"\n{a.method}, {a.epochs} epochs, {len(pairs)} seeds on both sides: {', '.join(str(p[0]) for p in pairs)}")
    if len(pairs) < 2:
        return
    print("| metric | Tailor | PyTorch | difference, 95 % interval | holds 0 | margin |\n|---|---|---|---|---|---|")

    def of(values):
        mean = sum(values) / len(values)
        return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values))

    for metric in METRICS:
        ours, theirs = [100 * p[1][metric] for p in pairs], [100 * p[2][metric] for p in pairs]
        mean, error = of([x - y for x, y in zip(ours, theirs)])
        half = STUDENT[len(pairs) - 1] * error
        sides = ["{:.2f} +- {:.2f}".format(*of(side)) for side in (ours, theirs)]
        print(f"| {metric} | {sides[0]} | {sides[1]} | {mean:+.2f} [{mean - half:+.2f}, {mean + half:+.2f}] | "
              f"{'yes' if abs(mean) <= half else 'no'} | {abs(mean) + half:.2f} |")


if __name__ == "__main__":
    main()
