"""Programs for target cuda, trained by the real runtime through a double of NVIDIA's driver (tests/cuda_double): as the CPU trains
them, with the same bits in any order of threads, however many steps a launch takes, across kill and resume; predictions of their
weights; and what is said where the device, its driver or its memory is not what a program needs."""
import json
import os
import re

from e2e import TAILOR, TAILOR_RUN, cifar_network, recipe, run, same_checkpoint, scratch, weights

DOUBLE = os.path.join(os.path.dirname(TAILOR), "../cuda-double")


def log_of(out):
    with open(os.path.join(out, "seed-0", "log.jsonl")) as f:
        return [json.loads(line) for line in f]


with scratch() as folder:
    def go(*command, status=0, double=None, ir=None, library=DOUBLE):
        environment = dict(os.environ, LD_LIBRARY_PATH=library)
        if double:
            environment["TAILOR_CUDA_DOUBLE"] = double
        if ir:
            environment["TAILOR_CUDA_DOUBLE_IR"] = ir
        return run(*command, status=status, env=environment)

    def compiled(name, path, *more):
        artifact, ir = os.path.join(folder, f"{name}.tailor"), os.path.join(folder, f"{name}.ll")
        run(TAILOR, "compile", path, "--target", "cuda:sm_90", "-o", artifact, *more)
        with open(ir, "w") as f:
            f.write(run(TAILOR, "compile", path, "--target", "cuda:sm_90", "--emit", "llvm", *more))
        return artifact, ir

    def folder_of(name):
        return os.path.join(folder, name)

    # As the CPU trains: the same draws and the same formulas; sums over columns are rounded in another order.
    path = recipe(folder, use='["sam-a", "smoothing", "ema"]', epochs=3, dropout=0.2)
    cpu = os.path.join(folder, "cpu.tailor")
    run(TAILOR, "compile", path, "-o", cpu)
    artifact, ir = compiled("cuda", path)
    run(TAILOR_RUN, cpu, "--out", folder_of("on-cpu"))
    said = go(TAILOR_RUN, artifact, "--out", folder_of("straight"), ir=ir)
    assert re.search(r"memory +on the device \d+\.\d MB: state \d+\.\d MB, arena \d+\.\d MB; ", said), said
    for ours, theirs in zip(log_of(folder_of("straight")), log_of(folder_of("on-cpu")), strict=True):
        for key in ("epoch", "train/loss", "train/ascent_loss", "train/gradient_norm", "val/loss", "val/brier"):
            assert abs(ours[key] - theirs[key]) <= 1e-3 * (1 + abs(theirs[key])), (key, ours[key], theirs[key])

    # The same bits, whoever comes first and however many steps a launch takes.
    for name, double, more in (("reverse", "order=reverse", ()), ("random", "order=random", ("--set", "run.steps_per_launch=1")),
                               ("three", None, ("--set", "run.steps_per_launch=3"))):
        go(TAILOR_RUN, artifact, "--out", folder_of(name), *more, double=double, ir=ir)
        same_checkpoint(weights(folder_of("straight")), weights(folder_of(name)), name)

    # Stopped and killed, then gone on with.
    go(TAILOR_RUN, artifact, "--out", folder_of("stopped"), "--steps", "7", ir=ir)
    go(TAILOR_RUN, artifact, "--out", folder_of("stopped"), "--resume", ir=ir)
    same_checkpoint(weights(folder_of("straight")), weights(folder_of("stopped")), "stopped and resumed")

    # A device that is lost in the middle: the last checkpoint stands, and a new process goes on from it.
    said = go(TAILOR_RUN, artifact, "--out", folder_of("lost"), "--set", "run.checkpoint_every=1", "--set", "run.steps_per_launch=1", double="graph@30", ir=ir, status=1)
    assert re.search(r"error: .*running a step: CUDA_ERROR_LAUNCH_FAILED \(719\).*\nhint: .*--resume", said), said
    assert os.path.exists(os.path.join(folder_of("lost"), "seed-0", "last.safetensors")), os.listdir(folder_of("lost"))
    go(TAILOR_RUN, artifact, "--out", folder_of("lost"), "--resume", ir=ir)
    same_checkpoint(weights(folder_of("straight")), weights(folder_of("lost")), "lost and resumed")

    # Weights of the device predict on it as on the CPU.
    scores = {}
    for name, program, out in (("cuda", artifact, "straight"), ("cpu", cpu, "straight")):
        table = folder_of(f"{name}.csv")
        go(TAILOR_RUN, "predict", program, "--weights", weights(folder_of(out)), "--out", table, ir=ir)
        with open(table) as f:
            scores[name] = f.read().splitlines()
    assert scores["cuda"][0] == scores["cpu"][0] and len(scores["cuda"]) == len(scores["cpu"]) > 1
    for ours, theirs in zip(scores["cuda"][1:], scores["cpu"][1:]):
        for a, b in zip(ours.split(","), theirs.split(",")):
            assert a == b or abs(float(a) - float(b)) < 1e-4, (ours, theirs)

    # Activations and the weights of products in bf16: as the CPU stores them, with the same bits across orders and resumes.
    bf16, bf16_ir = compiled("bf16", path, "--set", "run.precision=bf16")
    bf16_cpu = folder_of("bf16-cpu.tailor")
    run(TAILOR, "compile", path, "-o", bf16_cpu, "--set", "run.precision=bf16")
    run(TAILOR_RUN, bf16_cpu, "--out", folder_of("bf16-on-cpu"))
    go(TAILOR_RUN, bf16, "--out", folder_of("bf16"), ir=bf16_ir)
    for ours, theirs, wide in zip(log_of(folder_of("bf16")), log_of(folder_of("bf16-on-cpu")), log_of(folder_of("straight")), strict=True):
        assert ours["train/loss"] != wide["train/loss"], "nothing was rounded"
        for key in ("train/loss", "train/ascent_loss", "train/gradient_norm", "val/loss", "val/brier"):
            assert abs(ours[key] - theirs[key]) <= 5e-3 * (1 + abs(theirs[key])), (key, ours[key], theirs[key])
    go(TAILOR_RUN, bf16, "--out", folder_of("bf16-stopped"), "--steps", "7", double="order=random", ir=bf16_ir)
    go(TAILOR_RUN, bf16, "--out", folder_of("bf16-stopped"), "--resume", double="order=reverse", ir=bf16_ir)
    same_checkpoint(weights(folder_of("bf16")), weights(folder_of("bf16-stopped")), "bf16, stopped and resumed")
    for name, program in (("bf16-cuda", bf16), ("bf16-cpu", bf16_cpu)):
        go(TAILOR_RUN, "predict", program, "--weights", weights(folder_of("bf16")), "--out", folder_of(f"{name}.csv"), ir=bf16_ir)
        with open(folder_of(f"{name}.csv")) as f:
            scores[name] = f.read().splitlines()
    assert len(scores["bf16-cuda"]) == len(scores["bf16-cpu"]) == len(scores["cuda"])
    for ours, theirs in zip(scores["bf16-cuda"][1:], scores["bf16-cpu"][1:]):
        for a, b in zip(ours.split(","), theirs.split(",")):
            assert a == b or abs(float(a) - float(b)) < 1e-2, (ours, theirs)

    # Watched: no access outside of an operand, no read of what nobody wrote, no race.
    watched, watched_ir = compiled("watched", path, "--set", "model.batch_norm=true", "--set", "run.precision=bf16", "--set", "run.steps=2")
    go(TAILOR_RUN, watched, "--out", folder_of("watched"), double="check=1", ir=watched_ir)
    go(TAILOR_RUN, watched, "--out", folder_of("unwatched"), ir=watched_ir)
    same_checkpoint(weights(folder_of("watched")), weights(folder_of("unwatched")), "watched")

    # Images: a network of convolutions, its statistics and its pooling, from bytes.
    cifar_network(folder)
    network, network_ir = compiled("network", folder_of("network.toml"))
    run(TAILOR, "compile", folder_of("network.toml"), "-o", folder_of("network-cpu.tailor"))
    go(TAILOR_RUN, network, "--out", folder_of("network"), ir=network_ir)
    run(TAILOR_RUN, folder_of("network-cpu.tailor"), "--out", folder_of("network-cpu"))
    # The first step follows from the same weights; in the second one a ReLU may have turned.
    for step, tolerance in ((0, 1e-4), (1, 1e-2)):
        ours, theirs = log_of(folder_of("network"))[step], log_of(folder_of("network-cpu"))[step]
        for key in ("step/loss", "step/ascent_loss", "step/gradient_norm"):
            assert abs(ours[key] - theirs[key]) <= tolerance * abs(theirs[key]), (step, key, ours[key], theirs[key])

    # The same network stored in bf16: values next to a tie may be rounded to either side.
    network, network_ir = compiled("network-bf16", folder_of("network.toml"), "--set", "run.precision=bf16", "--set", "run.steps=1")
    run(TAILOR, "compile", folder_of("network.toml"), "-o", folder_of("network-cpu-bf16.tailor"), "--set", "run.precision=bf16", "--set", "run.steps=1")
    go(TAILOR_RUN, network, "--out", folder_of("network-bf16"), ir=network_ir)
    run(TAILOR_RUN, folder_of("network-cpu-bf16.tailor"), "--out", folder_of("network-cpu-bf16"))
    ours, theirs = log_of(folder_of("network-bf16"))[0], log_of(folder_of("network-cpu-bf16"))[0]
    for key in ("step/loss", "step/ascent_loss", "step/gradient_norm"):
        assert abs(ours[key] - theirs[key]) <= 1e-2 * abs(theirs[key]), (key, ours[key], theirs[key])
    assert ours["step/loss"] != log_of(folder_of("network"))[0]["step/loss"], "nothing was rounded"

    # And in f32 whose products tensor cores multiply, rounded to tf32: near the same in f32.
    network, network_ir = compiled("network-tf32", folder_of("network.toml"), "--set", "run.precision=tf32", "--set", "run.steps=1")
    assert "with products of tf32" in run(TAILOR, "inspect", network) and "tensor cores" in run(TAILOR, "inspect", network, "--kernels")
    go(TAILOR_RUN, network, "--out", folder_of("network-tf32"), ir=network_ir)
    ours, theirs = log_of(folder_of("network-tf32"))[0], log_of(folder_of("network"))[0]
    for key in ("step/loss", "step/ascent_loss", "step/gradient_norm"):
        assert abs(ours[key] - theirs[key]) <= 1e-2 * abs(theirs[key]), (key, ours[key], theirs[key])
    assert ours["step/loss"] != theirs["step/loss"], "nothing was rounded"

    # What is not as it should be: nothing is trained, nothing is left behind, and the text says what to do.
    newer, newer_ir = compiled("newer", path, "--set", "model.layers=[8]")
    nowhere = folder_of("nowhere")
    os.makedirs(nowhere)
    with open(os.path.join(nowhere, "libcuda.so.1"), "w") as f:
        f.write("no library")
    for double, library, code, words in (
            (None, nowhere, ir, r"error: .*no NVIDIA driver: .*libcuda.so.1.*\nhint: .*target cpu"),
            ("version=11080", DOUBLE, ir, r"error: .*the NVIDIA driver is for CUDA 11.8, this runtime needs 12.0 or newer"),
            ("devices=0", DOUBLE, ir, r"error: .*CUDA_ERROR_NO_DEVICE \(100\)"),
            ("sm=80", DOUBLE, ir, r"error: .*device 'simulated device' is sm_80, which is older\nhint: .*--target cuda:sm_80"),
            ("free=1000", DOUBLE, ir, r"error: .*it needs \d+ bytes of device memory, 1000 of 17179869184 are free"),
            ("alloc@1", DOUBLE, ir, r"error: .*allocating \d+ bytes of device memory: CUDA_ERROR_OUT_OF_MEMORY \(2\).*\nhint: .*run.batch"),
            ("launch@5", DOUBLE, ir, r"error: .*launching kernel '[a-z0-9_]+': CUDA_ERROR_LAUNCH_FAILED \(719\)"),
            (None, DOUBLE, newer_ir, r"error: .*not the PTX of TAILOR_CUDA_DOUBLE_IR: loading the code: CUDA_ERROR_INVALID_PTX")):
        said = go(TAILOR_RUN, artifact, "--out", folder_of("refused"), double=double, ir=code, library=library, status=1)
        assert re.search(words, said), f"expected {words!r} in:\n{said}"
        assert not os.path.exists(os.path.join(folder_of("refused"), "seed-0", "last.safetensors")), double
    # A program for the CPU never opens the driver.
    go(TAILOR_RUN, cpu, "--out", folder_of("cpu-again"), library=nowhere)

    # A program for a GPU is told apart from one for the CPU wherever it comes in.
    assert json.loads(run(TAILOR, "inspect", artifact, "--json"))["target"] == "cuda:sm_90"
    kernels = json.loads(run(TAILOR, "inspect", artifact, "--kernels", "--json"))
    assert all(kernel["threads"] % 32 == 0 < kernel["threads"] for kernel in kernels), kernels
    assert "nan" not in run(TAILOR, "inspect", artifact, "--kernels")
    ptx = run(TAILOR, "inspect", artifact, "--kernel", kernels[0]["name"], "--asm")
    assert ptx.startswith(f".visible .entry {kernels[0]['name']}(") and ptx.count(".entry") == 1 and ptx.endswith("\n}\n"), ptx
