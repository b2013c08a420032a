"""The gradient check of a recipe: its network and loss, in float64, on a few rows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ...models import GradientCheck, gradient_check
from ..build.experiment import compile_model
from ..build.network import network
from ..build.objects import Builder
from ..build.task import task_of
from ..data import Data
from ..errors import RequestError
from ..spec import Recipe


def check_gradients(
    recipe: Recipe, data: Data, *, rows: int = 8, entries: int = 10
) -> list[GradientCheck]:
    """Compare automatic and numerical derivatives of the recipe's loss, variable by variable.

    The loss is that of the first rows of the training split, with penalties: first as in
    evaluation, then as in training, with the same dropout and noise at every call and with
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
        task = task_of(recipe, data)
        builder = Builder(recipe, 1, Path())
        model: Any = network(recipe, data, task, builder)
        compile_model(model, recipe, task, builder, len(data.train.y))
        x = tf.constant(np.asarray(data.train.x[:rows], "float64"))
        y = tf.constant(task.encode(data.train.y)[:rows])

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


def repeatable_loss(model: Any, x: Any, y: Any, training: bool) -> Callable[[], Any]:
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
