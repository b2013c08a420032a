"""A training with whole-state checkpoints against the same without.

Run:    python benchmarks/checkpoint_cost.py [--every "1 seconds"] [--pairs 12] [--seconds 3]
            [--units 128 1024]

One `model.fit` of 784-units-units-10 with Adam. Of each pair of epochs one writes checkpoints and
the other does not, in an order drawn anew; an epoch is `--seconds` long, or with `--every auto` as
long as it takes for two checkpoints to be due. Printed are the median of the pairs' ratios, how
long training waited for a checkpoint, and how long a copy of the state takes. The bar is 1.03.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from keras_recipes.callbacks.run_state import RunState
from keras_recipes.callbacks.run_state.recorder import AUTO_FACTOR

BATCH, STEPS = 128, 20
BAR = 1.03
NEVER = "1000000000 epochs"


class Turns(keras.callbacks.Callback):
    """Lets the epochs of each pair take turns, and takes their time.

    The first pair is left out: it compiles.
    """

    def __init__(self, state: RunState, every: str, seed: int = 0):
        super().__init__()
        self.state = state
        self.every = every
        self.seconds: list[dict[bool, float]] = []
        self.pauses: list[float] = []
        self.copies: list[float] = []
        self._random = random.Random(seed)
        self._began = 0.0
        self._on = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        write, captured = self.state._write, self.state._captured

        def timed(**options: bool) -> None:
            began = time.perf_counter()
            write(**options)
            if options.get("background"):
                self.pauses.append(time.perf_counter() - began)

        def copied() -> Any:
            began = time.perf_counter()
            found = captured().copy()
            self.copies.append(time.perf_counter() - began)
            return found

        self.state._write, self.state._captured = timed, copied

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if epoch % 2 == 0:
            self.seconds.append({})
            self._on = self._random.random() < 0.5
        else:
            self._on = not self._on
        self.state.interval.__init__(self.every if self._on else NEVER)
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


def steps_of(units: int, seconds: float, every: str) -> int:
    """Steps that take about so long, or as long as two checkpoints are apart."""
    model = model_of(units)
    with tempfile.TemporaryDirectory() as folder:
        state = RunState(folder, NEVER, verbose=False, ordered=False)
        model.fit(rows(), steps_per_epoch=STEPS, verbose=0, callbacks=[state])
        began = time.perf_counter()
        # The last epoch of a training writes one, too.
        model.fit(rows(), steps_per_epoch=1, epochs=2, verbose=0, callbacks=[state])
        if every == "auto":
            seconds = max(seconds, 2.2 * AUTO_FACTOR * (time.perf_counter() - began))
    began = time.perf_counter()
    model.fit(rows(), steps_per_epoch=5 * STEPS, verbose=0)
    each = (time.perf_counter() - began) / (5 * STEPS)
    return max(1, round(seconds / each / STEPS)) * STEPS


def measure(units: int, pairs: int, seconds: float, every: str) -> float:
    """The median ratio for one size of network; everything about it is printed."""
    steps = steps_of(units, seconds, every)
    model = model_of(units)
    with tempfile.TemporaryDirectory() as folder:
        state = RunState(folder, verbose=False, ordered=False)
        turns = Turns(state, every)
        model.fit(
            rows(),
            steps_per_epoch=steps,
            epochs=2 * (pairs + 1),
            callbacks=[turns, state],
            verbose=0,
        )
        size = sum(file.stat().st_size for file in Path(folder).rglob("*.npz")) / state.store.keep
    ratio = statistics.median(turns.ratios())
    spread = ", ".join(f"{value:.3f}" for value in sorted(turns.ratios()))
    pause, copy = 1e3 * statistics.median(turns.pauses), 1e3 * statistics.median(turns.copies)
    print(
        f"{units} units, {model.count_params()} weights, {size / 1e6:.1f} MB a checkpoint, every "
        f"{every}: ratio {ratio:.4f} ({spread}); {len(turns.pauses)} pauses, median {pause:.1f} "
        f"ms, longest {1e3 * max(turns.pauses):.1f} ms, of which a copy {copy:.1f} ms",
        flush=True,
    )
    return ratio


def main() -> None:
    """Measure each size, and compare with the bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--every", default="1 seconds")
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--units", type=int, nargs="+", default=[128, 1024])
    arguments = parser.parse_args()
    given = arguments.pairs, arguments.seconds, arguments.every
    worst = max(measure(units, *given) for units in arguments.units)
    print(f"worst ratio {worst:.4f}, bar {BAR}: {'ok' if worst <= BAR else 'TOO SLOW'}")


if __name__ == "__main__":
    main()
