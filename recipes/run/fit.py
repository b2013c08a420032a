"""A recipe's way of training, on a model and data of the user's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path

import keras
import tensorflow as tf

from ...arguments import is_number
from ...callbacks import ProgressBar
from ...callbacks.epoch_order import EpochOrder
from ...messages import logger
from ...models import wrap
from ..build import experiment as build
from ..build.fit_ends import ends_for
from ..build.fit_rows import rows_for
from ..build.fitting import (
    class_weights,
    data_for,
    first_batch_task,
    own_validation,
    same_form,
)
from ..build.heads import Ends
from ..build.objects import Builder
from ..build.parts import training_parts
from ..build.phases import phases_of
from ..build.pretraining import pretraining
from ..build.streams import Stream, UnknownLength, WholeEpochs, is_stream, stream_of
from ..build.task import Task
from ..data import Data
from ..errors import RequestError
from ..spec import Recipe
from ..spec.monitor_checks import monitored
from ..spec.wording import shown
from .pretrain import pretrain_without_run
from .quiet import SILENT
from .run_callbacks import stop_events_on_a_full_disk


@dataclass(frozen=True)
class FitOptions:
    """What the user passes besides the rows; the arguments of `fit`."""

    y: object = None
    sample_weight: object = None
    class_weight: Mapping[int, float] | None = None
    validation_data: object = None
    steps_per_epoch: int | None = None
    validation_steps: int | None = None


@dataclass(frozen=True)
class Ready:
    """Data in the form that `model.fit` takes, and what follows from it.

    Attributes:
        recipe: adapted to the data.
        task: form of the targets.
        dataset: batches of an epoch.
        builder: makes what the recipe names.
        rows: number of rows of an epoch, by which the steps of an execution are chosen.
        validation: batches to validate on, or None.
        arguments: more arguments of `model.fit`.
        callbacks: that the data needs.
        data: the rows of arrays, for pretraining; None of a stream.
    """

    recipe: Recipe
    task: Task | Ends
    dataset: object
    builder: Builder
    rows: int
    validation: object
    arguments: dict[str, object]
    callbacks: tuple[keras.callbacks.Callback, ...]
    data: Data | None = None


def fit(
    recipe: Recipe, model: keras.Model, x: object, options: FitOptions, *, progress: bool = True
) -> keras.callbacks.History:
    """Train `model` in place with the recipe's optimizer, schedule, clipping and callbacks.

    Targets mean what they mean to `model.fit`; `recipes.build.fit_targets` has the rules. Without
    `validation_data`, the part of the rows that the recipe's `data.validation` asks for is used for
    validation; there is no test split. Neither rows nor targets are scaled.

    Args:
        x: rows, as `recipes.build.fit_rows` takes them, or a dataset with its targets.

    Raises:
        RequestError: an argument has another type, the model is not built, its output does not fit
            the targets, or it computes in another precision than the recipe's.
        TrainingFailed: a dataset ended in the middle of an epoch.
    """
    _check_arguments(model, options)
    if not model.built:
        raise RequestError(
            f"the model {model.name!r} has no weights yet. Start it with `keras.Input(...)`, or "
            "call it on a batch first."
        )
    if recipe.precision not in ("float32", "auto", model.dtype_policy.name):
        raise RequestError(
            f"precision: the model {model.name!r} was made under the policy "
            f"`{model.dtype_policy.name}`, and the recipe asks for `{recipe.precision}`. Make it "
            f"under `keras.config.set_dtype_policy({recipe.precision!r})`, or leave the key out."
        )
    if options.class_weight is not None and options.sample_weight is not None:
        raise RequestError("give `class_weight` or `sample_weight`, not both.")
    ready = (
        _streamed(recipe, model, x, options)
        if is_stream(x)
        else _in_memory(recipe, model, x, options)
    )
    recipe, builder = ready.recipe, ready.builder
    _check_monitors(recipe, ready.validation)
    trained = wrap(model, **training_parts(recipe, builder).active())
    build.compile_model(trained, recipe, ready.task, builder, ready.rows)
    recipe_callbacks = build.callbacks(recipe, builder)
    callbacks = [*ready.callbacks, *phases_of(recipe, trained, recipe_callbacks), *recipe_callbacks]
    if progress:
        callbacks.append(ProgressBar())
    stop_events_on_a_full_disk(callbacks)
    if ready.data is not None:
        pretrain_without_run(pretraining(recipe, ready.data, model), model)
    return trained.fit(
        ready.dataset,
        epochs=recipe.epochs,
        validation_data=ready.validation,
        callbacks=callbacks,
        shuffle=False,  # the dataset has its order already
        **SILENT,
        **ready.arguments,
    )


def _check_arguments(model: object, options: FitOptions) -> None:
    """Raise where an argument is of another type than `fit` takes."""
    if not isinstance(model, keras.Model):
        raise RequestError(
            f"model: expected a built `keras.Model`. Received {type(model).__name__}."
        )
    given = options.class_weight
    if given is not None and not isinstance(given, Mapping):
        raise RequestError(
            "class_weight: expected class numbers with their weights, as `{0: 1.0, 1: 5.0}`. "
            f"Received {shown(given)}."
        )
    for name in ("steps_per_epoch", "validation_steps"):
        steps = getattr(options, name)
        if steps is not None and not (
            is_number(steps) and isinstance(steps, Integral) and steps > 0
        ):
            raise RequestError(f"{name}: expected a whole number > 0. Received {shown(steps)}.")


def _in_memory(recipe: Recipe, model: keras.Model, x: object, options: FitOptions) -> Ready:
    """Rows in memory, in an order that is a function of seed and epoch."""
    if options.y is None:
        raise RequestError("y: give the targets of the rows.")
    if options.steps_per_epoch is not None:
        raise RequestError(
            "steps_per_epoch: rows in memory have a number of batches already; it is for datasets."
        )
    rows = rows_for(model, x, "x", options.sample_weight)
    task, targets = ends_for(recipe, model, options.y, x)
    data, kept = data_for(recipe, task, rows, targets, divide=options.validation_data is None)
    if recipe.pretraining is not None and not rows.is_plain:
        raise RequestError("pretraining: learns from one array of rows without weights.")
    batches, arguments = _validation(recipe, model, task, options)
    arguments.update(_class_weight(task, options))
    validation = batches if kept is None else kept.arranged(build.evaluation(data.validation, task))
    training = build.training_rows(recipe, data, task)
    return Ready(
        recipe=recipe,
        task=task,
        dataset=rows.arranged(training.dataset),
        builder=Builder(recipe, training.steps, Path.cwd()),
        rows=len(data.train.y),
        validation=validation,
        arguments=arguments,
        callbacks=(EpochOrder(training.epoch),),
        data=data,
    )


def _streamed(recipe: Recipe, model: keras.Model, x: object, options: FitOptions) -> Ready:
    """Batches of a dataset, in its order."""
    stream = stream_of(x, options.steps_per_epoch, "x", "steps_per_epoch")
    _refuse(recipe, stream, options)
    task = first_batch_task(recipe, model, stream, "x")
    validation, arguments = _validation(recipe, model, task, options)
    steps = stream.length
    # The batches are the dataset's; the first stands for all where their size is asked for.
    recipe = recipe.model_copy(
        update={"data": recipe.data.model_copy(update={"batch_size": "all"})}
    )
    logger.info(
        f"x: a {stream.kind} has its own batches, in its own order: `data.batch_size` and the seed "
        "do not change them, and this training cannot be resumed step by step."
        + " There are no validation rows without `validation_data`."
        * (validation is None)
    )
    return Ready(
        recipe=recipe,
        task=task,
        dataset=stream.dataset,
        builder=(
            UnknownLength(recipe, files=Path.cwd())
            if steps is None
            else Builder(recipe, steps, Path.cwd())
        ),
        rows=len(tf.nest.flatten(stream.first[0])[0]),
        validation=validation,
        arguments={
            "steps_per_epoch": options.steps_per_epoch,
            **_class_weight(task, options),
            **arguments,
        },
        callbacks=(WholeEpochs(steps),),
    )


def _refuse(recipe: Recipe, stream: Stream, options: FitOptions) -> None:
    """Raise where an argument repeats what a dataset has in its batches, or does not suit it."""
    for name in ("y", "sample_weight"):
        if getattr(options, name) is not None:
            raise RequestError(f"{name}: a {stream.kind} has it in its batches; leave it out.")
    if options.class_weight is not None:
        if stream.first[2] is not None:
            raise RequestError("class_weight: the batches of the dataset have weights already.")
        if stream.kind.partition(".")[0] not in ("tf", "keras"):
            raise RequestError(
                f"class_weight: Keras does not take it with a {stream.kind}. Let each batch be "
                "`(x, y, sample_weight)`."
            )
    if recipe.pretraining is not None:
        raise RequestError(f"pretraining: needs rows in memory, and x is a {stream.kind}.")
    if not stream.repeats and recipe.epochs > 1 and options.steps_per_epoch is None:
        raise RequestError(
            f"x: a generator is read once, and the recipe has {recipe.epochs} epochs. Say how many "
            "batches make one: `steps_per_epoch=`."
        )


def _class_weight(task: Task | Ends, options: FitOptions) -> dict[str, object]:
    if options.class_weight is None:
        return {}
    return {"class_weight": class_weights(task, options.class_weight)}


def _validation(
    recipe: Recipe, model: keras.Model, task: Task | Ends, options: FitOptions
) -> tuple[object, dict[str, object]]:
    """The user's validation data as `model.fit` takes it, and more arguments of `fit`."""
    data = options.validation_data
    if data is None or not is_stream(data):
        if options.validation_steps is not None:
            raise RequestError("validation_steps: is for `validation_data` that is a dataset.")
        if data is None:
            return None, {}
        split, rows = own_validation(recipe, model, task, data)
        return rows.arranged(build.evaluation(split, task)), {}
    stream = stream_of(data, options.validation_steps, "validation_data", "validation_steps")
    if not stream.repeats and recipe.epochs > 1:
        raise RequestError("validation_data: a generator is read once. Use a dataset, or arrays.")
    same_form(task, first_batch_task(recipe, model, stream, "validation_data"))
    return stream.dataset, {"validation_steps": options.validation_steps}


def _check_monitors(recipe: Recipe, validation: object) -> None:
    """Raise where a callback watches validation rows and there are none."""
    for callback in recipe.callbacks if validation is None else ():
        for monitor in monitored(callback):
            if monitor.startswith("val_"):
                raise RequestError(
                    f"`{callback.name}` monitors `{monitor}`, and there are no validation rows: "
                    "give `validation_data`."
                )
