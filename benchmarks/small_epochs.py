"""Epochs of a single step of a small network, where what is around the step takes the time.

Run:    python benchmarks/small_epochs.py [--epochs 300] [--rounds 7] [--rows 200]

The case of keras#18648: a network of 1-20-20-1 units, all rows in one batch, thousands of epochs.
The sides take turns in one process: `model.fit(x, y)` of Keras; the training of a recipe with all
that it writes; the same with a program of its own by XLA (`jit_compile: true`); and a jitted JAX
scan where it is installed. Printed are medians in milliseconds an epoch, and ratios to `model.fit`.
"""

import argparse
import importlib.util
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import keras_recipes
from keras_recipes.recipes.build.experiment import experiment
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.run.run_callbacks import run_callbacks

UNITS = 20
RATE = 1e-3


def plain(x: np.ndarray, y: np.ndarray, epochs: int) -> Callable[[], Any]:
    """Training by `model.fit` on arrays."""
    layers = [keras.layers.Dense(UNITS, "tanh"), keras.layers.Dense(UNITS, "tanh")]
    model = keras.Sequential([keras.Input((1,)), *layers, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(RATE), "mse")
    return lambda: model.fit(x, y, batch_size=len(x), epochs=epochs, verbose=0)


def with_recipe(x: np.ndarray, y: np.ndarray, epochs: int, jit: Any) -> Callable[[], Any]:
    """Training as a recipe does it, with the files of its run directory."""
    recipe = keras_recipes.load(
        {
            "name": "small",
            "data": {"source": "arrays", "validation": None, "test": None, "batch_size": "all"},
            "model": {"layers": [{"dense": {"units": UNITS, "activation": "tanh"}}] * 2},
            "optimizer": "adam",
            "learning_rate": RATE,
            "epochs": epochs,
            "jit_compile": jit,
        }
    )
    folder = Path(tempfile.mkdtemp())
    built = experiment(recipe, data_of(recipe, (x, y[:, 0])), folder)
    callbacks = run_callbacks(built, RunDirectory(folder), progress=False)
    return lambda: built.model.fit(**built.fit_arguments, callbacks=callbacks)


def with_jax(x: np.ndarray, y: np.ndarray, epochs: int) -> Callable[[], Any]:
    """The same training as one program."""
    import jax
    import jax.numpy as jnp
    import optax

    sizes = [(1, UNITS), (UNITS, UNITS), (UNITS, 1)]
    keys = jax.random.split(jax.random.key(0), 3)
    glorot = jax.nn.initializers.glorot_uniform()
    start = [(glorot(k, s), jnp.zeros(s[1])) for k, s in zip(keys, sizes, strict=True)]
    adam = optax.adam(RATE)

    def loss(p: Any) -> Any:
        h = x
        for kernel, bias in p[:-1]:
            h = jnp.tanh(h @ kernel + bias)
        return ((h @ p[-1][0] + p[-1][1] - y) ** 2).mean()

    def step(carry: Any, _: Any) -> Any:
        p, state = carry
        value, gradient = jax.value_and_grad(loss)(p)
        updates, state = adam.update(gradient, state)
        return (optax.apply_updates(p, updates), state), value

    @jax.jit
    def train(carry: Any) -> Any:
        return jax.lax.scan(step, carry, None, length=epochs)

    return lambda: train((start, adam.init(start)))[1].block_until_ready()


def main() -> None:
    """Compare the sides."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=200)
    options = parser.parse_args()
    x = np.linspace(-1, 1, options.rows, dtype="float32")[:, None]
    y, epochs = np.sin(3 * x), options.epochs
    sides = {
        "model.fit": plain(x, y, epochs),
        "recipe": with_recipe(x, y, epochs, "auto"),
        "recipe, XLA": with_recipe(x, y, epochs, True),
    }
    if importlib.util.find_spec("jax") and importlib.util.find_spec("optax"):
        sides["jax"] = with_jax(x, y, epochs)
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for run in sides.values():
        run()
    for turn in range(options.rounds):
        for name in list(sides)[:: 1 if turn % 2 else -1]:
            began = time.perf_counter()
            sides[name]()
            seconds[name].append((time.perf_counter() - began) / epochs)
    keras_fit = statistics.median(seconds["model.fit"])
    for name, values in seconds.items():
        found = statistics.median(values)
        print(f"{name:12s} {1e3 * found:8.2f} ms an epoch, {found / keras_fit:.2f} of model.fit")


if __name__ == "__main__":
    main()
