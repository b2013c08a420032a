"""The variables that a training changes, by group, with their values stored and assigned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypedDict

import keras
import numpy as np
import tensorflow as tf
from keras.optimizers import Optimizer
from keras.optimizers.schedules import LearningRateSchedule
from keras.random import SeedGenerator

from .codec import ArrayList, Json, decode, encode

Variable = keras.Variable | tf.Variable
# The groups of a stored state, which `groups` describes.
GROUPS = ("model", "untracked", "step", "optimizer", "schedules", "tracked")


class StoredVariable(TypedDict):
    """Path and encoded value of a variable."""

    path: str
    value: Json


class OtherModel(ValueError):
    """A checkpoint that belongs to another model or optimizer."""


def groups(model: keras.Model, tracked: Sequence[object] = ()) -> dict[str, list[Variable]]:
    """The variables of a compiled, built model, each in the first group that has it.

    - `model`: weights, moving statistics and random generators of the layers;
    - `untracked`: what layers hold beside them, such as the states of recurrent layers;
    - `step`: what the training step of a `keras_recipes.models.TrainingModel` remembers;
    - `optimizer`: step, moments, and the learning rate where it is a number;
    - `schedules`: variables of schedules, such as the factor of a plateau;
    - `tracked`: those of further objects.

    Args:
        tracked: variables, or objects with `variables`, that training changes too.
    """
    optimizer = model.optimizer
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    parts = getattr(model, "training_parts", None)
    scheduled = [] if parts is None else parts.schedules()
    found = (
        model.variables,
        _layer_variables(model),
        getattr(model, "step_variables", []),
        optimizer.variables,
        [v for owner in (optimizer, *scheduled) for v in _schedule_variables(owner)],
        [v for item in tracked for v in _tracked_variables(item)],
    )
    seen: set[int] = set()
    return {
        name: [v for v in variables if not (id(v) in seen or seen.add(id(v)))]
        for name, variables in zip(GROUPS, found, strict=True)
    }


def metrics(model: keras.Model) -> list[Variable]:
    """Variables of the metrics, which sum up an epoch; some exist only after the first step."""
    return list(model.metrics_variables)


def changed_by_evaluation(model: keras.Model) -> list[Variable]:
    """Variables that an evaluation may change: all of the layers but the trainable weights."""
    weights = {id(variable) for variable in model.trainable_variables}
    return [v for v in (*model.variables, *_layer_variables(model)) if id(v) not in weights]


def _layer_variables(model: keras.Model) -> Iterator[Variable]:
    """Variables in the attributes of layers, whether or not `model.variables` has them."""
    for layer in model._flatten_layers():
        for item in _leaves(list(vars(layer).values())):
            if isinstance(item, Variable):
                yield item
            elif isinstance(item, SeedGenerator):
                yield item.state


def _schedule_variables(owner: object) -> Iterator[Variable]:
    """Variables of the schedules that an optimizer, or a part of the training step, holds."""
    for value in getattr(owner, "__dict__", {}).values():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(item, (LearningRateSchedule, Optimizer)):
                yield from _schedule_variables(item)
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
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        yield from _leaves(list(value.values()))
    else:
        yield value


def store(
    variables: Iterable[Variable],
    arrays: ArrayList,
    earlier: Mapping[int, np.ndarray] | None = None,
) -> list[StoredVariable]:
    """Path and value of each variable.

    Args:
        arrays: takes the values.
        earlier: values to store instead of the present ones, by the `id` of the variable.
    """
    values = earlier or {}
    return [
        {"path": path(v), "value": encode(values.get(id(v), np.asarray(v)), arrays)}
        for v in variables
    ]


def assign(
    name: str,
    saved: Sequence[StoredVariable],
    variables: Sequence[Variable],
    arrays: Sequence[np.ndarray],
) -> None:
    """Give the variables of a group their saved values.

    Raises:
        OtherModel: the variables are not those that were saved; none has changed.
    """
    for variable, value in matched(name, saved, variables, arrays):
        variable.assign(value)


def matched(
    name: str,
    saved: Sequence[StoredVariable],
    variables: Sequence[Variable],
    arrays: Sequence[np.ndarray],
) -> list[tuple[Variable, np.ndarray]]:
    """Each variable with its saved value: by path where all paths are known, else in order.

    Keras numbers the names of layers within a process, so the paths of a model that is built again
    may differ.

    Raises:
        OtherModel: the variables are not those that were saved.
    """
    if len(saved) != len(variables):
        raise OtherModel(
            f"The checkpoint has {len(saved)} variables of the {name}, this training has "
            f"{len(variables)}: it is of another model or optimizer."
        )
    by_path = {row["path"]: row for row in saved}
    if len(by_path) == len(saved) and set(by_path) == {path(v) for v in variables}:
        saved = [by_path[path(variable)] for variable in variables]
    pairs = []
    for variable, row in zip(variables, saved, strict=True):
        value: np.ndarray = decode(row["value"], arrays)
        dtype = keras.backend.standardize_dtype(variable.dtype)
        if tuple(variable.shape) != value.shape or dtype != value.dtype.name:
            raise OtherModel(
                f"The {name} has `{path(variable)}` of {dtype} {tuple(variable.shape)} "
                f"where the checkpoint has `{row['path']}` of {value.dtype.name} {value.shape}: "
                "it is of another model or optimizer."
            )
        pairs.append((variable, value))
    return pairs


def path(variable: Any) -> str:
    """The path of a Keras variable, the name of another."""
    return str(getattr(variable, "path", variable.name))
