"""deep_mlp.py LAYERS: a recipe with that many hidden layers and every kind of state."""
import sys

print(f"""[data]
format = "blobs"
classes = 10
dimensions = 16
[model]
name = "mlp"
layers = {[16] * int(sys.argv[1])}
batch_norm = true
[optimizer]
name = "adamw"
[method]
use = ["sam-a"]
""")
