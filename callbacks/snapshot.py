"""All variables that training changes, taken out of a model and put back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def model_variables(model: Any) -> list[Any]:
    """Weights, moving statistics, and what the training step of a `TrainingModel` remembers.

    The last has the averaged weights, the gradients that are added up, and the histories of norms:
    weights of one epoch with the averages of another would belong to no epoch.
    """
    return [*model.weights, *_remembered(model)]


def all_variables(model: Any) -> list[Any]:
    """Everything that a saved model holds: also random generators and the optimizer's variables."""
    return [*model.variables, *_remembered(model), *model.optimizer.variables]


def _remembered(model: Any) -> list[Any]:
    """Variables of the training step that are no weights."""
    return list(getattr(model, "step_variables", []))


def optimizer_variables(model: Any, *, rate: bool = True) -> list[Any]:
    """The step, the moments, and the learning rate where it is a number and wanted."""
    optimizer = model.optimizer
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    if rate:
        return list(optimizer.variables)
    own = getattr(optimizer, "inner_optimizer", optimizer)
    held = id(getattr(own, "_learning_rate", None))
    return [variable for variable in optimizer.variables if id(variable) != held]


def values(variables: Sequence[Any]) -> list[np.ndarray]:
    """Copies of the variables' values."""
    return [np.array(variable) for variable in variables]


def assign(variables: Sequence[Any], found: Sequence[np.ndarray]) -> None:
    """Put values back, in the order of `values`."""
    for variable, value in zip(variables, found, strict=True):
        variable.assign(value)


def not_finite(variables: Sequence[Any]) -> list[str]:
    """Paths of the variables that hold a NaN or an infinity."""
    return [
        str(getattr(variable, "path", variable.name))
        for variable in variables
        if "float" in str(variable.dtype) and not np.isfinite(np.asarray(variable, float)).all()
    ]
