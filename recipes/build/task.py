"""What the task asks of a network: its output layer, loss, and the form of the targets."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ..data import Data
from ..data.balance import focal_alpha
from ..data.scale import Scaling
from ..errors import RecipeError
from ..spec import Recipe
from ..spec.pictures import mixes
from ..spec.target_checks import SEVERAL_LABELS, not_balanced
from ..spec.tasks import BINARY_LOSSES, CLASS_LOSSES, NUMBERS
from ..spec.tasks import Task as Kind
from .target_scaling import refuse_standardized, target_scaling

# Classes that a summary names.
MOST_NAMED = 10


class Form(StrEnum):
    """How targets are written for the loss."""

    LABELS = "labels"  # class numbers (rows,)
    ONE_HOT = "one_hot"  # a column of 0 and 1 for each class
    BINARY = "binary"  # one column of 0 and 1
    MULTILABEL = "multilabel"  # a column of 0 and 1 for each label
    VALUES = "values"  # numbers to predict


class Probabilities(StrEnum):
    """What numbers to predict are, where they are probabilities."""

    EACH = "each"  # independent of each other
    ROW = "row"  # those of a row sum to 1


@dataclass(frozen=True)
class Task:
    """The form of the targets, and what follows from it for the end of the network.

    Attributes:
        form: how targets are written for the loss.
        units: width of the output layer.
        logits: whether the loss makes probabilities of the outputs itself.
        probabilities: whether `VALUES` are probabilities; None for other numbers.
        scaling: of the values, if the network learns them standardized.
        loss: name of the loss.
        ordered: whether the classes have an order.
        counts: whether the values are counts, whose rates are predicted.
        alpha: weights of the classes in a focal loss, as its argument; None for those of the loss.
    """

    form: Form
    units: int
    logits: bool = False
    probabilities: Probabilities | None = None
    scaling: Scaling | None = None
    loss: str = ""
    ordered: bool = False
    counts: bool = False
    alpha: float | tuple[float, ...] | None = None

    @property
    def kind(self) -> Kind:
        """What a metric compares: ordered classes are classes, and counts numbers."""
        if self.form is Form.VALUES:
            return "regression"
        return "multilabel" if self.form is Form.MULTILABEL else "classification"

    @property
    def classes(self) -> int:
        """Number of classes; of outputs, where there are no classes."""
        return 2 if self.form is Form.BINARY else self.units

    @property
    def activation_of_probabilities(self) -> str | None:
        """What makes probabilities of logits; None where the outputs are other numbers."""
        if self.form in (Form.BINARY, Form.MULTILABEL) or self.probabilities is Probabilities.EACH:
            return "sigmoid"
        if self.form in (Form.LABELS, Form.ONE_HOT) or self.probabilities is Probabilities.ROW:
            return "softmax"
        return None

    @property
    def activation(self) -> str:
        """Activation of the default output layer."""
        if self.counts:
            return "exponential"
        return "linear" if self.logits else self.activation_of_probabilities or "linear"

    @property
    def output_function(self) -> str | None:
        """What makes probabilities of the model's outputs; None where they are used as they are."""
        return self.activation_of_probabilities if self.logits else None

    @property
    def words(self) -> str:
        """What a metric compares, for a message."""
        if self.kind == "classification":
            return f"{self.classes} classes with {self.units} outputs"
        what = "labels" if self.kind == "multilabel" else "numbers to predict"
        return f"{self.units} {what} with {self.units} outputs"

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Targets as the loss wants them; class numbers in, for classification."""
        if self.form is Form.ONE_HOT and y.ndim == 1:
            return np.eye(self.units, dtype="float32")[y]
        if self.form is Form.LABELS:
            return y
        return y.astype("float32").reshape(len(y), -1)

    def examples(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Targets and outputs of the task's form, to try a metric on."""
        numbers = np.arange(rows, dtype="int32") % self.classes
        targets = self.encode(numbers)
        if self.form in (Form.MULTILABEL, Form.VALUES):
            targets = np.eye(rows, self.units, dtype="float32")
        return targets, np.full((rows, self.units), 1.0 / self.units, "float32")


def named_loss(recipe: Recipe) -> tuple[str, bool]:
    """Name of the recipe's loss, empty for the default, and whether it takes logits."""
    if recipe.loss is None:
        return "", False
    return recipe.loss.name, bool(recipe.loss.arguments.get("from_logits", False))


def task_of(recipe: Recipe, data: Data) -> Task:
    """The form of the targets that the recipe's loss needs.

    Raises:
        RecipeError: the loss cannot compare such targets.
    """
    name, logits = named_loss(recipe)
    _check_balance(recipe, data)
    if data.task in NUMBERS:
        return _values(recipe, data, name, logits)
    if data.task == "multilabel":
        refuse_standardized(recipe, "the targets are labels")
        if name in CLASS_LOSSES - BINARY_LOSSES:
            raise _wrong(
                recipe, f"`{name}` needs one class a row, and a row has {data.num_outputs} labels."
            )
        focal = recipe.data.balance == "focal"
        loss = name or ("binary_focal_crossentropy" if focal else "binary_crossentropy")
        return Task(Form.MULTILABEL, data.num_outputs, logits, loss=loss)
    refuse_standardized(recipe, "the targets are classes")
    classes, ordered = len(data.classes), data.task == "ordinal"
    loss = name or _default_loss(recipe, data)
    alpha = None
    if recipe.data.balance == "focal":
        alphas = focal_alpha(data.train.y, classes)
        alpha = alphas[1] if loss in BINARY_LOSSES else alphas
    if ordered and logits and recipe.model.output is None:
        raise _wrong(
            recipe,
            "the output for ordered classes gives probabilities; leave `from_logits` out.",
        )
    if loss.startswith("sparse_"):
        return Task(Form.LABELS, classes, logits, loss=loss, ordered=ordered)
    if loss not in BINARY_LOSSES:
        return Task(Form.ONE_HOT, classes, logits, loss=loss, ordered=ordered, alpha=alpha)
    if ordered:
        raise _wrong(
            recipe,
            f"`{loss}` takes each output by itself, and ordered classes have probabilities that "
            "sum to 1. Leave `loss` out.",
        )
    if classes != 2:
        raise _wrong(
            recipe,
            f"`{loss}` decides between two classes, and the data has {classes}. Use "
            "`sparse_categorical_crossentropy`, or targets of one column a label.",
        )
    return Task(Form.BINARY, 1, logits, loss=loss, alpha=alpha)


def _default_loss(recipe: Recipe, data: Data) -> str:
    """The loss of a recipe that names none, for classes."""
    mixed = mixes(recipe)
    if recipe.data.balance != "focal":
        # Class numbers cannot be mixed.
        return "categorical_crossentropy" if mixed else "sparse_categorical_crossentropy"
    two = len(data.classes) == 2 and data.task != "ordinal" and not mixed
    return "binary_focal_crossentropy" if two else "categorical_focal_crossentropy"


def _check_balance(recipe: Recipe, data: Data) -> None:
    """Raise where classes are to be balanced and there are none, with the line."""
    balance, place = recipe.data.balance, ("data", "balance")
    if balance == "none":
        return
    if data.task in NUMBERS:
        why = not_balanced(balance, "the targets are numbers to predict")
        raise RecipeError([recipe.problem(place, why)])
    if balance == "resample" and data.task == "multilabel":
        raise RecipeError([recipe.problem(place, SEVERAL_LABELS)])


def _values(recipe: Recipe, data: Data, name: str, logits: bool) -> Task:
    y, kind = data.train.y, None
    if name in BINARY_LOSSES or name == "categorical_crossentropy":
        kind = Probabilities.EACH if name in BINARY_LOSSES else Probabilities.ROW
        splits = [split.y for split in (data.train, data.validation, data.test) if split]
        if not all(_probabilities(y, kind) for y in splits):
            sums = "" if kind is Probabilities.EACH else " that sum to 1 in each row"
            raise _wrong(
                recipe,
                f"`{name}` compares probabilities, and the targets are numbers from {y.min():.6g} "
                f"to {y.max():.6g}, none from 0 to 1{sums}. For a regression leave `loss` out; for "
                "classes write `task: classification` below `data`.",
            )
    elif name in CLASS_LOSSES:
        raise _wrong(
            recipe,
            f"`{name}` compares classes, and the targets are numbers to predict. Leave `loss` out, "
            "or write `task: classification` below `data`.",
        )
    return Task(
        Form.VALUES,
        data.num_outputs,
        logits,
        kind,
        target_scaling(recipe, data),
        loss=name or ("poisson" if data.task == "count" else "mean_squared_error"),
        counts=data.task == "count",
    )


def _probabilities(y: np.ndarray, kind: Probabilities) -> bool:
    low, high = y.min() >= 0, y.max() <= 1
    sums = kind is Probabilities.EACH or (y.ndim == 2 and np.allclose(y.sum(axis=1), 1, atol=1e-3))
    return bool(low and high and sums)


def _wrong(recipe: Recipe, message: str) -> RecipeError:
    return RecipeError([recipe.problem(("loss",), message)])


def summary(task: Task, data: Data, output: str) -> str:
    """A line for people: the task, its classes, the loss and the output.

    Args:
        output: the output layer in words.
    """
    if task.kind == "classification":
        names = [str(name) for name in data.classes[:MOST_NAMED]]
        more = ", ..." if len(data.classes) > MOST_NAMED else ""
        kind = "ordinal" if task.ordered else "classification"
        what = f"{kind}, {len(data.classes)} classes ({', '.join(names)}{more})"
    elif task.kind == "multilabel":
        what = f"multilabel, {task.units} labels"
    else:
        count = "1 number" if task.units == 1 else f"{task.units} numbers"
        what = f"{'counts' if task.counts else 'regression'}, {count} a row"
    scale = ""
    if task.scaling is not None and task.counts:
        scale = " of the targets divided by their mean"
    elif task.scaling is not None:
        scale = " of the standardized targets"
        if task.units == 1:
            offset, divisor = float(task.scaling.offset[0]), float(task.scaling.divisor[0])
            scale += f" (mean {offset:.6g}, deviation {divisor:.6g})"
    return f"task: {what}; loss: {task.loss}{scale}; output: {output}"
