"""Convolutions of target cuda as calls of cuDNN, planned by the compiler and run by the real runtime through doubles of the driver and
of cuDNN (tests/cuda_double): as our own kernels compute them; another version of the library; and what is said where the library is
absent, of another kind, or refuses."""
import json
import os
import re
import shutil

from e2e import TAILOR, TAILOR_RUN, cifar_network, run, scratch

DOUBLE = os.path.abspath(os.path.join(os.path.dirname(TAILOR), "../cuda-double"))


def log_of(out):
    with open(os.path.join(out, "seed-0", "log.jsonl")) as f:
        return [json.loads(line) for line in f]


with scratch() as folder:
    def there(name):
        return os.path.join(folder, name)

    def go(*command, status=0, double="", ir=None, library=DOUBLE):
        environment = dict(os.environ, LD_LIBRARY_PATH=library, TAILOR_CUDA_DOUBLE=double)
        if ir:
            environment["TAILOR_CUDA_DOUBLE_IR"] = ir
        return run(*command, status=status, env=environment)

    recipe = cifar_network(folder)

    def compiled(name, *more, library=DOUBLE):
        artifact, ir = there(f"{name}.tailor"), there(f"{name}.ll")
        said = go(TAILOR, "compile", recipe, "--target", "cuda:sm_90", "-o", artifact, "--explain", *more, library=library)
        with open(ir, "w") as f:
            f.write(go(TAILOR, "compile", recipe, "--target", "cuda:sm_90", "--emit", "llvm", *more, library=library))
        return artifact, ir, said

    without = there("without")
    os.makedirs(without)
    shutil.copy(os.path.join(DOUBLE, "libcuda.so.1"), without)
    with open(os.path.join(without, "libcudnn.so.9"), "w") as f:
        f.write("no library")
    # Without being asked nobody needs the library, neither the compiler nor the program.
    own, own_ir, _ = compiled("own", library=without)
    go(TAILOR_RUN, own, "--out", there("own"), ir=own_ir, library=without)

    # Every convolution by the library: its remark names engine, workspace and what was rejected.
    library, library_ir, said = compiled("library", "--set-kernel", "*=cudnn")
    assert re.search(r"by cudnn 91900, engine 1 with a workspace of \d+ bytes: asked for by --set-kernel \*=cudnn; "
                     r"rejected: 0 \(tensor cores, which round f32 to tf32\), 2 \(other bits each time\)", said), said
    def plans_of(artifact):
        return [row for row in json.loads(go(TAILOR, "inspect", artifact, "--kernels", "--json")) if row["family"] == "library"]

    plans = plans_of(library)
    assert plans_of(own) == []
    assert {plan["product"] for plan in plans} == {"forward", "data gradient", "weight gradient"}, plans
    assert all(plan["library"] == "cudnn" and plan["version"] == "91900" and plan["engine"] == 1 and plan["workspace_bytes"] > 0
               and plan["launches"] > 0 and plan["flops"] > 0 for plan in plans), plans
    text = go(TAILOR, "inspect", library, "--kernels")
    assert re.search(r"forward of x 5x32x32x3, w 16x3x3x3, y 5x32x32x16, stride 1 x 1, padding 1 1 1 1, dilation 1 x 1, 1 group \(library\)\n"
                     r"  \d+ launch.*\n  cudnn 91900, engine 1, .* of workspace", text), text
    assert re.search(r"cudnn: weight gradient of x 5x32x32x16, ", go(TAILOR, "inspect", library, "--graph"))
    assert "workspace of cudnn" in go(TAILOR, "inspect", library, "--memory"), "workspaces are planned"

    # As our own kernels compute them. The first step follows from the same weights; in the second one a ReLU may have turned.
    go(TAILOR_RUN, library, "--out", there("library"), ir=library_ir)
    for step, tolerance in ((0, 1e-4), (1, 1e-2)):
        ours, theirs = log_of(there("library"))[step], log_of(there("own"))[step]
        for key in ("step/loss", "step/ascent_loss", "step/gradient_norm"):
            assert abs(ours[key] - theirs[key]) <= tolerance * abs(theirs[key]), (step, key, ours[key], theirs[key])

    # Values stored in bf16 are multiplied as such, on tensor cores; what reads the image stays f32.
    one_step = ("--set", "run.precision=bf16", "--set", "run.steps=1")
    losses = {}
    for name, more in (("own-bf16", one_step), ("library-bf16", ("--set-kernel", "*=cudnn", *one_step))):
        artifact, ir, _ = compiled(name, *more)
        go(TAILOR_RUN, artifact, "--out", there(name), ir=ir)
        losses[name] = log_of(there(name))[0]
    kinds = {(plan["dtype"], plan["product"], plan["engine"]) for plan in plans_of(there("library-bf16.tailor"))}
    assert kinds == {("bf16", "forward", 0), ("bf16", "data gradient", 0), ("bf16", "weight gradient", 0), ("f32", "forward", 1), ("f32", "weight gradient", 1)}, kinds
    for key in ("step/loss", "step/ascent_loss", "step/gradient_norm"):
        ours, theirs = losses["library-bf16"][key], losses["own-bf16"][key]
        assert abs(ours - theirs) <= 2e-2 * abs(theirs), (key, ours, theirs)

    # Every call and every kernel against the reference.
    said = go(TAILOR, "run", library, "--check", "reference", "--steps", "1", "--out", there("checked"), ir=library_ir)
    assert re.search(r"checked \d+ kernel launches in \d+ runs of entries: all agree with the reference", said), said

    # A workspace holds no numbers, whatever is left in it; a call is one of the convolutions.
    go(TAILOR_RUN, library, "--trap-nonfinite", "--steps", "1", "--out", there("trapped"), ir=library_ir)
    said = go(TAILOR, "profile", library, "--layers", "--steps", "1", ir=library_ir)
    assert re.search(r"forward 1 +cudnn, engine 1 +conv1 ", said), said

    # Another version, another device or driver, a plan that is not taken: it is made anew from the problem, and that is said.
    for name, double, words in (
            ("newer", "cudnn=92000", r"warning: (\d+) of \1 plans of cuDNN are made anew, and results may differ in their last bits: it was made for version 91900, here is 92000"),
            ("elsewhere", "profile=1", r"warning: (\d+) of \1 plans of cuDNN are made anew, .*CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH \(3007\)"),
            ("refused-one", "plan@3", r"warning: 1 of \d+ plans of cuDNN are made anew, .*the plan is refused")):
        said = go(TAILOR_RUN, library, "--out", there(name), ir=library_ir, double=double)
        assert re.search(words, said), f"expected {words!r} in:\n{said}"
        assert log_of(there(name))[0]["step/loss"] == log_of(there("library"))[0]["step/loss"], name

    # What is not as it should be: nothing is trained, and the text says what to do.
    for double, folder_of_library, words in (
            ("", without, r"error: .*no cuDNN: .*libcudnn.so.9.*\nhint: .*LD_LIBRARY_PATH"),
            ("cudnn=90300", DOUBLE, r"error: .*cuDNN is 9.3, plans of convolutions need 9.8 or a newer 9.x\nhint: install cuDNN 9"),
            ("cudnn=101000", DOUBLE, r"error: .*cuDNN is 10.10, plans of convolutions need 9.8 or a newer 9.x"),
            ("profile=1,engines=0", DOUBLE, r"error: .*the convolution \(\w.*, \d+ to \d+ channels of \d+ x \d+\) is planned for cuDNN 91900, here is 91900: cuDNN has no engine for this convolution: engine 0: tensor cores.*\nhint: compile it again.*--set-kernel 'LAYER=implicit_gemm'"),
            ("cudnn=92000,engines=0", DOUBLE, r"error: .*the convolution \(\w.*, \d+ to \d+ channels of \d+ x \d+\) is planned for cuDNN 91900, here is 92000: cuDNN has no engine for this convolution: engine 0: tensor cores.*\nhint: compile it again.*--set-kernel 'LAYER=implicit_gemm'"),
            # A plan of another version is not loaded: the first one that is, is made anew.
            ("cudnn=92000,plan@1", DOUBLE, r"error: .*the convolution \(\w.*, \d+ to \d+ channels of \d+ x \d+\) is planned for cuDNN 91900, here is 92000: loading the plan of a convolution: .*the plan is refused.*\nhint: compile it again.*--set-kernel 'LAYER=implicit_gemm'"),
            ("execute@2", DOUBLE, r"error: .*enqueuing a convolution: CUDNN_STATUS_EXECUTION_FAILED \(5000\)")):
        said = go(TAILOR_RUN, library, "--out", there("refused"), double=double, ir=library_ir, library=folder_of_library, status=1)
        assert re.search(words, said), f"expected {words!r} in:\n{said}"
        assert not os.path.exists(os.path.join(there("refused"), "seed-0", "last.safetensors")), double
    # The compiler says the same, at the line of the layer.
    for double, folder_of_library, words in (
            ("", without, r"network.toml:\d+:\d+: error: .*cannot be computed by cudnn \(--set-kernel \*=cudnn\): no cuDNN: .*; it can be by implicit_gemm"),
            ("engines=0", DOUBLE, r"error: .*cuDNN has no engine for this convolution: engine 0: tensor cores.*; it can be by implicit_gemm")):
        said = go(TAILOR, "compile", recipe, "--target", "cuda:sm_90", "-o", there("none.tailor"), "--set-kernel", "*=cudnn", double=double,
                  library=folder_of_library, status=1)
        assert re.search(words, said), f"expected {words!r} in:\n{said}"
