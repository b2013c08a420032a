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
from ..errors import RequestError
from ..spec import Recipe
from .pretrain import pretrain_without_run
from .run_callbacks import stop_events_on_a_full_disk


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
            f"the model {model.name!r} has no weights yet. Start it with `keras.Input(...)`, or "
            "call it on a batch first."
        )
    task, targets = task_for(recipe, model, y)
    data = data_for(recipe, model, task, (x, targets), validation_data)
    training = build.training_rows(recipe, data, task)
    builder = Builder(recipe, training.steps, Path.cwd())
    trained = wrap(model, **training_parts(recipe, builder).active())
    build.compile_model(trained, recipe, task, builder, len(data.train.y))
    callbacks = [*build.callbacks(recipe, builder), EpochOrder(training.epoch)]
    if progress:
        callbacks.append(ProgressBar())
    stop_events_on_a_full_disk(callbacks)
    pretrain_without_run(pretraining(recipe, data, model), model)
    return trained.fit(
        training.dataset,
        epochs=recipe.epochs,
        validation_data=build.evaluation(data.validation, task),
        callbacks=callbacks,
        shuffle=False,  # the dataset has its order already
        verbose=0,  # type: ignore[arg-type]
    )
