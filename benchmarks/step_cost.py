"""The training step with clipping, decay and norm metrics against Keras's own optimizer.

Run:    python benchmarks/step_cost.py [--rounds 200] [--units 128 512] [--jit]

Both sides train 784-units-units-10 on the same batch of 128, compiled, 40 steps an execution. One
side is `keras.Model` with an optimizer that has `global_clipnorm` and `weight_decay`; the other is
`TrainingModel` with the same clipping and decay, and all its metrics. They take turns, an execution
each a round, in an order drawn anew; what is printed is the median of the rounds' ratios.
"""

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from keras_recipes.models import GradientClipping, TrainingModel, WeightDecay

BATCH, STEPS = 128, 40
BAR = 1.05
CLIP, DECAY = 1.0, 1e-4
OPTIMIZERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "sgd": lambda **own: keras.optimizers.SGD(0.1, momentum=0.9, **own),
    "adam": lambda **own: keras.optimizers.Adam(1e-3, **own),
}


def network(units: int) -> tuple:
    """Inputs and outputs of two hidden layers."""
    inputs = keras.Input((784,))
    tensor = keras.layers.Dense(units, activation="relu")(inputs)
    tensor = keras.layers.Dense(units, activation="relu")(tensor)
    return inputs, keras.layers.Dense(10, activation="softmax")(tensor)


def sides(units: int, optimizer: str) -> dict[str, tuple]:
    """Name -> model and optimizer; Keras twice, which tells what a difference of 0 looks like."""
    make = OPTIMIZERS[optimizer]
    ours = {
        "gradient_clipping": GradientClipping(global_norm=CLIP),
        "weight_decay": WeightDecay(DECAY),
    }

    def keras_side() -> tuple:
        own = make(global_clipnorm=CLIP, weight_decay=DECAY)
        return keras.Model(*network(units)), own

    return {
        "keras": keras_side(),
        "keras again": keras_side(),
        "ours": (TrainingModel(*network(units), **ours), make()),
    }


def runner(model: keras.Model, optimizer: keras.optimizers.Optimizer, jit: bool) -> Callable:
    """A function that runs one execution of the compiled step and returns its seconds."""
    draw = np.random.default_rng(0)
    rows = draw.random((BATCH, 784), dtype="float32"), draw.integers(0, 10, BATCH)
    iterator = iter(tf.data.Dataset.from_tensors(rows).repeat())
    model.compile(
        optimizer,
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=STEPS,
        jit_compile=jit,
    )
    model.make_train_function()

    def execute() -> float:
        started = time.perf_counter()
        model.train_function(iterator)
        int(optimizer.iterations.numpy())  # the execution has ended
        return time.perf_counter() - started

    execute(), execute()
    return execute


def measure(runs: dict[str, Callable], rounds: int) -> dict[str, list[float]]:
    """Seconds of each side in each round."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    order = list(runs)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            seconds[name].append(runs[name]())
    return seconds


def report(title: str, seconds: dict[str, list[float]]) -> None:
    """One line a side."""
    for name, values in seconds.items():
        ratios = [a / b for a, b in zip(values, seconds["keras"], strict=True)]
        quick = np.quantile(values, 0.1) / np.quantile(seconds["keras"], 0.1)
        bar = f" (bar {BAR})" if name == "ours" else ""
        print(
            f"{title}, {name}: {statistics.median(values) / STEPS * 1e6:.0f} us a step, "
            f"{statistics.median(ratios):.3f} times Keras{bar}, "
            f"{quick:.3f} in the quickest tenth of the rounds",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--units", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--jit", action="store_true", help="with XLA")
    arguments = parser.parse_args()
    random.seed(0)
    for units in arguments.units:
        for optimizer in OPTIMIZERS:
            made = sides(units, optimizer)
            runs = {name: runner(*side, arguments.jit) for name, side in made.items()}
            title = f"784-{units}-{units}-10, batch {BATCH}, {optimizer}"
            report(title, measure(runs, arguments.rounds))


if __name__ == "__main__":
    main()
