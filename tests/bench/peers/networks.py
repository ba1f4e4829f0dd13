"""The networks of the benchmark, written once for every peer: `logits` asks an `ops` object for its layers by name.

mlp-H            100 -> H x3 (ReLU) -> 9
resnetD          CIFAR ResNet, D = 6n + 2, shortcut A (subsampled, padded with zero channels)
wrn-D-K          Wide ResNet, D = 6n + 4, pre-activation, 1x1 shortcuts on the activated input

ops: conv(x, name, stride), norm(x, name), relu(x), shortcut_a(x, stride, channels), pool(x), linear(x, name); images have
the layout that `ops` likes. Names are those of the recorded parameters.
"""


def stages(network):
    """(name of the block, stride, channels in, channels out) of every block."""
    widen = int(network.split("-")[2]) if network.startswith("wrn") else 1
    depth = int(network.split("-")[1]) if network.startswith("wrn") else int(network[len("resnet"):])
    blocks, channels = (depth - (4 if network.startswith("wrn") else 2)) // 6, 16
    for stage in range(3):
        for block in range(blocks):
            out = (16 << stage) * widen
            yield f"layer{stage + 1}.{block}", 2 if stage > 0 and block == 0 else 1, channels, out
            channels = out


def logits(network, ops, x):
    if network.startswith("mlp"):
        for layer in range(3):
            x = ops.relu(ops.linear(x, f"fc{layer}"))
        return ops.linear(x, "head")
    x = ops.conv(x, "conv1", 1)
    if network.startswith("resnet"):
        x = ops.relu(ops.norm(x, "bn1"))
        for name, stride, channels, out in stages(network):
            y = ops.relu(ops.norm(ops.conv(x, name + ".conv1", stride), name + ".bn1"))
            y = ops.norm(ops.conv(y, name + ".conv2", 1), name + ".bn2")
            x = ops.relu(y + (x if channels == out else ops.shortcut_a(x, stride, out - channels)))
    else:
        for name, stride, channels, out in stages(network):
            a = ops.relu(ops.norm(x, name + ".bn1"))
            y = ops.relu(ops.norm(ops.conv(a, name + ".conv1", stride), name + ".bn2"))
            x = ops.conv(y, name + ".conv2", 1) + (x if channels == out else ops.conv(a, name + ".shortcut.0", stride))
        x = ops.relu(ops.norm(x, "bn1"))
    return ops.linear(ops.pool(x), "linear")
