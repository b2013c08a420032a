"""A recipe's way of training, on a model and arrays of the user's own."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import RecipeError, RequestError
from ..spec import Recipe
from .backend import use_tensorflow

if TYPE_CHECKING:
    import keras

    from ..build.data import Data
    from ..build.task import Task


def fit(
    recipe: Recipe,
    model: "keras.Model",
    x: Any,
    y: Any,
    *,
    validation_data: tuple[Any, Any] | None = None,
    progress: bool = True,
) -> "keras.callbacks.History":
    """Train `model` in place with the recipe's optimizer, schedule, clipping and callbacks.

    Without `validation_data`, the part of the rows that the recipe's `data.validation` asks for
    is kept for validation; nothing is kept for a test. Rows are not scaled: the model is the
    user's, from its input on.

    Raises:
        RequestError: the model is not built, or its output does not fit the targets.
    """
    data = arrays(recipe, x, y, validation_data)
    use_tensorflow()
    from ...callbacks import ProgressBar
    from ...models import wrap
    from ..build import experiment as build
    from ..build import task as tasks
    from ..build.data import Split
    from ..build.data.order import EpochOrder, training_dataset
    from ..build.objects import Builder
    from ..build.parts import training_parts
    from ..build.pretraining import pretraining
    from .pretrain import pretrain_aside

    if not model.built:
        raise RequestError(
            f"the model {model.name!r} has no weights yet. Begin it with `keras.Input(...)`, or "
            "call it on a batch first."
        )
    task = tasks.task_of(recipe, data.task, len(data.classes), data.num_outputs)
    check(recipe, model, task)
    training = training_dataset(
        Split(data.train.x, task.encode(data.train.y)),
        batch_size=recipe.data.batch_size,
        seed=recipe.seed,
        drop_remainder=recipe.data.drop_remainder,
    )
    builder = Builder(recipe, training.steps, Path.cwd())
    trained = wrap(model, **training_parts(recipe, builder))
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


def arrays(recipe: Recipe, x: Any, y: Any, validation_data: tuple[Any, Any] | None) -> "Data":
    """The user's arrays, checked and split."""
    from ..build.data import Splits, load_data
    from ..build.data.load import own_split

    asked = recipe.data.validation if isinstance(recipe.data.validation, (int, float)) else None
    splits = Splits(validation=None if validation_data is not None else asked, test=None)
    data = load_data("arrays", {}, splits=splits, seed=recipe.seed, arrays=(x, y))
    if validation_data is None:
        return data
    return replace(data, validation=own_split(data, *validation_data, "validation_data"))


def check(recipe: Recipe, model: "keras.Model", task: "Task") -> None:
    """The model must end in what the loss compares with the targets."""
    shape = tuple(model.output_shape)
    if shape != (None, task.units):
        raise RequestError(
            f"the model {model.name!r} ends in shape {shape}; the targets and the loss need "
            f"(None, {task.units})."
        )
    last = model.layers[-1] if model.layers else None
    activation = getattr(getattr(last, "activation", None), "__name__", None)
    if recipe.loss is None and task.form == "labels" and activation == "linear":
        message = (
            "the model ends in a linear layer, so the cross-entropy must be told that it gets "
            "logits: `loss: {sparse_categorical_crossentropy: {from_logits: true}}`."
        )
        raise RecipeError([recipe.problem(("loss",), message)])
