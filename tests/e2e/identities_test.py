"""Identities of methods.md 5.3, bit for bit: SAM-A with a constant table is SAM; SAM with rho = 0 is SGD."""
import os

from e2e import recipe, scratch, tensors, train

with scratch() as folder:
    def weights_of(name, use, *options, balanced=False):
        path = recipe(folder, name + ".toml", use=use, dropout=0.0, epochs=2)
        if balanced:
            with open(path) as f:
                text = f.read().replace('long_tail = { profile = "exp", r = 0.1 }\n', "")
            with open(path, "w") as f:
                f.write(text)
        return tensors(train(path, os.path.join(folder, name), *options))

    def same(a, b, what):
        names = [name for name in a if name.startswith("net")] or list(a)
        assert names, "no network tensors in the checkpoint"
        for name in names:
            assert a[name].tobytes() == b[name].tobytes(), f"{what}: {name} differs"
        print(f"same bits: {what} ({len(names)} tensors)")

    # Balanced data make every inv_max table entry 1.
    same(weights_of("sam", '["sam"]', balanced=True), weights_of("sam_a", '["sam-a"]', balanced=True), "a = 1 and SAM")
    same(weights_of("erm", '["erm"]'), weights_of("rho0", '["sam"]', "--set", "method.sam.rho=0"), "rho = 0 and SGD")
    same(weights_of("erm2", '["erm"]'), weights_of("rho0a", '["sam-a"]', "--set", "method.sam-a.rho=0"), "SAM-A with rho = 0 and SGD")
