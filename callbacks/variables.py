"""The variables that a training changes, and their values copied and assigned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf
from keras.optimizers import Optimizer
from keras.optimizers.schedules import LearningRateSchedule
from keras.random import SeedGenerator

from .learning_rate import rate_number

Variable = keras.Variable | tf.Variable
# The names of `variable_groups`.
GROUPS = ("model", "untracked", "step", "optimizer", "schedules", "tracked")


def variable_groups(
    model: keras.Model, tracked: Sequence[object] = ()
) -> dict[str, list[Variable]]:
    """All variables of a compiled, built model, each in the first group that has it.

    - `model`: weights, moving statistics and random generators of the layers;
    - `untracked`: what layers hold beside them, such as the states of recurrent layers;
    - `step`: the state of the training step of a `keras_recipes.models.TrainingModel`;
    - `optimizer`: step, moments, and the learning rate where it is a number;
    - `schedules`: variables of schedules, such as the factor of a plateau;
    - `tracked`: those of further objects.

    Args:
        tracked: variables, or objects with `variables`, that training changes too.
    """
    parts = getattr(model, "training_parts", None)
    scheduled = [] if parts is None else parts.schedules()
    found = (
        model.variables,
        _layer_variables(model),
        _step_variables(model),
        optimizer_variables(model),
        [v for owner in (model.optimizer, *scheduled) for v in schedule_variables(owner)],
        [v for item in tracked for v in _tracked_variables(item)],
    )
    seen: set[int] = set()
    return {
        name: [v for v in variables if not (id(v) in seen or seen.add(id(v)))]
        for name, variables in zip(GROUPS, found, strict=True)
    }


def model_variables(model: keras.Model) -> list[keras.Variable]:
    """Weights, moving statistics, and the state of the training step of a `TrainingModel`.

    The last has the averaged weights, the accumulated gradients and the histories of norms:
    weights of one epoch with the averages of another would belong to no epoch.
    """
    return [*model.weights, *_step_variables(model)]


def saved_variables(model: keras.Model) -> list[keras.Variable]:
    """Everything that a saved model holds, random generators too, but a rate that is a number.

    A training that continues with another kind of rate has the same variables but for that one.
    """
    rest = optimizer_variables(model, rate=False)
    return [*model.variables, *_step_variables(model), *rest]


def optimizer_variables(model: keras.Model, *, rate: bool = True) -> list[keras.Variable]:
    """The step, the moments, and with `rate` the learning rate where it is a number."""
    optimizer = model.optimizer
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    left_out = None if rate else rate_number(model)
    return [variable for variable in optimizer.variables if variable is not left_out]


def changed_by_evaluation(model: keras.Model) -> list[Variable]:
    """Variables that an evaluation may change: all of the layers but the trainable weights."""
    weights = {id(variable) for variable in model.trainable_variables}
    return [v for v in (*model.variables, *_layer_variables(model)) if id(v) not in weights]


def get_values(variables: Sequence[keras.Variable]) -> list[np.ndarray]:
    """Copies of the variables' values."""
    return [np.array(variable) for variable in variables]


def set_values(variables: Sequence[keras.Variable], values: Sequence[np.ndarray]) -> None:
    """Assign what `get_values` returned."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def not_finite(variables: Sequence[keras.Variable]) -> list[str]:
    """Paths of the variables that hold a NaN or an infinity."""
    return [
        path(variable)
        for variable in variables
        if "float" in str(variable.dtype) and not np.isfinite(np.asarray(variable, float)).all()
    ]


def path(variable: keras.Variable) -> str:
    """The path of a Keras variable, the name of another."""
    return str(getattr(variable, "path", variable.name))


def _step_variables(model: keras.Model) -> list[keras.Variable]:
    return list(getattr(model, "step_variables", []))


def _layer_variables(model: keras.Model) -> Iterator[Variable]:
    """Variables in the attributes of layers, whether or not `model.variables` has them."""
    for layer in model._flatten_layers():
        for item in _leaves(list(vars(layer).values())):
            if isinstance(item, Variable):
                yield item
            elif isinstance(item, SeedGenerator):
                yield item.state


def schedule_variables(owner: object) -> Iterator[Variable]:
    """Variables of the schedules that an optimizer, or a part of the training step, holds."""
    for value in getattr(owner, "__dict__", {}).values():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(item, (LearningRateSchedule, Optimizer)):
                yield from schedule_variables(item)
            elif isinstance(owner, LearningRateSchedule) and isinstance(item, Variable):
                yield item


def _tracked_variables(item: object) -> list[Variable]:
    if isinstance(item, Variable):
        return [item]
    if isinstance(item, SeedGenerator):
        return [item.state]
    if not hasattr(item, "variables"):
        raise ValueError(
            "Argument `tracked` must be variables, random generators, or objects with `variables`. "
            f"Received: {item!r}"
        )
    return list(getattr(item, "variables"))  # noqa: B009


def _leaves(value: object) -> Iterator[object]:
    """The items of nested lists, tuples and dictionaries, whatever their keys."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value
