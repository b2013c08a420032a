"""Time of a training step in 16 bits beside the same step in float32, on this machine.

Run:    python benchmarks/precision.py [--rounds 20]

A dense and a convolutional network, each compiled in float32, mixed_bfloat16 and mixed_float16. The
three take turns; what is printed is the median of the rounds' ratios to float32, and what
`precision: auto` decides.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from keras_recipes.models import TrainingModel
from keras_recipes.recipes.build.precision import candidate, computing_in
from keras_recipes.recipes.spec.schema import PRECISIONS

BATCH = 128


def dense() -> TrainingModel:
    """784-1024-1024-10."""
    inputs = keras.Input((784,))
    tensor = keras.layers.Dense(1024, activation="relu")(inputs)
    tensor = keras.layers.Dense(1024, activation="relu")(tensor)
    return TrainingModel(inputs, _classes(tensor))


def convolutions() -> TrainingModel:
    """Three convolutions of 32 to 64 filters on pictures of 28 x 28."""
    inputs = keras.Input((784,))
    tensor = keras.layers.Reshape((28, 28, 1))(inputs)
    for filters in (32, 64, 64):
        tensor = keras.layers.Conv2D(filters, 3, strides=2, activation="relu")(tensor)
    return TrainingModel(inputs, _classes(keras.layers.Flatten()(tensor)))


def _classes(tensor: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.Dense(10, activation="softmax", dtype="float32")(tensor)


def measure(make, rounds: int) -> dict[str, list[float]]:
    """Seconds of a step of each precision in each round; the first compiles it."""
    draw = np.random.default_rng(0)
    rows = draw.random((BATCH, 784), dtype="float32"), draw.integers(0, 10, BATCH)
    models = {}
    for name in PRECISIONS:
        with computing_in(name):
            models[name] = make()
        models[name].compile("sgd", "sparse_categorical_crossentropy")
    seconds: dict[str, list[float]] = {name: [] for name in PRECISIONS}
    for number in range(rounds + 1):
        for name, model in models.items():
            started = time.perf_counter()
            model.train_on_batch(*rows)
            if number:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    for make in (dense, convolutions):
        seconds = measure(make, rounds)
        for name, values in seconds.items():
            ratios = [a / b for a, b in zip(values, seconds["float32"], strict=True)]
            print(
                f"{make.__name__}, {name}: {statistics.median(values) * 1e3:.1f} ms a step, "
                f"{statistics.median(ratios):.2f} times float32",
                flush=True,
            )
    found = candidate()
    print(f"auto: {found.device}: {found.name or 'float32, it has no units for 16-bit numbers'}")


if __name__ == "__main__":
    main()
