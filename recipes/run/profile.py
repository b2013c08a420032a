"""Where the time of a training step goes, from about a second of training.

The terms are those of TensorFlow's profiler: a program is input-bound where it waits for its
batches, and launch-bound where starting operations takes longer than carrying them out.
"""

import time
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ..build.experiment import Experiment
from ..data import Data
from ..data.order import batch_rows
from ..spec import Recipe
from .analysis import built

# How long steps are timed, in seconds.
TIMED = 1.0
# A step is input-bound where making batches takes this fraction of it, or more.
INPUT_SHARE = 0.7
# Rows cost little where a quarter of them takes this fraction of the time, or more.
LAUNCH_SHARE = 0.7
QUARTER = 4
# Smaller batches have no quarter worth timing.
LEAST_ROWS = 8


class Times(NamedTuple):
    """Seconds of an experiment.

    Attributes:
        compile: of the first execution, which compiles the step.
        step: of a training step after it.
        batch: of making the batch of a step, without training.
    """

    compile: float
    step: float
    batch: float


def timed(built: Experiment) -> Times:
    """Train an experiment for about a second, and read its batches for another."""
    model = built.model
    model.make_train_function()
    each = int(model.steps_per_execution)
    batches = _executions(built.fit_data.dataset, -(-built.fit_data.steps // each))
    started = time.perf_counter()
    _wait(model.train_function(next(batches)))
    compiled = time.perf_counter()
    step = _seconds(lambda: _wait(model.train_function(next(batches))))
    return Times(compiled - started, step / each, batch_seconds(built.fit_data.dataset))


def batch_seconds(dataset: tf.data.Dataset) -> float:
    """Seconds that a batch takes in the pipeline alone, without training on it."""
    batches = iter(dataset.repeat())
    next(batches)  # starts the pipeline
    return _seconds(lambda: next(batches))


def _seconds(action: Callable[[], object]) -> float:
    """Mean seconds of an action, repeated for about a second."""
    started, count = time.perf_counter(), 0
    while count == 0 or time.perf_counter() - started < TIMED:
        action()
        count += 1
    return (time.perf_counter() - started) / count


def _executions(dataset: tf.data.Dataset, count: int) -> Iterator[Iterator[object]]:
    """For each execution the iterator it takes its batches from, in one pass after another."""
    while True:
        batches = iter(dataset)
        yield from repeat(batches, count)


def _wait(logs: object) -> None:
    for value in keras.tree.flatten(logs):
        np.asarray(value)


def bottleneck(recipe: Recipe, data: Data, times: Times) -> Iterator[str]:
    """What slows down the steps of a recipe, other than computing."""
    rows = batch_rows(len(data.train), recipe.data.batch_size)
    reading = input_bound(times.step, times.batch)
    if reading is not None:
        yield reading
    elif rows >= LEAST_ROWS:
        smaller = rows // QUARTER
        section = recipe.data.model_copy(update={"batch_size": smaller})
        quarter = timed(built(recipe.model_copy(update={"data": section}), data))
        starting = launch_bound(rows, times.step, smaller, quarter.step)
        if starting is not None:
            yield starting


def input_bound(step: float, batch: float) -> str | None:
    """A sentence where making batches takes most of the time of a step.

    Args:
        step: seconds of a training step.
        batch: seconds a batch takes alone.

    >>> input_bound(0.010, 0.009).partition(".")[0]
    'input-bound: making a batch takes 9 ms of a step of 10 ms'
    >>> input_bound(0.010, 0.001) is None
    True
    """
    if batch < INPUT_SHARE * step:
        return None
    return (
        f"input-bound: making a batch takes {_milliseconds(batch)} of a step of "
        f"{_milliseconds(step)}. Smaller pictures, fewer augmentations or more processors make it "
        "faster; another network does not"
    )


def launch_bound(rows: int, step: float, fewer: int, quarter: float) -> str | None:
    """A sentence where a step with a quarter of the rows takes nearly as long.

    Args:
        rows: of a batch.
        step: seconds of a training step.
        fewer: rows of the smaller batch.
        quarter: seconds of a step with it.

    >>> launch_bound(128, 0.002, 32, 0.0005) is None
    True
    """
    if quarter < LAUNCH_SHARE * step:
        return None
    return (
        f"launch-bound: a step takes {_milliseconds(step)} with {rows} rows and "
        f"{_milliseconds(quarter)} with {fewer}, so most of it is spent on starting operations. A "
        "larger `data.batch_size` costs little more a step; `jit_compile: true` starts fewer"
    )


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.2g} ms"
