"""What a recipe would do, without a run: its variables, schedules, gradients, and a range test."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

import keras
import numpy as np
import tensorflow as tf

from ...callbacks import LearningRateFinder
from ...callbacks.epoch_order import EpochOrder
from ...models import GradientCheck, gradient_check
from ...models.keras_types import Tensors
from ...models.shards import Sharing
from ...models.training_step import TrainingStep
from ..build.compiling import compile_model, optimizer
from ..build.encoding import encoded
from ..build.experiment import Experiment, experiment
from ..build.heads import ends_of
from ..build.hub_text import tokenizer_of
from ..build.network import network
from ..build.objects import Builder
from ..build.parts import training_parts
from ..data import Data
from ..data.arrays import first_rows
from ..data.order import batch_rows, steps_per_epoch
from ..data.sharded import check_shards, shared_line
from ..devices.request import DeviceRequest
from ..errors import RequestError
from ..spec import Recipe
from .pretrain import pretrain_without_run

# A chart is about 1000 pixels wide; more points than this would not be visible.
MOST_POINTS = 4000


def shares(recipe: Recipe, data: Data, request: DeviceRequest) -> str:
    """How devices and workers would share a batch, in a line.

    Raises:
        DataError: they cannot.
    """
    devices = 1 if request.devices in (None, "all") else int(request.devices)
    shards = request.exact_shards or max(devices, request.processes)
    sharing = Sharing(shards, processes=request.processes, devices=("",) * devices)
    rows = len(data.train.y)
    size = batch_rows(rows, recipe.data.batch_size)
    check_shards(rows, size, recipe.data.drop_remainder, sharing)
    return shared_line(size, sharing)


def dry_run(recipe: Recipe, data: Data) -> str:
    """Build what a recipe describes; return a summary and a table of its variables.

    Raises:
        RequestError: the recipe cannot be used, or a rule matches no variable.
    """
    made = built(recipe, data)
    model = made.model
    updates = made.training.steps * recipe.epochs // recipe.gradient_accumulation
    rows = {"training": data.train, "validation": data.validation, "test": data.test}
    counted = ", ".join(f"{len(split.y)} {name}" for name, split in rows.items() if split)
    return "\n".join(
        [
            f"{recipe.name}: {counted} rows",
            *data.lines,
            made.summary,
            f"{recipe.epochs} epochs of {made.training.steps} batches: {updates} updates",
            f"steps per execution: {model.steps_per_execution}, "
            f"XLA: {'yes' if model.jit_compile is True else 'no'}",
            f"{model.count_params()} weights, of which these are trained:",
            _variables(model),
        ]
    )


def built(recipe: Recipe, data: Data) -> Experiment:
    """What a recipe describes; its callbacks write to a folder that no longer exists."""
    with tempfile.TemporaryDirectory() as folder:
        return experiment(recipe, data, Path(folder))


def _variables(model: TrainingStep) -> str:
    """A row for each trainable variable: path, shape, and the rules for its decay and rate."""
    decays, rates = model.decay_table(), model.rate_table()
    rows = [["variable", "shape", "numbers"]]
    rows += [
        [v.path, str(tuple(v.shape)), str(v.value.shape.num_elements())]
        for v in model.trained_variables
    ]
    if decays:
        rows[0] += ["decay", "by"]
        for cells, row in zip(rows[1:], decays, strict=True):
            cells += [f"x {row.factor:g}", row.rule]
    if rates:
        rows[0] += ["learning rate", "by"]
        for cells, rate in zip(rows[1:], rates, strict=True):
            cells += [f"x {rate.multiplier:g}", rate.rule]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


class Scheduled(TypedDict):
    """The fields of `report.rates.Course`, except its name."""

    updates: int
    per_epoch: float
    steps: np.ndarray
    values: dict[str, np.ndarray]
    phases: list[tuple[int, str]]


def scheduled_values(recipe: Recipe, data: Data) -> Scheduled:
    """The learning rate over a run, and momentum and weight decay if they are scheduled.

    Raises:
        RequestError: the schedule cannot be used.
    """
    batches = steps_per_epoch(len(data.train.y), recipe.data.batch_size, recipe.data.drop_remainder)
    builder = Builder(recipe, batches)
    steps = np.unique(np.linspace(0, builder.updates - 1, MOST_POINTS).astype("int64"))
    rate = optimizer(recipe, builder)._learning_rate
    parts = training_parts(recipe, builder)
    decay = None if parts.weight_decay is None else parts.weight_decay.rate
    others = {"momentum": parts.momentum, "weight decay": decay}
    return {
        "updates": builder.updates,
        "per_epoch": float(builder.updates_per_epoch),
        "steps": steps,
        "values": {
            "learning rate": _values_at(rate, steps),
            **{name: _values_at(value, steps) for name, value in others.items() if callable(value)},
        },
        "phases": rate.phases() if hasattr(rate, "phases") else [],
    }


def _values_at(schedule: Any, steps: np.ndarray) -> np.ndarray:
    if not isinstance(schedule, Callable):
        return np.full(len(steps), float(schedule))
    try:
        return np.broadcast_to(np.asarray(schedule(steps)), steps.shape)
    except (TypeError, ValueError):
        # A schedule of Keras may take one step at a time.
        return np.array([float(schedule(int(step))) for step in steps])


def range_test(
    recipe: Recipe,
    data: Data,
    *,
    min_lr: float = 1e-6,
    max_lr: float = 10.0,
    steps: int = 200,
) -> LearningRateFinder:
    """Increase the learning rate step by step on a recipe's network and data.

    Momentum, decay and clipping are the recipe's; its learning rate, callbacks and validation are
    left out, and so is `gradient_accumulation`: every batch is an update.

    Args:
        min_lr: rate of the first step, > 0.
        max_lr: rate of the last step.
        steps: number of steps, >= 20.

    Raises:
        RequestError: the recipe or the arguments cannot be used.
    """
    try:
        finder = LearningRateFinder(min_lr, max_lr, steps)
    except ValueError as error:
        raise RequestError(f"find-lr: {error}") from None
    tested = recipe.model_copy(
        update={"steps_per_execution": 1, "callbacks": [], "gradient_accumulation": 1}
    )
    made = built(tested, data)
    pretrain_without_run(made.pretraining, made.model)
    model = made.model
    epochs = -(-steps // made.training.steps)
    callbacks = [EpochOrder(made.training.epoch), finder]
    changed = {"epochs": epochs, "validation_data": None, "validation_steps": None}
    model.fit(**{**made.fit_arguments, **changed}, callbacks=callbacks)
    return finder


def check_gradients(
    recipe: Recipe, data: Data, *, rows: int = 8, entries: int = 10
) -> list[GradientCheck]:
    """Compare automatic and numerical derivatives of the recipe's loss, variable by variable.

    The loss is that of the first rows of the training split, with penalties, in float64: first as
    in evaluation, then as in training, with the same dropout and noise at every call and with
    normalization by the batch.

    Args:
        rows: rows of data, >= 1.
        entries: entries of each variable that are checked one by one, >= 1; all of them are also
            checked together.

    Returns:
        A row for each variable in evaluation, then one in training.

    Raises:
        RequestError: the recipe, its data or an argument cannot be used.
    """
    if rows < 1 or entries < 1:
        raise RequestError(f"check-gradients: rows and entries must be >= 1: {rows}, {entries}.")
    with in_float64():
        task = ends_of(recipe, data)
        data, prepared = encoded(data, tokenizer_of(recipe))
        builder = Builder(recipe, 1, Path())
        model = network(recipe, data, task, builder, prepared)
        compile_model(model, recipe, task, builder, len(data.train.y))
        x = tf.nest.map_structure(tf.constant, first_rows(data.train.x, rows, "float64"))
        y = tf.nest.map_structure(lambda t: tf.constant(t[:rows]), task.encode(data.train.y))
        try:
            return [
                row
                for training in (False, True)
                for row in gradient_check(
                    repeatable_loss(model, x, y, training),
                    model.trainable_variables,
                    entries=entries,
                    seed=recipe.seed,
                    training=training,
                )
            ]
        except ValueError as error:
            raise RequestError(f"check-gradients: {error}") from error


def repeatable_loss(
    model: keras.Model, x: Tensors, y: Tensors, training: bool
) -> Callable[[], Any]:
    """The loss of a batch, the same at every call: dropout draws the same mask each time."""
    # The states of the random generators, and moving statistics.
    state = [(variable, tf.identity(variable.value)) for variable in model.non_trainable_variables]

    def loss() -> Any:
        for variable, value in state:
            variable.assign(value)
        return model.compute_loss(x, y, model(x, training=training), training=training)

    return loss


@contextmanager
def in_float64() -> Iterator[None]:
    """Layers made inside compute in float64."""
    policy, floats = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_dtype_policy("float64")
    keras.config.set_floatx("float64")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)
        keras.config.set_floatx(floats)
