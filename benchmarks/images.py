"""Reading and resizing pictures: this package beside a hand-tuned `tf.data` pipeline and Keras's.

Run:    python benchmarks/images.py [--rounds 5] [--pictures 1024]
Expect: see docs/images.md

JPEG pictures of 250 x 300 pixels become 96 x 96 x 3, in batches of 32. All three read the same
files in turn, in one process; a round is one pass over all of them, and the ratio of the medians of
pictures a second is printed. The bar is 0.9 of the hand-tuned pipeline.

- held: the dataset that `train` feeds to `fit`, with pixels decoded once, which stay in memory
- stored: the same for more than 512 MiB of pixels, decoded once into the cache
- read: the same without a cache, with files read and decoded in each epoch
- tuned: shuffled names, `map` with `AUTOTUNE` over single pictures, `batch`, `prefetch`
- keras: `keras.utils.image_dataset_from_directory`

    python benchmarks/images.py --augmented

trains a small convolutional network on the same files for an epoch a round, with flips, rotations,
translations and contrast: by `data.augment` (held, stored and
read), by Keras's layers on batches in the hand-tuned
pipeline, and by the same layers in the model behind `image_dataset_from_directory`.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from augmentation import AUGMENT, layers

import keras_recipes
from keras_recipes.recipes.build import images
from keras_recipes.recipes.build.datasets import training_rows
from keras_recipes.recipes.build.encoding import encoded
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.build.task import task_of

SIZE, BATCH = (96, 96), 32
BAR = 0.9
OURS = ("held", "stored", "read")


def write(folder: Path, count: int) -> None:
    """JPEG files of two classes with as much in them as photographs have."""
    draw = np.random.default_rng(0)
    for index in range(count):
        where = folder / ("ab"[index % 2])
        where.mkdir(exist_ok=True)
        coarse = tf.image.resize(draw.uniform(0, 255, (25, 30, 3)), (250, 300), "bicubic")
        noisy = np.clip(coarse.numpy() + draw.normal(0, 8, (250, 300, 3)), 0, 255)
        content = tf.io.encode_jpeg(noisy.astype("uint8"), quality=90)
        (where / f"{index:05d}.jpg").write_bytes(content.numpy())


def ours(folder: Path, where: str, augmented: bool = False) -> tf.data.Dataset:
    """What `train` feeds to `fit`.

    Args:
        where: pixels are: `held`, `stored` or `read`.
    """
    images.HELD = (1 << 30) * (where == "held")
    os.environ["KERAS_RECIPES_CACHE"] = "off" if where == "read" else str(folder.parent / "cache")
    recipe = keras_recipes.load(
        {
            "name": "images",
            "data": {
                "source": {"image_folder": {"path": str(folder)}},
                "features": {"image": {"image": {"size": list(SIZE), "channels": 3}}},
                "validation": None,
                "test": None,
                "batch_size": BATCH,
                **({"augment": AUGMENT} if augmented else {}),
            },
            "model": {"layers": ["flatten"]},
            "epochs": 1,
        }
    )
    data = encoded(data_of(recipe))[0]
    return training_rows(recipe, data, task_of(recipe, data)).dataset


def tuned(folder: Path, augmented: bool = False) -> tf.data.Dataset:
    """A pipeline as TensorFlow's performance guide writes it."""
    paths = sorted(map(str, folder.glob("*/*.jpg")))
    labels = [path.split("/")[-2] == "b" for path in paths]

    def read(path: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.image.resize(pixels, SIZE, antialias=True), label

    made = layers() if augmented else []

    def change(pixels: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        for layer in made:
            pixels = layer(pixels, training=True)
        return pixels, label

    found = tf.data.Dataset.from_tensor_slices((paths, labels)).shuffle(len(paths))
    found = found.map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH)
    found = found.map(change, num_parallel_calls=tf.data.AUTOTUNE) if augmented else found
    return found.prefetch(tf.data.AUTOTUNE)


def of_keras(folder: Path) -> Any:
    """Keras's own; it resizes without antialiasing, which is less work."""
    return keras.utils.image_dataset_from_directory(
        folder, image_size=SIZE, batch_size=BATCH, verbose=False
    )


def network(augmented: bool) -> Any:
    """A small convolutional network, behind layers that augment or without them."""
    inputs = keras.Input((*SIZE, 3))
    x: Any = inputs
    for layer in layers() if augmented else []:
        x = layer(x)
    x = keras.layers.Rescaling(1 / 255)(x)
    for filters in (16, 32):
        x = keras.layers.Conv2D(filters, 3, strides=2, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(2, "softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def passed(dataset: tf.data.Dataset) -> None:
    """One pass over a dataset."""
    for batch in dataset:
        del batch


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """The time of a pass: seconds, and seconds of all processors."""
    started, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - worked


def passes(folder: Path) -> dict[str, Callable[[], object]]:
    """A pass over the pictures of each side."""
    datasets = {
        **{where: ours(folder, where) for where in OURS},
        "tuned": tuned(folder),
        "keras": of_keras(folder),
    }
    return {side: partial(passed, dataset) for side, dataset in datasets.items()}


def training(folder: Path) -> dict[str, Callable[[], object]]:
    """An epoch of training on augmented pictures of each side."""
    datasets = {
        **{where: ours(folder, where, augmented=True) for where in OURS},
        "tuned": tuned(folder, augmented=True),
        "keras": of_keras(folder),
    }
    return {
        side: partial(network(side == "keras").fit, dataset, verbose=0)
        for side, dataset in datasets.items()
    }


def main() -> None:
    """Print pictures a second of each, and the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=1024)
    parser.add_argument("--augmented", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pictures"
        folder.mkdir()
        write(folder, given.pictures)
        sides = training(folder) if given.augmented else passes(folder)
        times: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
        for number in range(given.rounds + 1):
            for side, work in sides.items():
                spent = seconds(work)
                if number:  # the first round traces
                    times[side].append(spent)
    rates: dict[str, float] = {}
    for side, found in times.items():
        spent, worked = (statistics.median(each) for each in zip(*found, strict=True))
        rates[side] = given.pictures / spent
        print(
            f"{side:<6} {rates[side]:>8.0f} pictures/s, "
            f"{1e3 * worked / given.pictures:.2f} ms of a processor each"
        )
    for side in OURS:
        of_tuned, of_theirs = rates[side] / rates["tuned"], rates[side] / rates["keras"]
        print(f"{side} / tuned {of_tuned:.2f} (bar {BAR}), {side} / keras {of_theirs:.2f}")


if __name__ == "__main__":
    main()
