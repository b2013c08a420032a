"""Whether a stored state has the form of one: whoever wrote it, no part of it is used before.

The hashes of a checkpoint tell what a disk has damaged, and nothing of who has written it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from . import generators
from .packing import ARRAY, unpack
from .position import Position
from .store import Checkpoint, DamagedCheckpoint

# Packed values of a state, in each of which arrays are named by their places.
PACKED = ("logs", "generators", "tracing")
GROUPS = frozenset({"model", "untracked", "step", "optimizer", "schedules", "tracked"})
# A state names few arrays more than once: unpacked, it takes about what its arrays take.
MOST_COPIES = 16
SPARE_BYTES = 1 << 24
# Batches and epochs beyond which no training gets.
MOST_COUNT = 1 << 53


def check_state(checkpoint: Checkpoint) -> None:
    """Refuse a checkpoint whose state no training has stored.

    Raises:
        DamagedCheckpoint: with its name and what is wrong with it.
    """
    try:
        _check(checkpoint.state, checkpoint.arrays)
    except (ValueError, RecursionError) as error:
        raise DamagedCheckpoint(f"{checkpoint.path}: is no state of a training: {error}") from None


def _check(state: Any, arrays: Sequence[np.ndarray]) -> None:
    state = _mapping("the state", state)
    wanted = ("position", "seconds", "variables", "metrics", "callbacks", *PACKED)
    for name in wanted:
        if name not in state:
            raise ValueError(f"it has no `{name}`")
    _check_size(state, arrays)
    _check_position(_mapping("position", state["position"]))
    if not _is_number(state["seconds"]) or not 0 <= state["seconds"] < math.inf:
        raise ValueError("`seconds` must be a number >= 0")
    groups = _mapping("variables", state["variables"])
    if set(groups) != GROUPS:
        raise ValueError(f"`variables` must have {', '.join(sorted(GROUPS))}")
    for name, rows in groups.items():
        _check_rows(f"variables.{name}", rows, arrays)
    if state["metrics"] is not None:
        _check_rows("metrics", state["metrics"], arrays)
    generators.check(unpack(state["generators"], arrays))
    generators.check_own("tracing", unpack(state["tracing"], arrays))
    unpack(state["logs"], arrays)
    for row in _list("callbacks", state["callbacks"]):
        _check_callback(_mapping("a callback", row), arrays)


def _check_position(position: Mapping[str, Any]) -> None:
    known = {entry.name for entry in fields(Position)}
    if set(position) != known:
        raise ValueError(f"`position` must have {', '.join(sorted(known))}")
    if not isinstance(position["stopped"], bool):
        raise ValueError("`position.stopped` must be true or false")
    steps = position["steps"]
    for name in known - {"stopped"}:
        value = position[name]
        if value is None and name == "steps":
            continue
        _check_count(f"position.{name}", value, low=1 if name == "steps_per_execution" else 0)
    if steps is not None and position["step"] > steps:
        raise ValueError("`position.step` is beyond the end of its epoch")


def _check_rows(name: str, rows: Any, arrays: Sequence[np.ndarray]) -> None:
    """Paths and values of variables."""
    for row in _list(name, rows):
        if not isinstance(row, Mapping) or set(row) != {"path", "value"}:
            raise ValueError(f"`{name}` must have a path and a value for each variable")
        if not isinstance(row["path"], str):
            raise ValueError(f"`{name}` has a path that is no text")
        if not isinstance(unpack(row["value"], arrays), np.ndarray):
            raise ValueError(f"`{name}` has a variable whose value is no array")


def _check_callback(row: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> None:
    if not isinstance(row.get("class"), str) or "state" not in row:
        raise ValueError("a callback has no class or no state")
    unpack(row["state"], arrays)
    for value in _mapping("named", row.get("named")).values():
        unpack(value, arrays)
    if "size" in row:
        _check_count("size", row["size"])
    for index in _mapping("files", row.get("files", {})).values():
        _check_count("files", index)


def _check_size(state: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> None:
    """The arrays that it names, each as often as it does, must not fill the memory."""
    most = MOST_COPIES * sum(array.nbytes for array in arrays) + SPARE_BYTES
    total = 0
    for place in _places(state):
        if isinstance(place, int) and 0 <= place < len(arrays):
            total += arrays[place].nbytes
        if total > most:
            raise ValueError("it names the same arrays again and again")


def _places(value: Any) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping):
            if ARRAY in item:
                yield item[ARRAY]
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _check_count(name: str, value: Any, low: int = 0) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value < MOST_COUNT:
        raise ValueError(f"`{name}` must be a whole number >= {low}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"`{name}` must be a mapping")
    return value


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"`{name}` must be a list")
    return value
