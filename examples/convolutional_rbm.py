"""Filters of a convolutional RBM against random ones, by how many labels there are.

Run:    python examples/convolutional_rbm.py [--data mnist.npz] [--labels 100 1000] [--seeds 1 2 3]

`ConvRBM` learns 32 filters of 9 by 9 from 4,000 pictures of MNIST without their labels, and gives
them to the first layer of a small network, which then trains on few labels. Beside it are the same
network with random filters, with the trained filters kept as they are (`frozen`), and with `relu`
instead of `sigmoid` after random filters. Printed are mean accuracies over the seeds in per cent,
and their spread. The last 10,000 training rows are for validation (`--split validation`). Without
a file Keras downloads MNIST.
"""

import argparse
import statistics
from typing import Any

import keras
import numpy as np

from keras_recipes.pretraining import ConvRBM
from keras_recipes.schedules import Polynomial

FILTERS, KERNEL, POOL = 32, 9, 2
UNLABELLED, HELD_OUT, BATCH = 4000, 10_000, 50
# Rows that the network sees in all, whatever the number of labels, and the fewest epochs.
SEEN, FEWEST = 20_000, 20
KINDS = ("pretrained", "frozen", "random", "relu")


def loaded(path: str | None) -> Any:
    """Training and test rows with their classes."""
    if path is None:
        return keras.datasets.mnist.load_data()
    with np.load(path) as file:
        return tuple((file[f"x_{split}"], file[f"y_{split}"]) for split in ("train", "test"))


def trained_rbm(rows: np.ndarray, seed: int) -> ConvRBM:
    """A convolutional RBM of pictures (rows, 28, 28, 1) in [0, 1]."""
    rbm = ConvRBM(
        FILTERS, KERNEL, pool=POOL, stddev=0.05, sparsity_target=0.05, sparsity_cost=0.3, seed=seed
    )
    rbm.compile(keras.optimizers.SGD(0.01, momentum=0.5))
    rbm.fit(rows, batch_size=20, epochs=25, verbose=0)
    return rbm


def network(kind: str, rbm: ConvRBM, steps: int, seed: int) -> keras.Model:
    """A convolution, pooling and a dense layer, compiled."""
    keras.utils.set_random_seed(seed)
    relu = kind == "relu"
    convolution = keras.layers.Conv2D(
        FILTERS,
        KERNEL,
        activation="relu" if relu else "sigmoid",
        kernel_initializer="he_normal" if relu else "glorot_uniform",
    )
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            convolution,
            keras.layers.MaxPooling2D(POOL),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    if kind in ("pretrained", "frozen"):
        rbm.initialize(convolution)
    convolution.trainable = kind != "frozen"
    rate = Polynomial(0.002, steps, end_learning_rate=0.0)
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="file with x_train, y_train, x_test, y_test")
    parser.add_argument("--labels", nargs="+", type=int, default=[100, 1000])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--split", choices=["validation", "test"], default="test")
    given = parser.parse_args()
    (x, y), test = loaded(given.data)
    x = x[..., None].astype("float32") / 255
    held_out = x[-HELD_OUT:], y[-HELD_OUT:]
    x, y = x[:-HELD_OUT], y[:-HELD_OUT]
    if given.split == "test":
        held_out = test[0][..., None].astype("float32") / 255, test[1]
    machines = {seed: trained_rbm(x[:UNLABELLED], seed) for seed in given.seeds}
    for labels in given.labels:
        epochs = max(FEWEST, SEEN // labels)
        for kind in KINDS:
            found = []
            for seed in given.seeds:
                chosen = np.random.default_rng(seed).permutation(len(x))[:labels]
                steps = epochs * -(-labels // BATCH)
                model = network(kind, machines[seed], steps, seed)
                model.fit(x[chosen], y[chosen], batch_size=BATCH, epochs=epochs, verbose=0)
                found.append(100 * model.evaluate(*held_out, batch_size=500, verbose=0)[1])
            spread = statistics.stdev(found) if len(found) > 1 else 0.0
            print(f"{labels:>6} labels  {kind:<10} {statistics.mean(found):6.2f} +- {spread:.2f}")


if __name__ == "__main__":
    main()
