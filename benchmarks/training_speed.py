"""A recipe's training against plain `model.fit(x, y)`: same network, data and batch.

Run:    python benchmarks/training_speed.py [--data mnist.npz] [--rounds 5]

Both sides train in one process, in turn, three epochs each a round; the ratio of the medians is
printed. The recipe's side is all of it: clipping, decay, gradient-norm metrics, the metrics file
and the order of each epoch from the seed. Without `--data` the arrays are random, of MNIST's shape.
Where JAX and optax are installed, a third side is a loop of `jax.lax.scan` over the same rows, with
the same clipping, decay and momentum, and no metric but the loss.
"""

import argparse
import importlib.util
import itertools
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
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

BATCH = 128
EPOCHS = 3


@dataclass(frozen=True)
class Case:
    """A network, and its bars: times as fast as `model.fit`, and the time beside JAX's.

    Attributes:
        layers: hidden layers, as in a recipe.
        units: of the two hidden layers, where JAX trains it too.
    """

    layers: list[Any]
    bar: float
    units: int | None = None
    jax_bar: float = 1.15


def dense(units: int, bar: float) -> Case:
    """Two hidden layers."""
    return Case([{"dense": {"units": units, "activation": "relu"}}] * 2, bar, units)


def convolution(filters: int) -> dict[str, Any]:
    """A convolution of 3 x 3."""
    return {"conv2d": {"filters": filters, "kernel_size": 3, "activation": "relu"}}


CASES = {
    "784-128-128-10": dense(128, 2.3),
    "784-512-512-10": dense(512, 1.0),
    "two convolutions": Case(
        [
            {"reshape": {"target_shape": [28, 28, 1]}},
            convolution(16),
            "max_pooling2d",
            convolution(32),
            "max_pooling2d",
            "flatten",
            {"dense": {"units": 64, "activation": "relu"}},
        ],
        1.2,
    ),
}


def arrays(path: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Rows of 784 bytes and their classes."""
    if path is not None:
        with np.load(path, allow_pickle=False) as file:
            return file["x_train"].reshape(-1, 784), file["y_train"].astype("int32")
    random = np.random.default_rng(0)
    return (
        random.integers(0, 256, (60000, 784), dtype="uint8"),
        random.integers(0, 10, 60000).astype("int32"),
    )


def plain(x: np.ndarray, y: np.ndarray, layers: list[Any]):
    """Training by `model.fit` on arrays, as Keras's own guide writes it."""
    scaled = x.astype("float32") / 255
    hidden = [made(layer) for layer in layers]
    output = keras.layers.Dense(10, activation="softmax")
    model = keras.Sequential([keras.Input((784,)), *hidden, output])
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return lambda: model.fit(scaled, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)


def made(layer: str | dict[str, Any]) -> keras.layers.Layer:
    """A layer of a recipe, by Keras alone."""
    name, arguments = (layer, {}) if isinstance(layer, str) else next(iter(layer.items()))
    classes = {"conv2d": "Conv2D", "max_pooling2d": "MaxPooling2D"}
    return getattr(keras.layers, classes.get(name, name.capitalize()))(**arguments)


def with_recipe(x: np.ndarray, y: np.ndarray, layers: list[Any], folder: Path):
    """Training of the same network as a recipe trains it."""
    recipe = keras_recipes.load(
        {
            "name": "speed",
            "data": {
                "source": "arrays",
                "validation": None,
                "test": None,
                "scale": "minmax",
                "batch_size": BATCH,
            },
            "model": {"layers": layers},
            "optimizer": {"sgd": {"momentum": 0.9}},
            "learning_rate": 0.1,
            "gradient_clipping": {"global_norm": 1.0},
            "weight_decay": {"rate": 1e-4},
        }
    )
    built = experiment(recipe, data_of(recipe, (x, y)), folder)
    callbacks = run_callbacks(built, RunDirectory(folder), progress=False)
    given = {**built.fit_arguments, "epochs": EPOCHS}
    return lambda: built.model.fit(**given, callbacks=callbacks)


def with_jax(x: np.ndarray, y: np.ndarray, units: int):
    """Training of the same network as people write it in JAX."""
    import jax
    import jax.numpy as jnp
    import optax

    rows, targets = jnp.asarray(x), jnp.asarray(y)
    sizes = [784, units, units, 10]
    keys = jax.random.split(jax.random.key(0), 3)
    shapes = list(itertools.pairwise(sizes))
    layers = [
        (jax.random.normal(key, shape) * (2 / shape[0]) ** 0.5, jnp.zeros(shape[1]))
        for key, shape in zip(keys, shapes, strict=True)
    ]
    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.add_decayed_weights(1e-4),
        optax.sgd(0.1, momentum=0.9),
    )

    def loss(layers, x, y):
        for kernel, bias in layers[:-1]:
            x = jax.nn.relu(x @ kernel + bias)
        logits = x @ layers[-1][0] + layers[-1][1]
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

    def step(state, chosen):
        layers, memory = state
        batch = rows[chosen].astype(jnp.float32) / 255
        value, gradients = jax.value_and_grad(loss)(layers, batch, targets[chosen])
        updates, memory = optimizer.update(gradients, memory, layers)
        return (optax.apply_updates(layers, updates), memory), value

    @jax.jit
    def epoch(state, key):
        order = jax.random.permutation(key, len(y))[: len(y) // BATCH * BATCH]
        return jax.lax.scan(step, state, order.reshape(-1, BATCH))

    held = [(layers, optimizer.init(layers)), jax.random.key(1)]

    def epochs() -> None:
        for _ in range(EPOCHS):
            held[1], key = jax.random.split(held[1])
            held[0], losses = epoch(held[0], key)
            losses.block_until_ready()

    return epochs


def measure(sides: dict, rounds: int) -> dict[str, float]:
    """Median seconds of each side, taken in turn after one round of warming up."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for name in sides:
        sides[name]()
    for _ in range(rounds):
        for name in sides:
            started = time.perf_counter()
            sides[name]()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) / EPOCHS for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="mnist.npz; random arrays of its shape without it")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    x, y = arrays(arguments.data)
    has_jax = all(map(importlib.util.find_spec, ("jax", "optax")))
    for name, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            sides = {
                "model.fit": plain(x, y, case.layers),
                "recipe": with_recipe(x, y, case.layers, Path(folder)),
            }
            if has_jax and case.units is not None:
                sides["JAX"] = with_jax(x, y, case.units)
            median = measure(sides, arguments.rounds)
        ratio = median["model.fit"] / median["recipe"]
        print(
            f"{name}, batch {BATCH}, {len(y)} rows: "
            f"model.fit {median['model.fit']:.2f} s/epoch, recipe {median['recipe']:.2f} s/epoch, "
            f"recipe {ratio:.2f} times as fast (bar {case.bar})",
            flush=True,
        )
        if "JAX" in median:
            beside = median["recipe"] / median["JAX"]
            print(f"    JAX {median['JAX']:.2f} s/epoch: recipe {beside:.2f} (bar {case.jax_bar})")


if __name__ == "__main__":
    main()
