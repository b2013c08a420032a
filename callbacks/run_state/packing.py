"""Nested Python data as JSON and a list of arrays, and back. Nothing in it is ever run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from ..findings import Finding
from ..gradients import Row

# Marks of what JSON has no form of. A dictionary that has one as a key is written as pairs.
ARRAY, TUPLE, NUMBER, SCALAR, PAIRS, RECORD = MARKS = (
    "__array__",
    "__tuple__",
    "__number__",
    "__scalar__",
    "__pairs__",
    "__record__",
)
RECORDS = {"Finding": Finding, "Row": Row}


class Unpackable(TypeError):
    """A value that is no plain data."""


class Arrays(list):
    """Arrays in order; one that is added twice is there once."""

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[int, int] = {}

    def place(self, array: np.ndarray) -> int:
        """Where an array is, added if it is new."""
        # The list keeps the array alive, so no other can have its id.
        found = self._places.setdefault(id(array), len(self))
        if found == len(self):
            self.append(array)
        return found


def pack(value: Any, arrays: Arrays) -> Any:
    """A value as JSON; its arrays are added to `arrays`, and named by their places there.

    >>> arrays = Arrays()
    >>> pack({"best": float("inf"), "weights": (np.zeros(2),)}, arrays)
    {'best': {'__number__': 'inf'}, 'weights': {'__tuple__': [{'__array__': 0}]}}
    >>> len(arrays)
    1
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.generic):
        return {SCALAR: pack(value.item(), arrays), "dtype": value.dtype.name}
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {NUMBER: repr(value)}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and key not in MARKS for key in value):
            return {key: pack(item, arrays) for key, item in value.items()}
        return {PAIRS: [[pack(k, arrays), pack(v, arrays)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {TUPLE: [pack(item, arrays) for item in value]}
    if isinstance(value, list):
        return [pack(item, arrays) for item in value]
    if is_dataclass(value) and RECORDS.get(type(value).__name__) is type(value):
        found = {field.name: getattr(value, field.name) for field in fields(value)}
        return {RECORD: type(value).__name__, "fields": pack(found, arrays)}
    return _packed_array(value, arrays)


def _packed_array(value: Any, arrays: Arrays) -> dict[str, Any]:
    """An array, or what can be one as a tensor or a variable can."""
    if not isinstance(value, np.ndarray) and not hasattr(value, "numpy"):
        raise Unpackable(f"a {type(value).__name__} is no plain data")
    array = np.asarray(value)
    if array.dtype.hasobject:
        raise Unpackable("an array of Python objects is no plain data")
    if array.dtype.kind != "V":
        return {ARRAY: arrays.place(array)}
    # numpy's format has no bfloat16 and its like: their bytes are stored.
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return {ARRAY: arrays.place(flat), "dtype": array.dtype.name, "shape": list(array.shape)}


def unpack(value: Any, arrays: Sequence[np.ndarray]) -> Any:
    """What `pack` was given.

    >>> unpack(pack([(1, {2: "a"}), np.float32(0.5)], Arrays()), [])
    [(1, {2: 'a'}), np.float32(0.5)]
    """
    if isinstance(value, list):
        return [unpack(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if ARRAY in value:
        found = np.array(arrays[value[ARRAY]])
        if "dtype" not in value:
            return found
        return found.view(np.dtype(value["dtype"])).reshape(value["shape"])
    if NUMBER in value:
        return float(value[NUMBER])
    if SCALAR in value:
        return np.dtype(value["dtype"]).type(unpack(value[SCALAR], arrays))
    if TUPLE in value:
        return tuple(unpack(item, arrays) for item in value[TUPLE])
    if PAIRS in value:
        return {unpack(k, arrays): unpack(v, arrays) for k, v in value[PAIRS]}
    if RECORD in value:
        return RECORDS[value[RECORD]](**unpack(value["fields"], arrays))
    return {key: unpack(item, arrays) for key, item in value.items()}
