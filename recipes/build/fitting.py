"""Targets for a model of the user's own: they mean what they mean to `model.fit`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ..data import Data, Split, Splits
from ..data.arrays import as_array, numbers
from ..data.load import divided
from ..data.scale import Scaling
from ..data.source import Source
from ..errors import DataError, RecipeError, RequestError
from ..spec import Choice, Recipe
from ..spec.tasks import BINARY_LOSSES, CLASS_LOSSES
from .fit_rows import Rows, check_shapes, rows_for
from .streams import Stream
from .task import Form, Task, activation_problem, last_activation, named_loss


@dataclass(frozen=True)
class Output:
    """The end of a model.

    Attributes:
        name: of the model.
        units: width of the output.
        activation: of the last layer, `unknown` where it has none.
    """

    name: str
    units: int
    activation: str

    @classmethod
    def of(cls, model: keras.Model) -> "Output":
        """The end of a built model with one output of shape (rows, units)."""
        shape = _output_shape(model)
        if not isinstance(shape, tuple) or len(shape) != 2 or shape[1] is None:
            raise RequestError(
                f"the model {model.name!r} ends in shape {shape}; expected (None, units). Put "
                "`Flatten` or a global pooling layer before its last one."
            )
        last: Any = model.layers[-1] if model.layers else None
        return cls(model.name, shape[1], last_activation(last) or "unknown")


def _output_shape(model: Any) -> Any:
    """The shape that a model gives; that of one that defines `call` follows from what built it."""
    shape = getattr(model, "output_shape", None)
    if shape is not None:
        return shape
    inputs = list((getattr(model, "_build_shapes_dict", None) or {}).values())
    if len(inputs) != 1 or not isinstance(inputs[0], (tuple, list)):
        return None
    rows = keras.KerasTensor((None, *inputs[0][1:]))
    return getattr(model.compute_output_spec(rows), "shape", None)


def task_for(recipe: Recipe, model: keras.Model, y: Any) -> tuple[Task, np.ndarray]:
    """The form of the targets that loss and model ask for, and the targets in it.

    | last layer | targets | default loss |
    |---|---|---|
    | softmax | class numbers from 0 to units - 1 | sparse categorical cross-entropy |
    | softmax | (rows, units), each row sums to 1 | categorical cross-entropy |
    | sigmoid | one column from 0 to 1 for each unit | binary cross-entropy |
    | any other | numbers, one column for each unit | mean squared error |

    A loss that the recipe names decides the form: class numbers for the sparse ones, a column
    for each unit for all others. Neither numbers nor classes are changed.

    Raises:
        RequestError: the targets do not have this form.
        RecipeError: the loss does not fit the model, with its line.
    """
    output = Output.of(model)
    targets = as_targets(y, "y")
    loss, logits = named_loss(recipe)
    _check_labels_have_softmax(recipe, output, targets)
    loss = loss or _default(output, targets)
    form = _form(loss, output, targets)
    task = Task(form, output.units, logits, loss=loss)
    problem = activation_problem(task, output.activation)
    if problem:
        raise RecipeError([recipe.problem(("loss",), problem)])
    if form is Form.LABELS:
        return task, class_numbers(targets, output, loss)
    _check_columns(targets, output, loss)
    if loss in CLASS_LOSSES:
        _check_probabilities(targets, output, loss)
    return task, targets


def as_targets(y: Any, where: str) -> np.ndarray:
    """Targets as finite numbers: (rows,), or (rows, columns) with more than one column."""
    try:
        found = numbers(as_array(y, where), where)
    except DataError as error:
        raise RequestError(
            f"{error} Targets mean what they mean to `model.fit`: class numbers from 0, one-hot "
            "rows, or numbers to predict."
        ) from None
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim not in (1, 2) or found.size == 0:
        raise RequestError(
            f"{where}: expected shape (rows,) or (rows, units). Received {found.shape}."
        )
    return found


def _default(output: Output, targets: np.ndarray) -> str:
    if output.activation == "softmax":
        sparse = targets.ndim == 1
        return "sparse_categorical_crossentropy" if sparse else "categorical_crossentropy"
    return "binary_crossentropy" if output.activation == "sigmoid" else "mean_squared_error"


def _form(loss: str, output: Output, targets: np.ndarray) -> Form:
    if loss.startswith("sparse_"):
        return Form.LABELS
    if loss in BINARY_LOSSES:
        return Form.BINARY if output.units == 1 else Form.MULTILABEL
    columns = output.activation == "softmax" and targets.ndim == 2
    return Form.ONE_HOT if loss in CLASS_LOSSES or columns else Form.VALUES


def _check_labels_have_softmax(recipe: Recipe, output: Output, targets: np.ndarray) -> None:
    labels = targets.ndim == 1 and targets.dtype.kind in "biu" and output.units > 1
    if recipe.loss is None and labels and output.activation == "linear":
        message = (
            "the model ends in a linear layer, so the loss must take logits: "
            "`loss: {sparse_categorical_crossentropy: {from_logits: true}}`."
        )
        raise RecipeError([recipe.problem(("loss",), message)])


def _check_probabilities(targets: np.ndarray, output: Output, loss: str) -> None:
    low, high = targets.min(), targets.max()
    if low < 0 or high > 1:
        raise RequestError(
            f"`{loss}` on the model {output.name!r} needs targets from 0 to 1, a column for each "
            f"of its {output.units} units. Received values from {low:g} to {high:g}."
        )
    if loss not in BINARY_LOSSES and not np.allclose(targets.sum(axis=-1), 1, atol=1e-3):
        raise RequestError(f"`{loss}` needs targets whose rows sum to 1, such as one-hot rows.")


def _check_columns(targets: np.ndarray, output: Output, loss: str) -> None:
    columns = 1 if targets.ndim == 1 else targets.shape[1]
    if columns != output.units:
        raise RequestError(
            f"the model {output.name!r} ends in {output.units} units, and `{loss}` needs a column "
            f"of targets for each. Received targets of shape {targets.shape}."
        )


def class_numbers(targets: np.ndarray, output: Output, loss: str) -> np.ndarray:
    """Class numbers as they are, if the model has a unit for each."""
    if targets.ndim == 2:
        raise RequestError(
            f"`{loss}` needs one class number a row. Received targets of shape {targets.shape}; "
            "for one-hot rows use `categorical_crossentropy`."
        )
    wrong = (targets < 0) | (targets >= output.units) | (targets != np.floor(targets))
    if wrong.any():
        hint = ""
        if targets.min() == 1 and targets.max() == output.units:
            hint = " They begin at 1: subtract 1."
        raise RequestError(
            f"the model {output.name!r} ends in {output.units} units, so classes must be whole "
            f"numbers from 0 to {output.units - 1}. Received {targets[wrong][0]:g}.{hint}"
        )
    return targets.astype("int32")


def first_batch_task(recipe: Recipe, model: keras.Model, stream: Stream, where: str) -> Task:
    """The form of the targets in batches, by the first of them, which is checked.

    Raises:
        RequestError: its targets do not have this form, or its rows no shape that the model takes.
    """
    x, y, _ = stream.first
    where = f"first batch of {where}"
    check_shapes(model, x, where)
    try:
        return task_for(recipe, model, y)[0]
    except RecipeError:
        raise
    except RequestError as error:
        raise RequestError(f"{where}: {error}") from None


def class_weights(task: Task, given: Mapping[int, float]) -> dict[int, float]:
    """The weight of each class in the loss, 1 where none is given.

    Raises:
        RequestError: there are no classes, or none of this number, or a weight is no number.
    """
    if task.form not in (Form.LABELS, Form.ONE_HOT, Form.BINARY):
        raise RequestError(
            f"class_weight: the targets are {task.words}, and have no classes. Use `sample_weight`."
        )
    found = dict.fromkeys(range(task.classes), 1.0)
    for key, weight in given.items():
        if not isinstance(key, (int, np.integer)) or key not in found:
            raise RequestError(
                f"class_weight: expected class numbers from 0 to {task.classes - 1}. Received {key}"
            )
        if not isinstance(weight, (int, float, np.number)) or not 0 <= float(weight) < np.inf:
            raise RequestError(
                f"class_weight: expected a weight >= 0 of class {key}. Received {weight}."
            )
        found[int(key)] = float(weight)
    return found


def data_for(
    recipe: Recipe, task: Task, rows: Rows, targets: np.ndarray, *, divide: bool = True
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
    stratified = task.form is Form.LABELS or (task.form is Form.BINARY and targets.ndim == 1)
    kind = "classification" if stratified else "regression"
    numbered = Source(np.arange(len(rows))[:, None], targets, kind)
    train, validation, _ = divided(numbered, (), splits, recipe.seed)
    chosen = rows if validation is None else rows.take(train.x[:, 0])
    kept = None if validation is None else rows.take(validation.x[:, 0])
    data = Data(
        train=Split(chosen.x, train.y),
        validation=None if kept is None or validation is None else Split(kept.x, validation.y),
        test=None,
        task=task.kind,
        classes=tuple(range(task.classes)) if task.kind == "classification" else (),
        scaling=Scaling.none(),
        fingerprint="",
        source="arrays",
    )
    return data, kept


def own_validation(
    recipe: Recipe, model: keras.Model, task: Task, given: Any
) -> tuple[Split, Rows]:
    """Validation rows of the user's: `(x, y)` or `(x, y, sample_weight)`.

    Raises:
        RequestError: they are no such tuple, or do not have the form of the training rows.
    """
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise RequestError(
            "validation_data: expected `(x, y)`, `(x, y, sample_weight)` or a dataset. Received "
            f"{type(given).__name__}."
        )
    own, targets = task_for(recipe, model, given[1])
    same_form(task, own)
    weights = given[2] if len(given) == 3 else None
    rows = rows_for(model, given[0], "validation_data", weights)
    if len(rows) != len(targets):
        raise DataError(f"validation_data: {len(rows)} rows and {len(targets)} targets.")
    return Split(rows.x, targets), rows


def same_form(task: Task, own: Task) -> None:
    """Raise where the targets of validation rows have another form than those of training."""
    if own.form != task.form:
        raise RequestError(
            f"validation_data: its targets are {own.words}, those of training {task.words}."
        )
