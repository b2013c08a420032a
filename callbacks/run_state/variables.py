"""Every variable that a training changes, by group, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .packing import Arrays, pack, unpack

Schedule = keras.optimizers.schedules.LearningRateSchedule


class OtherModel(ValueError):
    """A checkpoint that belongs to another model or optimizer."""


def groups(model: Any, tracked: Sequence[Any] = ()) -> dict[str, list[Any]]:
    """The variables of a compiled, built model, each in one group.

    - `model`: weights, moving statistics and random generators of the layers;
    - `untracked`: what layers hold beside them, as recurrent layers their states;
    - `step`: what the training step of a `keras_recipes.models.TrainingModel` remembers;
    - `optimizer`: step, moments, learning rate where it is a number;
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
    found = {
        "model": list(model.variables),
        "untracked": list(_untracked(model)),
        "step": list(getattr(model, "step_variables", [])),
        "optimizer": list(optimizer.variables),
        "schedules": [
            *_of_schedules([optimizer]),
            *(variable for schedule in scheduled for variable in _of_schedule(schedule)),
        ],
        "tracked": [variable for item in tracked for variable in _of(item)],
    }
    return _each_once(found)


def metrics(model: Any) -> list[Any]:
    """Variables of the metrics, which hold the sums of an epoch; some come with the first step."""
    return list(model.metrics_variables)


def changed_by_evaluation(model: Any) -> list[Any]:
    """Variables that an evaluation may change: all of the layers but the trainable weights."""
    weights = {id(variable) for variable in model.trainable_variables}
    found = [*model.variables, *_untracked(model)]
    return [variable for variable in found if id(variable) not in weights]


def _untracked(model: Any) -> Iterator[Any]:
    """Variables in the attributes of layers, whether or not `model.variables` has them."""
    for layer in model._flatten_layers():
        for item in _leaves(list(vars(layer).values())):
            if isinstance(item, (keras.Variable, tf.Variable)):
                yield item
            elif isinstance(item, keras.random.SeedGenerator):
                yield item.state


def _leaves(value: Any) -> Iterator[Any]:
    """The items of nested lists, tuples and dictionaries."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    else:
        yield value


def packed(
    variables: Iterable[Any], arrays: Arrays, earlier: Mapping[int, np.ndarray] | None = None
) -> list[dict[str, Any]]:
    """Path and value of each.

    Args:
        earlier: values to store in place of the present ones, by the `id` of the variable.
    """
    values = earlier or {}
    return [
        {"path": path(v), "value": pack(values.get(id(v), np.asarray(v)), arrays)}
        for v in variables
    ]


def assign(
    name: str, saved: Sequence[Mapping[str, Any]], variables: Sequence[Any], arrays: Sequence[Any]
) -> None:
    """Put values back.

    Raises:
        OtherModel: the variables are not those that were saved; none was changed.
    """
    for variable, value in fitting(name, saved, variables, arrays):
        variable.assign(value)


def fitting(
    name: str, saved: Sequence[Mapping[str, Any]], variables: Sequence[Any], arrays: Sequence[Any]
) -> list[tuple[Any, Any]]:
    """Each variable with its saved value, by path where all paths are known, else in order.

    Keras numbers the names of layers on within a process, so that the paths of a model that is made
    anew may differ.

    Raises:
        OtherModel: the variables are not those that were saved.
    """
    rows = list(zip(variables, _in_order(saved, variables), strict=False))
    values = [unpack(row["value"], arrays) for _, row in rows]
    if len(saved) != len(variables):
        raise OtherModel(
            f"The checkpoint has {len(saved)} variables of the {name}, this training has "
            f"{len(variables)}: it is of another model or optimizer."
        )
    for (variable, row), value in zip(rows, values, strict=True):
        if tuple(variable.shape) != value.shape or _dtype(variable) != value.dtype.name:
            raise OtherModel(
                f"The {name} has `{path(variable)}` of {_dtype(variable)} {tuple(variable.shape)} "
                f"where the checkpoint has `{row['path']}` of {value.dtype.name} {value.shape}: "
                "it is of another model or optimizer."
            )
    return [(variable, value) for (variable, _), value in zip(rows, values, strict=True)]


def _in_order(
    saved: Sequence[Mapping[str, Any]], variables: Sequence[Any]
) -> Sequence[Mapping[str, Any]]:
    """The saved rows in the order of the variables."""
    by_path = {row["path"]: row for row in saved}
    paths = [path(variable) for variable in variables]
    if len(by_path) == len(saved) and set(by_path) == set(paths) and len(paths) == len(saved):
        return [by_path[name] for name in paths]
    return saved


def path(variable: Any) -> str:
    """The path of a Keras variable, the name of another."""
    return str(getattr(variable, "path", variable.name))


def _dtype(variable: Any) -> str:
    return keras.backend.standardize_dtype(variable.dtype)


def _each_once(found: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Each variable in the first group that has it."""
    seen: set[int] = set()
    once: dict[str, list[Any]] = {}
    for name, variables in found.items():
        once[name] = []
        for variable in variables:
            if id(variable) not in seen:
                seen.add(id(variable))
                once[name].append(variable)
    return once


def _of(item: Any) -> list[Any]:
    """Variables of an object, or the object itself."""
    if isinstance(item, (keras.Variable, tf.Variable)):
        return [item]
    if isinstance(item, keras.random.SeedGenerator):
        return [item.state]
    if not hasattr(item, "variables"):
        raise ValueError(
            "Argument `tracked` must be variables, random generators, or objects with `variables`. "
            f"Received: {item!r}"
        )
    return list(item.variables)


def _of_schedules(owners: Iterable[Any]) -> Iterator[Any]:
    """Variables in the schedules that an optimizer, or a part of the training step, holds."""
    for owner in owners:
        for value in list(getattr(owner, "__dict__", {}).values()) if owner is not None else []:
            for item in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(item, Schedule):
                    yield from _of_schedule(item)
                elif isinstance(item, keras.optimizers.Optimizer):
                    yield from _of_schedules([item])


def _of_schedule(schedule: Any) -> Iterator[Any]:
    for value in vars(schedule).values():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(item, (keras.Variable, tf.Variable)):
                yield item
            elif isinstance(item, Schedule):
                yield from _of_schedule(item)
