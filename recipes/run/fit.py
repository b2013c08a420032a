"""A recipe's way of training, on a model and arrays of the user's own."""

from pathlib import Path
from typing import Any

import keras

from ...callbacks import ProgressBar
from ...callbacks.epoch_order import EpochOrder
from ...models import wrap
from ..build import experiment as build
from ..build.fitting import data_for, task_for
from ..build.objects import Builder
from ..build.parts import training_parts
from ..build.pretraining import pretraining
from ..data.load import Split
from ..data.order import training_dataset
from ..errors import RequestError
from ..spec import Recipe
from .pretrain import pretrain_aside


def fit(
    recipe: Recipe,
    model: keras.Model,
    x: Any,
    y: Any,
    *,
    validation_data: tuple[Any, Any] | None = None,
    progress: bool = True,
) -> keras.callbacks.History:
    """Train `model` in place with the recipe's optimizer, schedule, clipping and callbacks.

    Targets mean what they mean to `model.fit`; `recipes.build.fitting` has the rules. Without
    `validation_data`, the part of the rows that the recipe's `data.validation` asks for is used for
    validation; there is no test split. Neither rows nor targets are scaled.

    Raises:
        RequestError: the model is not built, or its output does not fit the targets.
    """
    if not model.built:
        raise RequestError(
            f"the model {model.name!r} has no weights yet. Begin it with `keras.Input(...)`, or "
            "call it on a batch first."
        )
    task, targets = task_for(recipe, model, y)
    data = data_for(recipe, model, task, (x, targets), validation_data)
    training = training_dataset(
        Split(data.train.x, task.encode(data.train.y)),
        batch_size=recipe.data.batch_size,
        seed=recipe.seed,
        drop_remainder=recipe.data.drop_remainder,
    )
    builder = Builder(recipe, training.steps, Path.cwd())
    trained = wrap(model, **training_parts(recipe, builder).active())
    build.compile_model(trained, recipe, task, builder, len(data.train.y))
    own = [EpochOrder(training.epoch), *([ProgressBar()] if progress else [])]
    pretrain_aside(pretraining(recipe, data, model), model)
    return trained.fit(
        training.dataset,
        epochs=recipe.epochs,
        validation_data=build.evaluation(data.validation, task),
        callbacks=[*build.callbacks(recipe, builder), *own],
        shuffle=False,  # the dataset has its order already
        verbose=0,  # type: ignore[arg-type]
    )
