"""Targets for a model of the user's own: they mean what they mean to `model.fit`."""

from collections.abc import Mapping

import keras
import numpy as np

from ..data import Data, Split, Splits
from ..data.divide import divided
from ..data.scale import Scaling
from ..data.source import Source
from ..errors import DataError, RecipeError, RequestError
from ..spec import Choice, Recipe
from .fit_ends import ends_for
from .fit_rows import Rows, check_shapes, rows_for
from .heads import Ends
from .streams import Stream
from .task import Form, Task


def first_batch_task(recipe: Recipe, model: keras.Model, stream: Stream, where: str) -> Task | Ends:
    """The form of the targets in batches, by the first of them, which is checked.

    Raises:
        RequestError: its targets do not have this form, or its rows no shape that the model takes.
    """
    x, y, _ = stream.first
    where = f"first batch of {where}"
    check_shapes(model, x, where)
    try:
        return ends_for(recipe, model, y, x)[0]
    except RecipeError:
        raise
    except RequestError as error:
        raise RequestError(f"{where}: {error}") from None


def class_weights(task: Task | Ends, by_class: Mapping[int, float]) -> dict[int, float]:
    """The weight of each class in the loss, 1 where none is given.

    Raises:
        RequestError: there are no classes, or none of this number, or a weight is no number.
    """
    if isinstance(task, Ends):
        raise RequestError("class_weight: the model has several outputs. Use `sample_weight`.")
    if task.form not in (Form.LABELS, Form.ONE_HOT, Form.BINARY):
        raise RequestError(
            f"class_weight: the targets are {task.words}, and have no classes. Use `sample_weight`."
        )
    weights = dict.fromkeys(range(task.classes), 1.0)
    for key, weight in by_class.items():
        if not isinstance(key, (int, np.integer)) or key not in weights:
            raise RequestError(
                f"class_weight: expected class numbers from 0 to {task.classes - 1}. Received {key}"
            )
        if not isinstance(weight, (int, float, np.number)) or not 0 <= float(weight) < np.inf:
            raise RequestError(
                f"class_weight: expected a weight >= 0 of class {key}. Received {weight}."
            )
        weights[int(key)] = float(weight)
    return weights


def data_for(
    recipe: Recipe, task: Task | Ends, rows: Rows, targets: np.ndarray, *, divide: bool = True
) -> tuple[Data, Rows | None]:
    """The user's rows as training rows and, where the recipe asks for a part, validation rows.

    Args:
        targets: in the task's form.
        divide: keep the part of the rows that `data.validation` asks for.

    Returns:
        The data, and how the validation rows are arranged, if there are any.
    """
    if len(rows) != len(targets):
        raise DataError(f"x: {len(rows)} rows and {len(targets)} targets.")
    asked = None if isinstance(recipe.data.validation, Choice) else recipe.data.validation
    splits = Splits(validation=asked if divide else None, test=None)
    # Rows with one class number each are split in proportion to the classes.
    single = task if isinstance(task, Task) else None
    stratified = single is not None and (
        single.form is Form.LABELS or (single.form is Form.BINARY and targets.ndim == 1)
    )
    kind = "classification" if stratified else "regression"
    numbered = Source(np.arange(len(rows))[:, None], targets, kind)
    train, validation, _ = divided(numbered, (), splits, recipe.seed)
    chosen = rows if validation is None else rows.take(train.x[:, 0])
    kept = None if validation is None else rows.take(validation.x[:, 0])
    data = Data(
        train=Split(chosen.x, train.y),
        validation=None if kept is None or validation is None else Split(kept.x, validation.y),
        test=None,
        task="several" if single is None else single.kind,
        classes=tuple(range(single.classes)) if single and single.kind == "classification" else (),
        scaling=Scaling.none(),
        fingerprint="",
        source="arrays",
    )
    return data, kept


def own_validation(
    recipe: Recipe, model: keras.Model, task: Task | Ends, data: object
) -> tuple[Split, Rows]:
    """Validation rows of the user's: `(x, y)` or `(x, y, sample_weight)`.

    Raises:
        RequestError: they are no such tuple, or do not have the form of the training rows.
    """
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise RequestError(
            "validation_data: expected `(x, y)`, `(x, y, sample_weight)` or a dataset. Received "
            f"{type(data).__name__}."
        )
    validation_task, targets = ends_for(recipe, model, data[1], data[0])
    same_form(task, validation_task)
    weights = data[2] if len(data) == 3 else None
    rows = rows_for(model, data[0], "validation_data", weights)
    if len(rows) != len(targets):
        raise DataError(f"validation_data: {len(rows)} rows and {len(targets)} targets.")
    return Split(rows.x, targets), rows


def same_form(task: Task | Ends, validation: Task | Ends) -> None:
    """Raise where the targets of validation rows have another form than those of training."""
    if isinstance(task, Ends) and isinstance(validation, Ends):
        for name, end in task.all:
            same_form(end.task, validation.each[name].task)
        return
    if isinstance(task, Ends) or isinstance(validation, Ends):
        raise RequestError("validation_data: its targets are not those of the same outputs.")
    if validation.form != task.form:
        raise RequestError(
            f"validation_data: its targets are {validation.words}, those of training {task.words}."
        )
