"""What a network that predicts the same for every row reaches on a recipe's data."""

import numpy as np

from ...callbacks.curves import ConstantPredictor
from ..data import Data
from ..spec import Recipe
from .task import Form, Task

# Targets within these bounds train well as they are.
MOST_MEAN, DEVIATIONS = 10.0, (0.1, 10.0)
# From this multiple of an equal fraction on, classes are called unbalanced.
UNBALANCED = 1.5
USUAL = "a higher learning rate or more epochs, and features that tell the rows apart"


def constant_guess(
    task: Task, data: Data, loss: float | None, balance: str = "none"
) -> ConstantPredictor:
    """Loss and accuracy of predicting the same for every row, and what helps against it.

    Args:
        loss: the loss of such a network, or None where it is not known.
        balance: the recipe's; a balanced network may be less accurate than the majority class, and
            better.
    """
    y = data.train.y
    if task.kind == "regression":
        mean = "the mean of the targets"
        return ConstantPredictor(mean, loss, None, f"Check for {USUAL}.", _scale(task, y))
    if task.kind == "multilabel":
        fractions = y.mean(axis=0)
        most = float(np.maximum(fractions, 1 - fractions).mean())
        return ConstantPredictor(
            f"the more frequent answer to each label ({100 * most:.0f} %)",
            loss,
            most if balance == "none" else None,
            "Monitor `auc` or `f1_score`, which a constant prediction does not raise; check for "
            f"{USUAL}.",
        )
    counts = np.bincount(y, minlength=len(data.classes))
    most = float(counts.max() / len(y))
    name = data.classes[int(counts.argmax())]
    remedy = f"Check for {USUAL}."
    if balance != "none":
        return ConstantPredictor(
            f"a constant (one of {len(data.classes)} classes)", loss, None, remedy
        )
    if most > UNBALANCED / len(data.classes):
        rare = counts.argmin()
        remedy = (
            f"The classes are unbalanced: {counts.max()} rows of {name} and {counts.min()} of "
            f"{data.classes[rare]}. Weigh the rare classes or repeat their rows, `balance: "
            "class_weights` or `resample` below `data` (from Python `class_weight` of "
            "`model.fit`), and monitor `auc`, `recall` or `f1_score`, which a constant prediction "
            f"does not raise; check for {USUAL}."
        )
    return ConstantPredictor(f"the majority class ({name}, {100 * most:.0f} %)", loss, most, remedy)


def _scale(task: Task, y: np.ndarray) -> str:
    if task.scaling is not None or task.probabilities is not None:
        return ""
    values = np.asarray(y, "float64")
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    fits = (np.abs(mean) <= MOST_MEAN).all()
    if fits and DEVIATIONS[0] <= deviation.min() and deviation.max() <= DEVIATIONS[1]:
        return ""
    worst = np.argmax(np.maximum(np.abs(np.log(np.maximum(deviation, 1e-30))), np.abs(mean)))
    return (
        f"The targets have mean {mean.flat[worst]:.4g} and deviation {deviation.flat[worst]:.4g}, "
        "far from the 0 and 1 that networks begin with: write `target_scale: standardize` below "
        "`data`."
    )


def baseline_loss(recipe: Recipe, task: Task, y: np.ndarray) -> float | None:
    """The loss of a network that predicts the same for every row; None where that is not known.

    For a cross-entropy it is the entropy of the classes.
    """
    if task.form is Form.VALUES:
        return _values_baseline(task, y)
    if not task.loss.endswith("crossentropy") or "focal" in task.loss:
        return None
    if recipe.data.balance in ("class_weights", "resample"):
        # To the loss all classes are equally frequent.
        return float(np.log(2 if task.form is Form.MULTILABEL else len(np.unique(y))))
    if task.form is Form.MULTILABEL:
        fractions = np.asarray(y, "float64").mean(axis=0)
        pairs = np.clip(np.stack([fractions, 1 - fractions]), 1e-12, 1)
        entropy = float(-np.mean(np.sum(pairs * np.log(pairs), axis=0)))
    else:
        fractions = np.unique(y, return_counts=True)[1] / len(y)
        entropy = float(-np.sum(fractions * np.log(fractions)))
    return entropy if entropy > 0 else None


def _values_baseline(task: Task, y: np.ndarray) -> float | None:
    values = np.asarray(y, "float64").reshape(len(y), -1)
    if task.scaling is not None:
        values = (values - task.scaling.offset) / task.scaling.divisor
    errors = np.abs(values - values.mean(axis=0))
    known = {
        "mean_squared_error": lambda: np.square(errors).mean(),
        "sum_of_squares": lambda: 0.5 * np.square(errors).mean(axis=0).sum(),
        "root_mean_squared_error": lambda: np.sqrt(np.square(errors).mean()),
        "mean_absolute_error": lambda: np.abs(values - np.median(values, axis=0)).mean(),
        "poisson": lambda: (values.mean(axis=0) - values * np.log(values.mean(axis=0))).mean(),
        "log_cosh": lambda: (np.logaddexp(errors, -errors) - np.log(2)).mean(),
    }
    found = float(known[task.loss]()) if task.loss in known else 0.0
    return found if found > 0 else None
