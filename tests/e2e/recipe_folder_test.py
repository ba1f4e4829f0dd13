"""A recipe in a folder of its own, and its base in another: paths start from the file that wrote them."""
import os

from e2e import TAILOR, TAILOR_RUN, run, same_checkpoint, scratch, weights

ROWS = "u,v,label\n" + "".join(f"{i}.5,{i % 7},{'rare' if i % 5 == 0 else 'common'}\n" for i in range(60))
MODEL = "[model]\nlayers = [8]\n[run]\nbatch = 8\nepochs = 1\n[schedule]\nname = \"constant\"\n"

with scratch() as folder:
    for name in ("recipes", "data", "base"):
        os.makedirs(os.path.join(folder, name))

    def write(name, text):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)

    write("recipes/t.csv", ROWS)
    write("base/t.csv", ROWS)
    write("recipes/own.toml", "[data]\ntrain = \"t.csv\"\n" + MODEL)
    write("base/base.toml", "[data]\ntrain = \"t.csv\"\n" + MODEL)
    write("recipes/inherited.toml", "base = \"../base/base.toml\"\n[data]\nval = \"../recipes/t.csv\"\n")
    for name in ("own", "inherited"):
        path = f"recipes/{name}.toml"
        run(TAILOR, "train", path, "--out", name, cwd=folder)
        run(TAILOR, "compile", path, "-o", f"{name}.tailor", cwd=folder)
        run(TAILOR_RUN, f"{name}.tailor", "--out", f"{name}-alone", cwd=folder)
        trained = weights(os.path.join(folder, name))
        same_checkpoint(trained, weights(os.path.join(folder, name + "-alone")), f"{name}: train and compile + tailor-run")
        run(TAILOR, "predict", f"{name}/program.tailor", "--weights", trained, "--data", "recipes/t.csv", "--out",
            f"{name}.csv", cwd=folder)
        run(TAILOR, "eval", f"{name}/program.tailor", "--weights", trained, cwd=folder)
        with open(os.path.join(folder, name + ".csv")) as f:
            assert len(f.read().splitlines()) == 61
    # `--data FOLDER` takes the place of the recipe's folder, however that was named.
    os.remove(os.path.join(folder, "recipes/t.csv"))
    run(TAILOR, "train", "recipes/own.toml", "--data", "base", "--out", "from-base", cwd=folder)
    same_checkpoint(weights(os.path.join(folder, "own")), weights(os.path.join(folder, "from-base")), "another folder")
    run(TAILOR_RUN, "../own.tailor", "--data", os.path.join(folder, "base"), "--out", "elsewhere", cwd=os.path.join(folder, "data"))
print("paths start from the recipe that wrote them")
