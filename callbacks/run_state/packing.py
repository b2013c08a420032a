"""Nested Python data as JSON and a list of arrays, and back. Nothing in it is ever run."""

from __future__ import annotations

import math
import re
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
# Fields of records, by their annotations.
FIELD_TYPES: dict[str, Any] = {
    "str": str,
    "str | None": (str, type(None)),
    "bool": (bool, np.bool_),
    "int": (int, np.integer),
    "float": (int, float, np.number),
}
# What stands beside each mark.
BESIDE: dict[str, tuple[set[str], ...]] = {
    ARRAY: (set(), {"dtype", "shape"}),
    TUPLE: (set(),),
    NUMBER: (set(),),
    SCALAR: ({"dtype"},),
    PAIRS: (set(),),
    RECORD: ({"fields"},),
}
# Types of NumPy's numbers; other names would make types of other things.
SCALARS = frozenset(
    {
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float16", "float32", "float64",
    }
)  # fmt: skip
NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")
# No state of ours is nested half as deep.
DEEPEST = 60


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


def unpack(value: Any, arrays: Sequence[np.ndarray], depth: int = 0) -> Any:
    """What `pack` was given.

    Raises:
        ValueError: it is nothing that `pack` makes.

    >>> again = unpack(pack([(1, {2: "a"}), np.float32(0.5)], Arrays()), [])
    >>> again == [(1, {2: "a"}), 0.5], type(again[1]).__name__
    (True, 'float32')
    """
    if depth > DEEPEST:
        raise ValueError(f"values are nested more than {DEEPEST} deep")
    if isinstance(value, list):
        return [unpack(item, arrays, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    mark = next((mark for mark in MARKS if mark in value), None)
    if mark is None:
        return {key: unpack(item, arrays, depth + 1) for key, item in value.items()}
    if set(value) - {mark} not in BESIDE[mark]:
        raise ValueError(f"{_brief(value)} is no packed value")
    if mark == ARRAY:
        return _unpacked_array(value, arrays)
    if mark == NUMBER:
        return _unpacked_number(value[NUMBER])
    if mark == SCALAR:
        return _unpacked_scalar(value[SCALAR], value["dtype"], arrays)
    if mark == TUPLE:
        return tuple(unpack(_of_type(value[TUPLE], list), arrays, depth + 1))
    if mark == PAIRS:
        return _unpacked_pairs(_of_type(value[PAIRS], list), arrays, depth + 1)
    return _unpacked_record(value, arrays, depth + 1)


def _unpacked_array(value: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> np.ndarray:
    place = value[ARRAY]
    if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < len(arrays):
        raise ValueError(f"there is no array {_brief(place)} among {len(arrays)}")
    found = np.array(arrays[place])
    if "dtype" not in value:
        return found
    dtype, shape = _bytes_dtype(value["dtype"]), _of_type(value["shape"], list)
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"{_brief(shape)} is no shape")
    if found.dtype != np.uint8 or found.nbytes != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"array {place} has not the bytes of {dtype.name} {_brief(shape)}")
    return found.view(dtype).reshape(shape)


def _bytes_dtype(name: Any) -> np.dtype:
    """A type that numpy's format lacks, such as bfloat16; no other is stored as bytes."""
    try:
        found = np.dtype(name) if isinstance(name, str) and NAME.fullmatch(name) else None
    except TypeError:
        found = None
    if found is None or found.kind != "V" or found.hasobject or found.type is np.void:
        raise ValueError(f"{_brief(name)} is no type of numbers that is stored as bytes")
    return found


def _unpacked_number(word: Any) -> float:
    if word not in ("inf", "-inf", "nan"):
        raise ValueError(f"{_brief(word)} is none of the numbers inf, -inf and nan")
    return float(word)


def _unpacked_scalar(value: Any, name: Any, arrays: Sequence[np.ndarray]) -> Any:
    found = unpack(value, arrays, DEEPEST)
    dtype = np.dtype(name) if isinstance(name, str) and name in SCALARS else _bytes_dtype(name)
    if not isinstance(found, (bool, int, float)):
        raise ValueError(f"{_brief(found)} is no number")
    try:
        return dtype.type(found)
    except OverflowError:
        raise ValueError(f"{_brief(found)} is no {name}") from None


def _unpacked_pairs(pairs: list[Any], arrays: Sequence[np.ndarray], depth: int) -> dict[Any, Any]:
    found = {}
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            raise ValueError(f"{_brief(pair)} is no key with its value")
        key = unpack(pair[0], arrays, depth)
        try:
            found[key] = unpack(pair[1], arrays, depth)
        except TypeError:
            raise ValueError(f"{_brief(key)} can be no key") from None
    return found


def _unpacked_record(value: Mapping[str, Any], arrays: Sequence[np.ndarray], depth: int) -> Any:
    cls = RECORDS.get(_of_type(value[RECORD], str))
    if cls is None:
        raise ValueError(f"{_brief(value[RECORD])} is no record of this package")
    given = _of_type(unpack(_of_type(value["fields"], dict), arrays, depth), dict)
    types = {field.name: FIELD_TYPES[str(field.type)] for field in fields(cls)}
    if set(given) != set(types):
        raise ValueError(f"a {cls.__name__} has no fields {_brief(sorted(given))}")
    for name, item in given.items():
        if not isinstance(item, types[name]):
            raise ValueError(f"{_brief(item)} is no `{name}` of a {cls.__name__}")
    return cls(**given)


def _of_type(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{_brief(value)} stands where a {kind.__name__} belongs")
    return value


def _brief(value: Any) -> str:
    text = repr(value) if not isinstance(value, (dict, list)) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."
