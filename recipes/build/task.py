"""What the task asks of a network: its output layer, loss, metrics, and the form of the targets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ..spec import Choice, Recipe
from .objects import Builder

# Losses that compare one probability with 0 or 1.
BINARY = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})


@dataclass(frozen=True)
class Task:
    """How targets are written for the loss, and what follows for the end of the network.

    Attributes:
        form: `labels` (class numbers), `one_hot`, `binary` (one column of 0 and 1) or `values`.
        units: width of the output layer.
    """

    form: str
    units: int
    logits: bool

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Targets as the loss wants them; class numbers in, for classification."""
        if self.form == "one_hot":
            return np.eye(self.units, dtype="float32")[y]
        if self.form == "binary":
            return y.astype("float32").reshape(-1, 1)
        if self.form == "values":
            return y.astype("float32").reshape(len(y), -1)
        return y

    @property
    def activation(self) -> str:
        """Activation of the default output layer."""
        if self.logits or self.form == "values":
            return "linear"
        return "sigmoid" if self.form == "binary" else "softmax"


def task_of(recipe: Recipe, task: str, classes: int, outputs: int) -> Task:
    """The form of the targets that the recipe's loss needs.

    Args:
        task: `classification` or `regression`.
        classes: number of classes.
        outputs: numbers to predict for a row, in a regression.
    """
    logits = bool(recipe.loss is not None and recipe.loss.arguments.get("from_logits", False))
    if task == "regression":
        return Task("values", outputs, logits)
    name = recipe.loss.name if recipe.loss is not None else "sparse_categorical_crossentropy"
    if name.startswith("sparse_"):
        return Task("labels", classes, logits)
    if name in BINARY and classes == 2:
        return Task("binary", 1, logits)
    return Task("one_hot", classes, logits)


def loss(recipe: Recipe, task: Task, builder: Builder) -> Any:
    """The recipe's loss, or the one that fits the task."""
    if recipe.loss is not None:
        return builder.make("losses", recipe.loss, ("loss",))
    if task.form == "values":
        return keras.losses.MeanSquaredError()
    return keras.losses.SparseCategoricalCrossentropy()


def baseline(recipe: Recipe, task: Task, y: np.ndarray) -> float | None:
    """The loss of a network that predicts the same for every row; None where that is not known.

    For a cross-entropy it follows from the classes' shares: their entropy.
    """
    name = recipe.loss.name if recipe.loss is not None else None
    if task.form == "values":
        values = np.asarray(y, "float64").reshape(len(y), -1)
        known = {
            None: lambda: values.var(axis=0).mean(),
            "mean_squared_error": lambda: values.var(axis=0).mean(),
            "sum_of_squares": lambda: 0.5 * values.var(axis=0).sum(),
            "root_mean_squared_error": lambda: np.sqrt(values.var(axis=0).mean()),
            "mean_absolute_error": lambda: np.abs(values - np.median(values, axis=0)).mean(),
        }
        found = float(known[name]()) if name in known else 0.0
        return found if found > 0 else None
    if name is not None and (not name.endswith("crossentropy") or "focal" in name):
        return None
    shares = np.unique(y, return_counts=True)[1] / len(y)
    entropy = float(-np.sum(shares * np.log(shares)))
    return entropy if entropy > 0 else None


def metrics(recipe: Recipe, task: Task, builder: Builder) -> list[Any]:
    """The recipe's metrics, or accuracy for classes and RMSE and MAE for numbers."""
    if recipe.metrics is None:
        if task.form == "values":
            return [
                keras.metrics.RootMeanSquaredError(name="rmse"),
                keras.metrics.MeanAbsoluteError(name="mae"),
            ]
        return [accuracy(task)]
    return [
        accuracy(task, **choice.arguments)
        if _is_accuracy(choice)
        else builder.make("metrics", choice, ("metrics", index))
        for index, choice in enumerate(recipe.metrics)
    ]


def accuracy(task: Task, name: str = "accuracy", **arguments: Any) -> keras.metrics.Metric:
    """Accuracy for the form of the targets.

    `keras.metrics.Accuracy` itself asks for equality, which no probability ever shows; a recipe
    that says `accuracy` means the share of rows put in the right class.
    """
    makers: dict[str, Callable[..., keras.metrics.Metric]] = {
        "labels": keras.metrics.SparseCategoricalAccuracy,
        "one_hot": keras.metrics.CategoricalAccuracy,
        "binary": keras.metrics.BinaryAccuracy,
        "values": keras.metrics.Accuracy,
    }
    if task.form == "binary" and task.logits:
        arguments.setdefault("threshold", 0.0)
    return makers[task.form](name=name, **arguments)


def _is_accuracy(choice: Choice) -> bool:
    return choice.name == "accuracy"
