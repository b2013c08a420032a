"""A training with whole-state checkpoints at the default interval against the same without.

Run:    python benchmarks/checkpoint_cost.py [--pairs 12] [--seconds 3] [--units 128 1024]

One `model.fit` of 784-units-units-10 with Adam. Of each pair of epochs one writes checkpoints and
the other does not, in an order drawn anew; an epoch is `--seconds` long, or as long as it takes for
two checkpoints to be due. What is printed is the median of the pairs' ratios, and what a checkpoint
took. The bar is 1.02.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from keras_recipes.callbacks.run_state import RunState
from keras_recipes.callbacks.run_state.recorder import AUTO_FACTOR, Interval

BATCH, STEPS = 128, 20
BAR = 1.02
NEVER = "1000000000 epochs"


class Turns(keras.callbacks.Callback):
    """Lets the epochs of each pair take turns, and takes their time.

    The first pair is left out: it compiles.
    """

    def __init__(self, state: RunState, seed: int = 0):
        super().__init__()
        self.state = state
        self.seconds: list[dict[bool, float]] = []
        self.checkpoints: list[float] = []
        self._random = random.Random(seed)
        self._began = 0.0
        self._on = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        write = self.state.save

        def timed() -> None:
            began = time.perf_counter()
            write()
            self.checkpoints.append(time.perf_counter() - began)

        self.state.save = timed  # type: ignore[method-assign]

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if epoch % 2 == 0:
            self.seconds.append({})
            self._on = self._random.random() < 0.5
        else:
            self._on = not self._on
        last = self.checkpoints[-1] if self.checkpoints else 0.0
        self.state.interval = Interval("auto" if self._on else NEVER)
        self.state.interval.saved(last)
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.seconds[-1][self._on] = time.perf_counter() - self._began

    def ratios(self) -> list[float]:
        """Time with checkpoints as a share of the time without, of each pair."""
        return [pair[True] / pair[False] for pair in self.seconds[1:] if len(pair) == 2]


def model_of(units: int) -> keras.Model:
    """Two hidden layers, compiled."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(units, "relu") for _ in range(2)]
    model = keras.Sequential([keras.Input((784,)), *layers, keras.layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", steps_per_execution=STEPS)
    return model


def rows() -> tf.data.Dataset:
    """The same batch for ever."""
    draw = np.random.default_rng(0)
    batch = draw.random((BATCH, 784), dtype="float32"), draw.integers(0, 10, BATCH)
    return tf.data.Dataset.from_tensors(batch).repeat()


def steps_of(units: int, seconds: float) -> int:
    """Steps that take about so long, or as long as two checkpoints are apart."""
    model = model_of(units)
    with tempfile.TemporaryDirectory() as folder:
        state = RunState(folder, NEVER, verbose=False, ordered=False)
        turns = Turns(state)
        # The last epoch of a training writes one.
        model.fit(rows(), steps_per_epoch=STEPS, verbose=0, callbacks=[turns, state])
    seconds = max(seconds, 2.2 * AUTO_FACTOR * turns.checkpoints[-1])
    began = time.perf_counter()
    model.fit(rows(), steps_per_epoch=5 * STEPS, verbose=0)
    each = (time.perf_counter() - began) / (5 * STEPS)
    return max(1, round(seconds / each / STEPS)) * STEPS


def measure(units: int, pairs: int, seconds: float) -> float:
    """The median ratio for one size of network; everything about it is printed."""
    steps = steps_of(units, seconds)
    model = model_of(units)
    with tempfile.TemporaryDirectory() as folder:
        state = RunState(folder, verbose=False, ordered=False)
        turns = Turns(state)
        model.fit(
            rows(),
            steps_per_epoch=steps,
            epochs=2 * (pairs + 1),
            callbacks=[turns, state],
            verbose=0,
        )
        size = sum(file.stat().st_size for file in Path(folder).rglob("*.npz")) / state.store.keep
    ratio = statistics.median(turns.ratios())
    took = statistics.median(turns.checkpoints)
    spread = ", ".join(f"{value:.3f}" for value in sorted(turns.ratios()))
    print(
        f"{units} units, {model.count_params()} weights, {size / 1e6:.1f} MB a checkpoint: "
        f"ratio {ratio:.4f} ({spread}); {len(turns.checkpoints)} checkpoints of "
        f"{1e3 * took:.1f} ms, {steps} steps an epoch",
        flush=True,
    )
    return ratio


def main() -> None:
    """Measure each size, and compare with the bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--units", type=int, nargs="+", default=[128, 1024])
    arguments = parser.parse_args()
    worst = max(measure(units, arguments.pairs, arguments.seconds) for units in arguments.units)
    print(f"worst ratio {worst:.4f}, bar {BAR}: {'ok' if worst <= BAR else 'TOO SLOW'}")


if __name__ == "__main__":
    main()
