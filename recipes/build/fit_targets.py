"""Targets for one output of a user's model: they mean what they mean to `model.fit`."""

from dataclasses import dataclass

import keras
import numpy as np

from ..data.arrays import as_array, numbers
from ..errors import DataError, RecipeError, RequestError
from ..spec import Recipe
from ..spec.tasks import BINARY_LOSSES, CLASS_LOSSES
from .last_layer import activation_problem, last_activation
from .task import Form, Task, named_loss


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
        last = model.layers[-1] if model.layers else None
        return cls.ending(model, _output_shape(model), last)

    @classmethod
    def ending(cls, model: keras.Model, shape: object, last: keras.Layer | None) -> "Output":
        """One end of a model, by its shape (rows, units) and its last layer, if that is known."""
        if not isinstance(shape, tuple) or len(shape) != 2 or shape[1] is None:
            raise RequestError(
                f"the model {model.name!r} ends in shape {shape}; expected (None, units). Put "
                "`Flatten` or a global pooling layer before its last one."
            )
        return cls(model.name, shape[1], last_activation(last) or "unknown")


def _output_shape(model: keras.Model) -> object:
    """The shape that a model gives; that of one that defines `call` follows from what built it."""
    shape = getattr(model, "output_shape", None)
    if shape is not None:
        return shape
    inputs = list((getattr(model, "_build_shapes_dict", None) or {}).values())
    if len(inputs) != 1 or not isinstance(inputs[0], (tuple, list)):
        return None
    rows = keras.KerasTensor((None, *inputs[0][1:]))
    return getattr(model.compute_output_spec(rows), "shape", None)


def task_for(recipe: Recipe, model: keras.Model, y: object) -> tuple[Task, np.ndarray]:
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
    return task_at(recipe, Output.of(model), y)


def task_at(recipe: Recipe, output: Output, y: object, where: str = "y") -> tuple[Task, np.ndarray]:
    """The same of one end of a model.

    Args:
        where: what messages call the targets.
    """
    targets = as_targets(y, where)
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


def as_targets(y: object, where: str) -> np.ndarray:
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
