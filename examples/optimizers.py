"""Optimizers side by side: their paths over an anisotropic valley, and their curves on digits.

Run:    python examples/optimizers.py [--out optimizers.png]

The valley is f(x, y) = x^2 / 20 + y^2, from (-7, 2); 30 updates. The curves are those of the recipe
`optimizers_compared`. Rates are the textbook's for the valley, near Keras's defaults for digits.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from matplotlib.figure import Figure

import keras_recipes

START, UPDATES = (-7.0, 2.0), 30
# Name -> optimizer on the valley, and the recipe's overrides on digits.
OPTIMIZERS: dict[str, tuple[Callable[[], keras.optimizers.Optimizer], list[str]]] = {
    "SGD": (
        lambda: keras.optimizers.SGD(0.95),
        ["optimizer=sgd", "learning_rate=0.1"],
    ),
    "momentum": (
        lambda: keras.optimizers.SGD(0.1, momentum=0.9),
        ["optimizer={sgd: {momentum: 0.9}}", "learning_rate=0.1"],
    ),
    "AdaGrad": (
        lambda: keras.optimizers.Adagrad(1.5, initial_accumulator_value=0.0),
        ["optimizer=adagrad", "learning_rate=0.05"],
    ),
    "RMSprop": (
        lambda: keras.optimizers.RMSprop(0.3, rho=0.99),
        ["optimizer=rmsprop", "learning_rate=0.001"],
    ),
    "Adam": (
        lambda: keras.optimizers.Adam(0.3),
        ["optimizer=adam", "learning_rate=0.001"],
    ),
}


def path(optimizer: keras.optimizers.Optimizer) -> np.ndarray:
    """The points of an optimizer's way down the valley, shape (updates + 1, 2)."""
    point = keras.Variable(START)
    points = [keras.ops.convert_to_numpy(point).copy()]
    for _ in range(UPDATES):
        x, y = keras.ops.convert_to_numpy(point)
        optimizer.apply([keras.ops.convert_to_tensor([x / 10, 2 * y])], [point])
        points.append(keras.ops.convert_to_numpy(point).copy())
    return np.array(points)


def losses(overrides: list[str]) -> list[float]:
    """Training loss of each epoch of the recipe with another optimizer."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = keras_recipes.load("optimizers_compared", overrides)
        result = recipe.train(out=Path(folder) / "run", progress=False)
        lines = (Path(result.directory) / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="optimizers.png")
    arguments = parser.parse_args()
    picture = Figure(figsize=(9, 10), layout="constrained")
    axes = picture.subplots(3, 2).flatten()
    grid_x, grid_y = np.meshgrid(np.linspace(-8, 8, 200), np.linspace(-3, 3, 200))
    curves = axes[-1]
    for panel, (name, (make, overrides)) in zip(axes, OPTIMIZERS.items(), strict=False):
        points = path(make())
        panel.contour(grid_x, grid_y, grid_x**2 / 20 + grid_y**2, levels=12, colors="lightgray")
        panel.plot(*points.T, "o-", markersize=3, color="#0072B2")
        panel.plot(0, 0, "+", color="black")
        value = points[-1][0] ** 2 / 20 + points[-1][1] ** 2
        panel.set_title(f"{name}: f = {value:.2g} after {UPDATES} updates")
        found = losses(overrides)
        curves.plot(range(1, len(found) + 1), found, label=name)
        print(f"{name}: f = {value:.3g} on the valley, training loss {found[-1]:.3g} on digits")
    curves.set_yscale("log")
    curves.set_title("training loss on digits")
    curves.set_xlabel("epoch")
    curves.legend()
    picture.savefig(arguments.out, dpi=110)
    print(arguments.out)


if __name__ == "__main__":
    main()
