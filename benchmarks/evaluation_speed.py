"""`evaluate` and `predict` of a recipe's network against loops written by hand.

Run:    python benchmarks/evaluation_speed.py [--rows 10000] [--rounds 15] [--units 128 512]

Rows of 784 bytes in memory, 784-units-units-10. A hand-written loop slices the rows and calls one
compiled function a batch of the same size, which computes the outputs and adds up loss and
accuracy, or keeps the outputs. The sides take turns; printed are medians and their ratio. The bar
is 1.1.
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

import numpy as np
import tensorflow as tf

import keras_recipes
from keras_recipes.recipes.build.experiment import experiment
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.data.evaluation import EVALUATION_BATCH, batches_of, evaluation_dataset
from keras_recipes.recipes.data.load import Split

BAR = 1.1
RANDOM = np.random.default_rng(0)


def model_of(units: int) -> Any:
    """The network of a recipe, compiled."""
    recipe = keras_recipes.load(
        {
            "name": "evaluation",
            "data": {"source": "arrays", "validation": None, "test": None, "batch_size": 128},
            "model": {"layers": [{"dense": {"units": units, "activation": "relu"}}] * 2},
            "learning_rate": 0.01,
            "jit_compile": True,
        }
    )
    rows = RANDOM.integers(0, 256, (1280, 784), dtype="uint8"), RANDOM.integers(0, 10, 1280)
    return experiment(recipe, data_of(recipe, rows), Path(tempfile.mkdtemp())).model


def evaluating_by_hand(model: Any, x: tf.Tensor, y: tf.Tensor) -> Callable[[], Any]:
    """Loss and accuracy of the rows."""
    loss, right = tf.Variable(0.0), tf.Variable(0.0)

    @tf.function(jit_compile=True)
    def add(x: tf.Tensor, y: tf.Tensor) -> None:
        outputs = model(tf.cast(x, tf.float32), training=False)
        loss.assign_add(tf.reduce_sum(tf.keras.losses.sparse_categorical_crossentropy(y, outputs)))
        found = tf.argmax(outputs, axis=1, output_type=tf.int32)
        right.assign_add(tf.reduce_sum(tf.cast(found == tf.cast(y, tf.int32), tf.float32)))

    def evaluate() -> tuple[float, float]:
        loss.assign(0.0)
        right.assign(0.0)
        for first in range(0, len(x), EVALUATION_BATCH):
            add(x[first : first + EVALUATION_BATCH], y[first : first + EVALUATION_BATCH])
        return float(loss) / len(x), float(right) / len(x)

    return evaluate


def predicting_by_hand(model: Any, x: tf.Tensor) -> Callable[[], Any]:
    """The outputs of the rows."""
    outputs = tf.function(
        lambda rows: model(tf.cast(rows, tf.float32), training=False), jit_compile=True
    )

    def predict() -> np.ndarray:
        starts = range(0, len(x), EVALUATION_BATCH)
        return np.concatenate([outputs(x[n : n + EVALUATION_BATCH]).numpy() for n in starts])

    return predict


def compared(name: str, ours: Callable[[], Any], hand: Callable[[], Any], rounds: int) -> float:
    """The ratio of the medians; both are printed."""
    seconds: dict[Callable[[], Any], list[float]] = {ours: [], hand: []}
    for each in (ours, hand):
        each()
    for turn in range(rounds):
        for each in (ours, hand) if turn % 2 else (hand, ours):
            began = time.perf_counter()
            each()
            seconds[each].append(time.perf_counter() - began)
    medians = [statistics.median(seconds[each]) for each in (ours, hand)]
    print(
        f"{name:24s} {1e3 * medians[0]:8.1f} ms, by hand {1e3 * medians[1]:8.1f} ms, "
        f"ratio {medians[0] / medians[1]:.2f}",
        flush=True,
    )
    return medians[0] / medians[1]


def main() -> None:
    """Compare, for each size of network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--units", type=int, nargs="+", default=[128, 512])
    options = parser.parse_args()
    x = RANDOM.integers(0, 256, (options.rows, 784), dtype="uint8")
    y = RANDOM.integers(0, 10, options.rows).astype("int32")
    held, targets = tf.constant(x), tf.constant(y)
    ratios = []
    for units in options.units:
        model = model_of(units)
        rows, plain = evaluation_dataset(Split(x, y)), batches_of(x)
        # As the validation of a training asks for it: Keras makes one iterator instead of two.
        endless, steps = rows.repeat(), int(rows.cardinality())
        evaluate, predict = (
            evaluating_by_hand(model, held, targets),
            predicting_by_hand(model, held),
        )
        found = model.evaluate(rows, verbose=0)
        assert np.allclose(found[:2], evaluate(), rtol=1e-4), (found, evaluate())
        assert np.allclose(model.predict(plain, verbose=0), predict(), atol=1e-5)
        ratios += [
            compared(
                f"evaluate, {units} units",
                partial(model.evaluate, endless, steps=steps, verbose=0),
                evaluate,
                options.rounds,
            ),
            compared(
                f"predict, {units} units",
                partial(model.predict, plain, verbose=0),
                predict,
                options.rounds,
            ),
        ]
    print(f"worst ratio {max(ratios):.2f}, bar {BAR}: {'ok' if max(ratios) <= BAR else 'TOO SLOW'}")


if __name__ == "__main__":
    main()
