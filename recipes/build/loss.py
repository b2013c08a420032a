"""The loss of a recipe, for the form of its targets."""

import keras

from ...models import LabelLoss, StandardizedLoss
from ..spec import Choice, Recipe
from ..spec.tasks import BINARY_LOSSES, FOCAL_LOSSES
from .objects import Builder
from .task import Form, Task


def loss_of(recipe: Recipe, task: Task, builder: Builder) -> keras.losses.Loss:
    """The recipe's loss, or the one that fits the task; of standardized values, where asked."""
    found = builder.make("losses", _loss_choice(recipe, task), ("loss",))
    if task.form is Form.MULTILABEL and recipe.data.balance != "none":
        return LabelLoss(found, name=found.name)
    if task.scaling is None:
        return found
    offset, divisor = task.scaling.offset.tolist(), task.scaling.divisor.tolist()
    return StandardizedLoss(found, offset, divisor, name=found.name)


def _loss_choice(recipe: Recipe, task: Task) -> Choice:
    """The loss with the weights of a focal one, unless the recipe gives them."""
    choice = recipe.loss or Choice("losses", task.loss)
    if task.alpha is None or choice.name not in FOCAL_LOSSES:
        return choice
    weights: dict[str, object] = {"alpha": _as_argument(task.alpha)}
    if choice.name in BINARY_LOSSES:
        weights["apply_class_balancing"] = True  # without it Keras leaves alpha out
    return choice.with_arguments(**{**weights, **choice.arguments})


def _as_argument(alpha: float | tuple[float, ...]) -> float | list[float]:
    return list(alpha) if isinstance(alpha, tuple) else alpha
