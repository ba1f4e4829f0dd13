"""Same weights for 1, 2 and 3 compute threads and for 1 and 4 loader threads."""
import os

from e2e import recipe, same_checkpoint, scratch, train

with scratch() as folder:
    # Wide enough that commands are split in chunks.
    path = recipe(folder, use='["sam-a", "ema"]', epochs=2)
    with open(path) as f:
        text = f.read().replace("layers = [33, 20]", "layers = [520, 300]\nbatch_norm = true").replace("batch = 16", "batch = 48")
    with open(path, "w") as f:
        f.write(text)
    base = train(path, os.path.join(folder, "t1"), "--set", "run.threads=1")
    for threads in (2, 3):
        other = train(path, os.path.join(folder, f"t{threads}"), "--set", f"run.threads={threads}")
        same_checkpoint(base, other, f"1 and {threads} compute threads")
    other = train(path, os.path.join(folder, "l4"), "--set", "run.threads=1", "--set", "run.loader_threads=4")
    same_checkpoint(base, other, "1 and 4 loader threads")
