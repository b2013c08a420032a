"""Augmentation keyed by (seed, epoch, row) beside what people write by hand.

Run:    python benchmarks/augmentation.py [--size 32 64] [--rounds 7]

Flip, rotation, translation and contrast of random uint8 pictures, batches of 64, three ways that
take turns in one process:

- ours: `data.augment`, in which the numbers of a picture are a function of seed, epoch and row;
- tf.data: the same layers of Keras on whole batches, `shuffle(rows).batch(64).map(layers,
  AUTOTUNE).prefetch(AUTOTUNE)`, whose numbers depend on which batch is made when;
- in the model: the same layers before the network, in the training step.

The first table counts pictures that leave the pipeline in a second, the second one pictures in a
second of `fit` of a small convolutional network. Ratios are medians over rounds; a round times all
sides one after the other.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

import keras_recipes
from keras_recipes.recipes.build.datasets import training_rows
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.build.task import task_of

BATCH = 64
AUGMENT = [
    {"random_flip": {"mode": "horizontal"}},
    {"random_rotation": {"factor": 0.05}},
    {"random_translation": {"height_factor": 0.1, "width_factor": 0.1}},
    {"random_contrast": {"factor": 0.2}},
]


def layers() -> list[Any]:
    """The same augmentations as layers of Keras."""
    return [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomRotation(0.05),
        keras.layers.RandomTranslation(0.1, 0.1),
        keras.layers.RandomContrast(0.2),
    ]


def ours(x: np.ndarray, y: np.ndarray) -> tf.data.Dataset:
    """The dataset that a recipe trains on."""
    rows = {"source": "arrays", "validation": None, "test": None, "batch_size": BATCH}
    section = {**rows, "augment": AUGMENT}
    recipe = keras_recipes.load({"name": "x", "data": section, "model": {"layers": ["flatten"]}})
    data = data_of(recipe, (x, y))
    return training_rows(recipe, data, task_of(recipe, data)).dataset


def by_hand(x: np.ndarray, y: np.ndarray, augmented: bool = True) -> tf.data.Dataset:
    """What a guide to tf.data recommends."""
    made = layers()

    def change(images: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images = tf.cast(images, tf.float32)
        for layer in made if augmented else []:
            images = layer(images, training=True)
        return images, targets

    found = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x)).batch(BATCH)
    return found.map(change, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def network(size: int, augmented: bool) -> Any:
    """A small convolutional network, with augmentation before it or without."""
    inputs = keras.Input((size, size, 3))
    x: Any = inputs
    for layer in layers() if augmented else []:
        x = layer(x)
    x = keras.layers.Rescaling(1 / 255)(x)
    for filters in (16, 32):
        x = keras.layers.Conv2D(filters, 3, strides=2, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(10, "softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def seconds(work: Callable[[], object]) -> float:
    """The time of a pass."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compared(sides: dict[str, Callable[[], object]], rows: int, rounds: int, what: str) -> None:
    """Print rows a second of each side, and the ratio of the first to each other one."""
    for work in sides.values():
        work()  # traces and allocates
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, work in sides.items():
            times[name].append(seconds(work))
    first = next(iter(sides))
    for name, spent in times.items():
        ratio = statistics.median(t / f for t, f in zip(spent, times[first], strict=True))
        rate = rows / statistics.median(spent)
        note = "" if name == first else f"   {first} is {ratio:.2f} times as fast"
        print(f"{what:<22} {name:<14} {rate:>9,.0f} pictures/s{note}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", type=int, nargs="*", default=[32, 64])
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    for size in asked.size:
        rng = np.random.default_rng(0)
        x = rng.integers(0, 256, (asked.rows, size, size, 3), dtype="uint8")
        y = (np.arange(asked.rows) % 10).astype("int32")
        mine, hand, plain = ours(x, y), by_hand(x, y), by_hand(x, y, augmented=False)
        pipelines = {
            "ours": lambda mine=mine: [None for _ in mine],
            "tf.data": lambda hand=hand: [None for _ in hand],
        }
        compared(pipelines, asked.rows, asked.rounds, f"{size}x{size}x3, pipeline")
        outside, other, inside = network(size, False), network(size, False), network(size, True)
        steps = {
            "ours": lambda m=outside, d=mine: m.fit(d, verbose=0),
            "tf.data": lambda m=other, d=hand: m.fit(d, verbose=0),
            "in the model": lambda m=inside, d=plain: m.fit(d, verbose=0),
        }
        compared(steps, asked.rows, asked.rounds, f"{size}x{size}x3, training")


if __name__ == "__main__":
    main()
