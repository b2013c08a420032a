"""Checks of a state that anybody may have written, before any part of it is used."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from ..codec import ARRAY, decode
from ..variables import GROUPS
from . import rng_state
from .checkpoint import Checkpoint, DamagedCheckpoint
from .fit import Position
from .training_state import StoredRate, StoredState

# A state rarely names an array twice: decoded, it takes about as much memory as its arrays.
MAX_COPIES = 16
SPARE_BYTES = 1 << 24
# No training reaches this number of batches or epochs.
MAX_COUNT = 1 << 53

# A part of a state that was read, each value of which is checked where it is used.
JsonObject = Mapping[str, Any]


def check_state(checkpoint: Checkpoint) -> None:
    """Refuse a checkpoint whose state no training has stored.

    The hashes of a checkpoint show what a disk has damaged, not who has written it.

    Raises:
        DamagedCheckpoint: with its name and what is wrong with it.
    """
    try:
        _check(checkpoint.state, checkpoint.arrays)
    except (ValueError, RecursionError) as error:
        raise DamagedCheckpoint(
            f"{checkpoint.path}: is not the state of a training: {error}"
        ) from None


def _check(state: object, arrays: Sequence[np.ndarray]) -> None:
    state = _mapping("the state", state)
    for name in StoredState.__required_keys__:
        if name not in state:
            raise ValueError(f"it has no `{name}`")
    _check_size(state, arrays)
    _check_position(_mapping("position", state["position"]))
    seconds = state["seconds"]
    if type(seconds) not in (int, float) or not 0 <= seconds < math.inf:
        raise ValueError("`seconds` must be a number >= 0")
    if "learning_rate" in state:
        _check_rate(_mapping("learning_rate", state["learning_rate"]))
    groups = _mapping("variables", state["variables"])
    if set(groups) != set(GROUPS):
        raise ValueError(f"`variables` must have {', '.join(GROUPS)}")
    for name, rows in groups.items():
        _check_variables(f"variables.{name}", rows, arrays)
    if state["metrics"] is not None:
        _check_variables("metrics", state["metrics"], arrays)
    rng_state.check(decode(state["generators"], arrays))
    rng_state.check_python("tracing", decode(state["tracing"], arrays))
    decode(state["logs"], arrays)
    for row in _list("callbacks", state["callbacks"]):
        _check_callback(_mapping("a callback", row), arrays)


def _check_size(state: JsonObject, arrays: Sequence[np.ndarray]) -> None:
    """The arrays of a state, counted as often as it names them, must not fill the memory."""
    limit = MAX_COPIES * sum(array.nbytes for array in arrays) + SPARE_BYTES
    total = 0
    for index in _array_indices(state):
        if isinstance(index, int) and 0 <= index < len(arrays):
            total += arrays[index].nbytes
        if total > limit:
            raise ValueError("it names the same arrays again and again")


def _array_indices(value: object) -> Iterator[object]:
    remaining = [value]
    while remaining:
        item = remaining.pop()
        if isinstance(item, Mapping):
            if ARRAY in item:
                yield item[ARRAY]
            remaining.extend(item.values())
        elif isinstance(item, list):
            remaining.extend(item)


def _check_position(position: JsonObject) -> None:
    names = {entry.name for entry in fields(Position)}
    if set(position) != names:
        raise ValueError(f"`position` must have {', '.join(sorted(names))}")
    if not isinstance(position["stopped"], bool):
        raise ValueError("`position.stopped` must be true or false")
    steps = position["steps"]
    for name in names - {"stopped"} - ({"steps"} if steps is None else set()):
        low = 1 if name == "steps_per_execution" else 0
        _check_count(f"position.{name}", position[name], low)
    if steps is not None and position["step"] > steps:
        raise ValueError("`position.step` is beyond the end of its epoch")


def _check_rate(rate: JsonObject) -> None:
    if set(rate) != set(StoredRate.__annotations__):
        raise ValueError(f"`learning_rate` must have {', '.join(StoredRate.__annotations__)}")
    numbers = [rate["last"]]
    if rate["initial"] is not None:
        numbers.append(rate["initial"])
    if any(type(number) not in (int, float) for number in numbers):
        raise ValueError("`learning_rate` must have rates that are numbers")
    if not isinstance(rate["path"], str | None):
        raise ValueError("`learning_rate.path` must be text")


def _check_variables(name: str, rows: object, arrays: Sequence[np.ndarray]) -> None:
    for row in _list(name, rows):
        if not isinstance(row, Mapping) or set(row) != {"path", "value"}:
            raise ValueError(f"`{name}` must have a path and a value for each variable")
        if not isinstance(row["path"], str):
            raise ValueError(f"`{name}` has a path that is not text")
        if not isinstance(decode(row["value"], arrays), np.ndarray):
            raise ValueError(f"`{name}` has a variable whose value is not an array")


def _check_callback(row: JsonObject, arrays: Sequence[np.ndarray]) -> None:
    if not isinstance(row.get("class"), str) or "state" not in row:
        raise ValueError("a callback has no class or no state")
    decode(row["state"], arrays)
    for value in _mapping("named", row.get("named")).values():
        decode(value, arrays)
    if "size" in row:
        _check_count("size", row["size"])
    for index in _mapping("files", row.get("files", {})).values():
        _check_count("files", index)


def _check_count(name: str, value: object, low: int = 0) -> None:
    if type(value) is not int or not low <= value < MAX_COUNT:
        raise ValueError(f"`{name}` must be a whole number >= {low}")


def _mapping(name: str, value: object) -> JsonObject:
    if not isinstance(value, Mapping):
        raise ValueError(f"`{name}` must be a mapping")
    return value


def _list(name: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"`{name}` must be a list")
    return value
