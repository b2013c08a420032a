"""What makes up for rare classes in the training of a recipe."""

from collections.abc import Mapping

import numpy as np

from ..data.balance import Balance, focal_label_weights, resampling, row_weights
from ..errors import RecipeError
from ..spec import Recipe
from ..spec.target_checks import not_balanced
from ..spec.tasks import FOCAL_LOSSES
from .task import Form, Task


def balance_of(recipe: Recipe, task: Task, y: np.ndarray) -> Balance | None:
    """Weights of the rows of the training split, or how they are drawn; None for neither.

    The weights of a focal loss are its arguments, but for several labels: Keras's takes one for
    all of them.

    Args:
        y: targets of the training rows: class numbers, one-hot rows, or labels of 0 and 1.

    Raises:
        RecipeError: they are none of these, with the line.
    """
    asked = recipe.data.balance
    if asked == "none":
        return None
    if asked == "focal" and (task.loss not in FOCAL_LOSSES or not _weighs(task)):
        problem = recipe.problem(("data", "balance"), OWN_MODEL)
        raise RecipeError([problem])
    if task.form is Form.MULTILABEL:
        _check_classes(recipe, y)
        return Balance(weights=focal_label_weights(y) if asked == "focal" else row_weights(y, 2))
    if asked == "focal":
        return None
    if task.form is Form.VALUES:
        raise RecipeError([recipe.problem(("data", "balance"), not_balanced(asked, NO_CLASSES))])
    _check_classes(recipe, y)
    labels = y.argmax(axis=1) if task.form is Form.ONE_HOT and y.ndim == 2 else y
    labels = labels.reshape(-1).astype("int64")
    if asked == "resample":
        return Balance(resampling=resampling(labels))
    return Balance(weights=row_weights(labels, task.classes))


def balance_of_each(
    outputs: Mapping[str, tuple[Recipe, Task]], targets: Mapping[str, np.ndarray]
) -> Balance | None:
    """The weights of the rows in the loss of each of several outputs; None where all weigh 1.

    Args:
        outputs: recipe and task of each, by name.
        targets: those of the training rows, by name.
    """
    made = {
        name: balance_of(recipe, task, targets[name]) for name, (recipe, task) in outputs.items()
    }
    weights = {name: one.weights for name, one in made.items() if one is not None}
    if not weights:
        return None
    # Each has an entry, as a dataset holds no None.
    ones = np.ones(len(next(iter(targets.values()))), "float32")
    return Balance(weights={name: _array(weights.get(name), ones) for name in outputs})


def _array(weights: np.ndarray | Mapping[str, np.ndarray] | None, ones: np.ndarray) -> np.ndarray:
    return weights if isinstance(weights, np.ndarray) else ones


def _weighs(task: Task) -> bool:
    """Whether a focal loss has weights: as an argument, or those of each label."""
    return task.alpha is not None or task.form is Form.MULTILABEL


def _check_classes(recipe: Recipe, y: np.ndarray) -> None:
    """Raise where targets are fractions, as the targets of a model of the user's own may be."""
    if (y != np.floor(y)).any():
        why = not_balanced(recipe.data.balance, NO_CLASSES)
        raise RecipeError([recipe.problem(("data", "balance"), why)])


NO_CLASSES = "the targets are no classes"
OWN_MODEL = (
    "`focal` decides the loss of a recipe's own network. For a model of your own leave it out, and "
    "name the loss: `loss: {binary_focal_crossentropy: {alpha: 0.8, apply_class_balancing: true}}`."
)
