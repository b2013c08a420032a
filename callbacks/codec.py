"""Nested Python data as JSON, with arrays beside it or inside; arrays as a file of NumPy's format.

The input may come from anybody: reading it runs no code and takes no more memory than its file.
"""

from __future__ import annotations

import base64
import io
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, BinaryIO, TypeVar

import numpy as np

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
T = TypeVar("T")

# Marks of what JSON cannot express. A dictionary that has one as a key is written as pairs.
ARRAY, TUPLE, NUMBER, SCALAR, PAIRS, RECORD = MARKS = (
    "__array__",
    "__tuple__",
    "__number__",
    "__scalar__",
    "__pairs__",
    "__record__",
)
# The keys that each mark may have beside it.
BESIDE: dict[str, tuple[set[str], ...]] = {
    ARRAY: (set(), {"dtype", "shape"}),
    TUPLE: (set(),),
    NUMBER: (set(),),
    SCALAR: ({"dtype"},),
    PAIRS: (set(),),
    RECORD: ({"fields"},),
}
RECORDS: dict[str, type] = {}
# Types of the fields of records, by their annotations.
FIELD_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "str | None": (str, type(None)),
    "bool": (bool, np.bool_),
    "int": (int, np.integer),
    "float": (int, float, np.number),
}
# NumPy's numeric types; other names would construct types of other things.
NUMERIC = frozenset(
    {
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float16", "float32", "float64", "complex64", "complex128",
    }
)  # fmt: skip
TYPE_NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")
# No state of a callback is nested half as deep.
MAX_DEPTH = 60
# A header of NumPy's format has some hundred bytes.
MAX_HEADER_BYTES = 1 << 16


class EncodeError(TypeError):
    """A value that cannot be stored: it is not plain data."""


class ArrayList(list[np.ndarray]):
    """Arrays in order; adding the same array object again stores it once."""

    def __init__(self) -> None:
        super().__init__()
        self._indices: dict[int, int] = {}

    def index_of(self, array: np.ndarray) -> int:
        """The index of an array, which is added if it is new."""
        # The list keeps the array alive, so no other can have its id.
        index = self._indices.setdefault(id(array), len(self))
        if index == len(self):
            self.append(array)
        return index


def record(cls: type[T]) -> type[T]:
    """Allow instances of a dataclass, whose fields are of `FIELD_TYPES`, to be encoded."""
    RECORDS[cls.__name__] = cls
    return cls


def encode(value: object, arrays: ArrayList | None = None) -> Json:
    """A value as JSON.

    Args:
        arrays: takes the arrays, which are replaced by their indices there. Without it they are
            encoded as the base64 of their bytes.

    Raises:
        EncodeError: the value is not plain data.

    >>> arrays = ArrayList()
    >>> encode({"best": float("inf"), "weights": (np.zeros(2),)}, arrays)
    {'best': {'__number__': 'inf'}, 'weights': {'__tuple__': [{'__array__': 0}]}}
    >>> len(arrays)
    1
    >>> encode(np.zeros(1, "int8"))
    {'__array__': 'AA==', 'dtype': 'int8', 'shape': [1]}
    """
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, np.generic):
        return {SCALAR: encode(value.item(), arrays), "dtype": value.dtype.name}
    if isinstance(value, float):
        return value if math.isfinite(value) else {NUMBER: repr(value)}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and key not in MARKS for key in value):
            return {key: encode(item, arrays) for key, item in value.items()}
        return {PAIRS: [[encode(k, arrays), encode(v, arrays)] for k, v in value.items()]}
    if isinstance(value, tuple):
        return {TUPLE: [encode(item, arrays) for item in value]}
    if isinstance(value, list):
        return [encode(item, arrays) for item in value]
    if is_dataclass(value) and RECORDS.get(type(value).__name__) is type(value):
        found = {field.name: getattr(value, field.name) for field in fields(value)}
        return {RECORD: type(value).__name__, "fields": encode(found, arrays)}
    return _encode_array(value, arrays)


def _encode_array(value: object, arrays: ArrayList | None) -> Json:
    if not isinstance(value, np.ndarray) and not hasattr(value, "numpy"):
        raise EncodeError(f"a value of type `{type(value).__name__}` is not plain data")
    array = np.asarray(value)
    if array.dtype.hasobject:
        raise EncodeError("an array of Python objects is not plain data")
    content: str | int
    if arrays is None:
        content = base64.b64encode(array.tobytes()).decode("ascii")
    elif array.dtype.kind != "V":
        return {ARRAY: arrays.index_of(array)}
    else:
        # NumPy's format lacks bfloat16 and the like: their bytes are stored.
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        content = arrays.index_of(flat)
    return {ARRAY: content, "dtype": array.dtype.name, "shape": list(array.shape)}


def decode(value: Json, arrays: Sequence[np.ndarray] | None = None, depth: int = 0) -> Any:
    """The value that was passed to `encode`, as a new object each time.

    Raises:
        ValueError: `encode` never returns this.

    >>> again = decode(encode([(1, {2: "a"}), np.float32(0.5)]))
    >>> again == [(1, {2: "a"}), 0.5], type(again[1]).__name__
    (True, 'float32')
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"values are nested more than {MAX_DEPTH} deep")
    if isinstance(value, list):
        return [decode(item, arrays, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    mark = next((mark for mark in MARKS if mark in value), None)
    if mark is None:
        return {key: decode(item, arrays, depth + 1) for key, item in value.items()}
    if set(value) - {mark} not in BESIDE[mark]:
        raise ValueError(f"`{mark}` stands beside keys that do not belong to it")
    content = value[mark]
    if mark == ARRAY:
        return _decode_array(value, arrays)
    if mark == NUMBER:
        if content not in ("inf", "-inf", "nan"):
            raise ValueError(f"{_brief(content)} is not one of inf, -inf and nan")
        return float(content)
    if mark == SCALAR:
        return _decode_scalar(decode(content, arrays, MAX_DEPTH), value["dtype"])
    if mark == TUPLE:
        return tuple(decode(item, arrays, depth + 2) for item in _list(content))
    if mark == PAIRS:
        return dict(_decode_pair(pair, arrays, depth + 1) for pair in _list(content))
    return _decode_record(content, decode(value["fields"], arrays, depth + 1))


def _decode_array(value: dict[str, Json], arrays: Sequence[np.ndarray] | None) -> np.ndarray:
    content = value[ARRAY]
    if arrays is None:
        if not isinstance(content, str) or "dtype" not in value:
            raise ValueError(f"{_brief(content)} is not an array encoded as text")
        found = np.array(bytearray(base64.b64decode(content, validate=True)), np.uint8)
        dtype = _numeric_type(value["dtype"])
    else:
        if type(content) is not int or not 0 <= content < len(arrays):
            raise ValueError(f"there is no array {_brief(content)} among {len(arrays)}")
        found = np.array(arrays[content])
        if "dtype" not in value:
            return found
        dtype = _type_stored_as_bytes(value["dtype"])
    shape = _list(value["shape"])
    sizes = [size for size in shape if type(size) is int and size >= 0]
    if len(sizes) != len(shape):
        raise ValueError(f"{_brief(shape)} is not a shape")
    if found.dtype != np.uint8 or found.nbytes != math.prod(sizes) * dtype.itemsize:
        raise ValueError(f"array {_brief(content)} does not have the bytes of {dtype.name}")
    return found.view(dtype).reshape(sizes)


def _numeric_type(name: Json) -> np.dtype:
    if isinstance(name, str) and name in NUMERIC:
        return np.dtype(name)
    return _type_stored_as_bytes(name)


def _type_stored_as_bytes(name: Json) -> np.dtype:
    """A type that NumPy's format lacks, such as bfloat16."""
    try:
        found = np.dtype(name) if isinstance(name, str) and TYPE_NAME.fullmatch(name) else None
    except TypeError:
        found = None
    if found is None or found.kind != "V" or found.hasobject or found.type is np.void:
        raise ValueError(f"{_brief(name)} is not a numeric type that is stored as bytes")
    return found


def _decode_scalar(number: object, name: Json) -> np.generic:
    dtype = _numeric_type(name)
    if not isinstance(number, (bool, int, float)):
        raise ValueError(f"{_brief(number)} is not a number")
    try:
        return dtype.type(number)
    except OverflowError:
        raise ValueError(f"{_brief(number)} does not fit {name}") from None


def _decode_pair(
    pair: Json, arrays: Sequence[np.ndarray] | None, depth: int
) -> tuple[object, object]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise ValueError(f"{_brief(pair)} is not a key with its value")
    key = decode(pair[0], arrays, depth)
    try:
        hash(key)
    except TypeError:
        raise ValueError(f"{_brief(key)} cannot be a key") from None
    return key, decode(pair[1], arrays, depth)


def _decode_record(name: Json, values: object) -> object:
    cls: Any = RECORDS.get(name) if isinstance(name, str) else None
    if cls is None:
        raise ValueError(f"{_brief(name)} is not a record of this package")
    types = {field.name: FIELD_TYPES[str(field.type)] for field in fields(cls)}
    if not isinstance(values, dict) or set(values) != set(types):
        raise ValueError(f"the fields of a {name} are {', '.join(types)}")
    for field, item in values.items():
        if not isinstance(item, types[field]):
            raise ValueError(f"{_brief(item)} is not a `{field}` of a {name}")
    return cls(**values)


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError(f"{_brief(value)} is not a list")
    return value


def _brief(value: object) -> str:
    text = f"a {type(value).__name__}" if isinstance(value, (dict, list)) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def write_arrays(file: BinaryIO, arrays: Sequence[np.ndarray]) -> None:
    """As `numpy.savez`, to a file that cannot seek."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for index, array in enumerate(arrays):
            with archive.open(_entry_name(index), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)


def read_arrays(content: bytes) -> list[np.ndarray]:
    """The arrays that `write_arrays` wrote.

    Raises:
        ValueError, zipfile.BadZipFile: it wrote something else, such as a compressed archive that
            expands to more than its size.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if [entry.filename for entry in entries] != [_entry_name(i) for i in range(len(entries))]:
            raise ValueError("the arrays are not numbered in order")
        return [_read_array(archive, entry) for entry in entries]


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    stored = info.compress_type == zipfile.ZIP_STORED and info.file_size == info.compress_size
    if not stored or info.file_size > archive.start_dir:
        raise ValueError(f"{info.filename} is compressed, or larger than the archive")
    with archive.open(info) as entry:
        header = io.BytesIO(entry.read(MAX_HEADER_BYTES))
    version = np.lib.format.read_magic(header)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(header)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(header)
    else:
        raise ValueError(f"version {version} of NumPy's format is never written here")
    size = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or min(shape, default=0) < 0 or header.tell() + size != info.file_size:
        raise ValueError(f"{info.filename} is not an array of {info.file_size} bytes")
    with archive.open(info) as entry:
        return np.lib.format.read_array(entry, allow_pickle=False)


def _entry_name(index: int) -> str:
    return f"{index:06d}.npy"
