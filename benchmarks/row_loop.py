"""Steps as a loop of one XLA program against steps that TensorFlow runs: which networks gain.

Run:    python benchmarks/row_loop.py [--rounds 5] [KIND ...]

Both sides are a recipe's training of the same network on the same random rows, all of it but the
callbacks; one with `jit_compile: true`, whose rows the program gathers itself, one without. They
take turns, an epoch each a round. Printed are the fastest epoch of each, their ratio, and the first
epoch, in which the loop is compiled.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

import keras_recipes
from keras_recipes.recipes.build.experiment import Experiment, experiment
from keras_recipes.recipes.build.inputs import data_of

RANDOM = np.random.default_rng(0)
Layers = list[Any]


def dense(units: int, *after: Any) -> Layers:
    """Two layers of some units, each followed by others."""
    return [{"dense": {"units": units, "activation": "relu"}}, *after] * 2


def pixels(rows: int = 12032) -> np.ndarray:
    """Rows of 784 bytes."""
    return RANDOM.integers(0, 256, (rows, 784), dtype="uint8")


def numbers(*shape: int) -> np.ndarray:
    """Normal random numbers."""
    return RANDOM.normal(size=shape).astype("float32")


DROPOUT: Any = {"dropout": {"rate": 0.3}}
SERIES = (3008, 24, 8)
# Name -> rows, layers and batch size.
KINDS: dict[str, tuple[Any, Layers, int]] = {
    "dense 32": (lambda: numbers(12032, 64), dense(32), 32),
    "dense 128": (pixels, dense(128), 128),
    "dense 512": (pixels, dense(512), 128),
    "dense 128, batch normalization": (pixels, dense(128, "batch_normalization"), 128),
    "dense 128, layer normalization": (pixels, dense(128, "layer_normalization"), 128),
    "dense 512, one dropout": (pixels, [dense(512)[0], DROPOUT], 128),
    "dense 64, dropout": (lambda: numbers(12032, 64), dense(64, DROPOUT), 64),
    "dense 256, dropout": (pixels, dense(256, DROPOUT), 128),
    "dense 512, dropout": (pixels, dense(512, DROPOUT), 128),
    "gru": (lambda: numbers(*SERIES), [{"gru": {"units": 32}}], 64),
    "gru, dropout": (lambda: numbers(*SERIES), [{"gru": {"units": 32, "dropout": 0.3}}], 64),
    "lstm": (lambda: numbers(*SERIES), [{"lstm": {"units": 32}}], 64),
}


def built(kind: str, jit: bool) -> Experiment:
    """The experiment of a kind."""
    rows, layers, batch = KINDS[kind]
    x = rows()
    data: dict[str, Any] = {"source": "arrays", "validation": None, "test": None}
    data |= {"batch_size": batch, "scale": "minmax" if x.dtype == np.uint8 else "none"}
    recipe = keras_recipes.load(
        {
            "name": "loop",
            "data": data,
            "model": {"layers": layers},
            "optimizer": {"sgd": {"momentum": 0.9}},
            "learning_rate": 0.01,
            "gradient_clipping": {"global_norm": 1.0},
            "jit_compile": jit,
        }
    )
    y = RANDOM.integers(0, 10, len(x)).astype("int32")
    return experiment(recipe, data_of(recipe, (x, y)), Path(tempfile.mkdtemp()))


def epoch(one: Experiment) -> float:
    """Seconds of an epoch."""
    started = time.perf_counter()
    one.model.fit(**{**one.fit_arguments, "epochs": 1})
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", default=list(KINDS), metavar="KIND")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for kind in arguments.kinds:
        sides = [built(kind, jit) for jit in (False, True)]
        first = [epoch(side) for side in sides]
        rounds = [[epoch(side) for side in sides] for _ in range(arguments.rounds)]
        plain, loop = map(min, zip(*rounds, strict=True))
        steps = sides[0].training.steps / 1000
        print(
            f"{kind}: {plain / steps:.2f} ms a step, as a loop {loop / steps:.2f} ms, "
            f"{plain / loop:.2f} times as fast; first epoch {first[0]:.1f} s and {first[1]:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
