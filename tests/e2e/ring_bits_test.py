"""1,000 steps of SAM-A with warm-up, cosine and dropout: 1 step and 8 steps per launch give the same bits."""
import os

from e2e import recipe, same_checkpoint, scratch, train

with scratch() as folder:
    path = recipe(folder, epochs=100, dropout=0.2)
    one = train(path, os.path.join(folder, "k1"), "--set", "run.steps=1000", "--set", "run.steps_per_launch=1")
    eight = train(path, os.path.join(folder, "k8"), "--set", "run.steps=1000", "--set", "run.steps_per_launch=8")
    same_checkpoint(one, eight, "1 and 8 steps per launch")
