"""MNIST as 70,000 PNG files, for the recipe `mnist_folder`: train/0 ... train/9, test/0 ... test/9.

Run:    python benchmarks/mnist_folder.py FOLDER [--npz mnist.npz]
Expect: 70,000 files of 270 bytes on average, 280 MB of disk in blocks of 4 KiB, in a minute

`mnist.npz` is the file of `keras.datasets.mnist`, which Keras downloads where it is not given.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf


def write(folder: Path, x: np.ndarray, y: np.ndarray) -> None:
    """One PNG file for each picture (rows, 28, 28), in the folder of its class."""
    for label in np.unique(y):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)

    def one(row: int) -> None:
        content = tf.io.encode_png(x[row, :, :, None]).numpy()
        (folder / str(y[row]) / f"{row:05d}.png").write_bytes(content)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(len(x))))


def main() -> None:
    """Write all pictures below the folder that is named."""
    parser = argparse.ArgumentParser(description="Write MNIST as PNG files.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--npz", type=Path, help="by default that of keras.datasets.mnist")
    given = parser.parse_args()
    if given.npz is None:
        train, test = keras.datasets.mnist.load_data()
    else:
        with np.load(given.npz) as arrays:
            train = arrays["x_train"], arrays["y_train"]
            test = arrays["x_test"], arrays["y_test"]
    for name, (x, y) in (("train", train), ("test", test)):
        write(given.folder / name, x, y)
        print(f"{len(x)} pictures in {given.folder / name}")


if __name__ == "__main__":
    main()
