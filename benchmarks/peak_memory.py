"""The peak of the resident memory of each way to train, beside plain `model.fit`.

Run:    python benchmarks/peak_memory.py --data mnist.npz [--units 512]

Each row is a process of its own, which trains one epoch and ends. Printed are the peak in MiB, and
what it is above a process that imports TensorFlow and Keras and reads the rows.
"""

import argparse
import os
import subprocess
import sys

IMPORTS = "import tempfile, keras, numpy as np, keras_recipes; rows = np.load({data!r})"
FIT = """
x = (rows["x_train"].reshape(-1, 784) / 255).astype("float32")
model = keras.Sequential([keras.Input((784,)), *({layers}), keras.layers.Dense(10, "softmax")])
model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
model.fit(x, rows["y_train"], batch_size=128, verbose=0)
"""
RECIPE = """
dense = {{"dense": {{"units": {units}, "activation": "relu"}}}}
recipe = keras_recipes.load({{
    "name": "memory",
    "data": {{"source": "arrays", "scale": "minmax", "batch_size": 128}},
    "model": {{"layers": ["flatten", dense, dense]}},
    "optimizer": {{"sgd": {{"momentum": 0.9}}}},
    "learning_rate": 0.1,
    "epochs": 1,
    **{more}
}})
with tempfile.TemporaryDirectory() as folder:
    recipe.train(rows["x_train"], rows["y_train"], out=folder + "/run", progress=False)
"""
RBM = """
from keras_recipes.pretraining import RBM
rbm = RBM(500)
rbm.compile("sgd")
rbm.fit((rows["x_train"].reshape(-1, 784) / 255).astype("float32"), batch_size=100, verbose=0)
"""
RECIPES = {
    "recipe": {},
    "recipe, XLA": {"jit_compile": True},
    "recipe, a checkpoint every second": {"checkpoints": {"every": "1 seconds"}},
}
# The largest of the processes of a sweep of small networks.
SWEEP = """
from keras_recipes.recipes.cli import main
with tempfile.TemporaryDirectory() as folder:
    words = ["sweep", "digits_learning_rate", "budget.trials={trials}", "overrides.epochs=2"]
    main([*words, "--out", folder + "/sweep", "--jobs", "1", "--quiet"])
"""


def peak(code: str) -> float:
    """The peak in MiB of a process that runs code."""
    quiet = subprocess.DEVNULL
    child = subprocess.Popen([sys.executable, "-c", code], stdout=quiet, stderr=quiet)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"failed:\n{code}")
    return usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="MNIST as `keras.datasets` stores it")
    parser.add_argument("--units", type=int, default=512, help="of two hidden layers")
    given = parser.parse_args()
    data = os.path.abspath(given.data)
    imports = IMPORTS.format(data=data) + '\nkeras.ops.zeros(1); rows["x_train"]'
    print(f"{'imports and rows':34}{(base := peak(imports)):8.0f} MiB", flush=True)
    layer = f'keras.layers.Dense({given.units}, "relu") for _ in range(2)'
    sides = {"model.fit": FIT.format(layers=layer)}
    for name, more in RECIPES.items():
        sides[name] = RECIPE.format(units=given.units, more=more)
    sides["RBM.fit, 500 hidden units"] = RBM
    for trials in (24, 60):
        sides[f"sweep of {trials} trials, one worker"] = SWEEP.format(trials=trials)
    for name, code in sides.items():
        found = peak(IMPORTS.format(data=data) + code)
        print(f"{name:34}{found:8.0f} MiB {found - base:+6.0f}", flush=True)


if __name__ == "__main__":
    main()
