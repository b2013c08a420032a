"""The first epoch of `TrainingModel.fit`, most of which is tracing, against that of plain Keras.

Run:    python benchmarks/first_epoch.py [--rounds 3]

An epoch of four batches with clipping, decay and accuracy: by the parts of a `TrainingModel`, and
by the optimizer of a `keras.Model`. Both sides are made anew, in turn, in one process, and the
ratio of the medians is printed.
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

from keras_recipes.models import GradientClipping, TrainingModel, WeightDecay

CLASSES = 3
BATCH = 16
COMPILED: dict[str, Any] = {
    "loss": "sparse_categorical_crossentropy",
    "metrics": ["accuracy"],
    "jit_compile": False,
}

Network = Callable[[], tuple[keras.KerasTensor, keras.KerasTensor]]


def dense() -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Three dense layers."""
    inputs = keras.Input((8,))
    hidden = inputs
    for _ in range(3):
        hidden = keras.layers.Dense(32, activation="relu")(hidden)
    return inputs, hidden


def residual() -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Twenty residual blocks of batch normalization and a dense layer."""
    inputs = keras.Input((8,))
    hidden = keras.layers.Dense(32)(inputs)
    for _ in range(20):
        normalized = keras.layers.BatchNormalization()(hidden)
        hidden = hidden + keras.layers.Dense(32, activation="relu")(normalized)
    return inputs, hidden


def mobilenet_v2() -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """MobileNetV2 on pictures of 96 x 96."""
    body = keras.applications.MobileNetV2((96, 96, 3), include_top=False, weights=None)
    return body.input, keras.layers.GlobalAveragePooling2D()(body.output)


def by_parts(inputs: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.Model:
    """A model with a training step of this package."""
    model = TrainingModel(
        inputs,
        outputs,
        gradient_clipping=GradientClipping(global_norm=1.0),
        weight_decay=WeightDecay(1e-4),
    )
    model.compile("adam", **COMPILED)
    return model


def by_optimizer(inputs: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.Model:
    """A model of Keras, whose optimizer clips and decays."""
    model = keras.Model(inputs, outputs)
    optimizer = keras.optimizers.AdamW(weight_decay=1e-4, global_clipnorm=1.0)
    model.compile(optimizer, **COMPILED)
    return model


def seconds(network: Network, make: Callable[..., keras.Model]) -> float:
    """The time of a first epoch."""
    inputs, features = network()
    model = make(inputs, keras.layers.Dense(CLASSES, activation="softmax")(features))
    x = np.random.default_rng(0).random((4 * BATCH, *inputs.shape[1:]), "float32")
    y = np.arange(len(x)) % CLASSES
    started = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, verbose=0)
    took = time.perf_counter() - started
    keras.backend.clear_session()
    return took


def main() -> None:
    """Print the medians and their ratio for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    sides = (by_parts, by_optimizer)
    seconds(dense, by_parts)  # imports what Keras imports late
    for network in (dense, residual, mobilenet_v2):
        times = [[seconds(network, make) for make in sides] for _ in range(rounds)]
        ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
        print(
            f"{network.__name__}: TrainingModel {ours:.2f} s, keras.Model {theirs:.2f} s, "
            f"{theirs / ours:.2f} times as fast"
        )


if __name__ == "__main__":
    main()
