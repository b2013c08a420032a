"""Reading and resizing pictures: this package beside a hand-tuned `tf.data` pipeline and Keras's.

Run:    python benchmarks/images.py [--rounds 5] [--pictures 1024]
Expect: ours / tuned 1.07, ours / keras 0.69 on two cores; Keras's resizes without antialiasing

JPEG pictures of 250 x 300 pixels become 96 x 96 x 3, in batches of 32. All three read the same
files in turn, in one process; a round is one pass over all of them, and the ratio of the medians of
pictures a second is printed. The bar is 0.9 of the hand-tuned pipeline.

- ours: the dataset that `train` feeds to `fit`, with files read and decoded in each epoch
- tuned: shuffled names, `map` with `AUTOTUNE` over single pictures, `batch`, `prefetch`
- keras: `keras.utils.image_dataset_from_directory`

Ours with pixels that are decoded once and stay in memory is printed as `held`.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

import keras_recipes
from keras_recipes.recipes.build import images
from keras_recipes.recipes.build.encoding import encoded
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.data import Split
from keras_recipes.recipes.data.order import training_dataset

SIZE, BATCH = (96, 96), 32
BAR = 0.9


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


def ours(folder: Path, held: int) -> tf.data.Dataset:
    """What `train` feeds to `fit`.

    Args:
        held: bytes up to which pixels stay in memory.
    """
    images.HELD = held
    recipe = keras_recipes.load(
        {
            "name": "images",
            "data": {
                "source": {"image_folder": {"path": str(folder)}},
                "features": {"image": {"image": {"size": list(SIZE), "channels": 3}}},
                "validation": None,
                "test": None,
                "batch_size": BATCH,
            },
            "model": {"layers": ["flatten"]},
            "epochs": 1,
        }
    )
    train = encoded(data_of(recipe))[0].train
    return training_dataset(Split(train.x, train.y), batch_size=BATCH, seed=1).dataset


def tuned(folder: Path) -> tf.data.Dataset:
    """A pipeline as TensorFlow's performance guide writes it."""
    paths = sorted(map(str, folder.glob("*/*.jpg")))
    labels = [path.split("/")[-2] == "b" for path in paths]

    def read(path: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.image.resize(pixels, SIZE, antialias=True), label

    return (
        tf.data.Dataset.from_tensor_slices((paths, labels))
        .shuffle(len(paths))
        .map(read, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(BATCH)
        .prefetch(tf.data.AUTOTUNE)
    )


def of_keras(folder: Path) -> Any:
    """Keras's own; it resizes without antialiasing, which is less work."""
    return keras.utils.image_dataset_from_directory(
        folder, image_size=SIZE, batch_size=BATCH, verbose=False
    )


def seconds(dataset: tf.data.Dataset) -> tuple[float, float]:
    """One pass over a dataset: seconds, and seconds of all processors."""
    started, worked = time.perf_counter(), time.process_time()
    for batch in dataset:
        del batch
    return time.perf_counter() - started, time.process_time() - worked


def main() -> None:
    """Print pictures a second of each, and the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=1024)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, given.pictures)
        # Augmentation of ours belongs between `gather` and the batch; add a side with it here.
        sides: dict[str, tf.data.Dataset] = {
            "ours": ours(folder, held=0),
            "tuned": tuned(folder),
            "keras": of_keras(folder),
            "held": ours(folder, held=1 << 30),
        }
        times: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
        for number in range(given.rounds + 1):
            for side, dataset in sides.items():
                spent = seconds(dataset)
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
    of_tuned, of_theirs = rates["ours"] / rates["tuned"], rates["ours"] / rates["keras"]
    print(f"ours / tuned {of_tuned:.2f} (bar {BAR}), ours / keras {of_theirs:.2f}")


if __name__ == "__main__":
    main()
