"""Nested Python data as JSON beside a list of arrays, and the arrays as a file of NumPy's format.

What is read may come from anybody: nothing in it is run, and it takes no more memory than its file.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, BinaryIO

import numpy as np

from ..findings import Finding
from ..gradients import Row

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

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
RECORDS: dict[str, type[Finding] | type[Row]] = {"Finding": Finding, "Row": Row}
# Types of the fields of records, by their annotations.
FIELD_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "str | None": (str, type(None)),
    "bool": (bool, np.bool_),
    "int": (int, np.integer),
    "float": (int, float, np.number),
}
# NumPy's types of numbers; other names would make types of other things.
SCALARS = frozenset(
    {
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float16", "float32", "float64",
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


def encode(value: object, arrays: ArrayList) -> Json:
    """A value as JSON; its arrays are added to `arrays`, and replaced by their indices there.

    >>> arrays = ArrayList()
    >>> encode({"best": float("inf"), "weights": (np.zeros(2),)}, arrays)
    {'best': {'__number__': 'inf'}, 'weights': {'__tuple__': [{'__array__': 0}]}}
    >>> len(arrays)
    1
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.generic):
        return {SCALAR: encode(value.item(), arrays), "dtype": value.dtype.name}
    if isinstance(value, int):
        return value
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


def _encode_array(value: object, arrays: ArrayList) -> Json:
    if not isinstance(value, np.ndarray) and not hasattr(value, "numpy"):
        raise EncodeError(f"a value of type `{type(value).__name__}` is not plain data")
    array = np.asarray(value)
    if array.dtype.hasobject:
        raise EncodeError("an array of Python objects is not plain data")
    if array.dtype.kind != "V":
        return {ARRAY: arrays.index_of(array)}
    # NumPy's format lacks bfloat16 and the like: their bytes are stored.
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return {ARRAY: arrays.index_of(flat), "dtype": array.dtype.name, "shape": list(array.shape)}


def decode(value: Json, arrays: Sequence[np.ndarray], depth: int = 0) -> Any:
    """The value that `encode` was given, newly made each time.

    Raises:
        ValueError: `encode` never returns this.

    >>> again = decode(encode([(1, {2: "a"}), np.float32(0.5)], ArrayList()), [])
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
    return _decode_record(content, value["fields"], arrays, depth + 1)


def _decode_array(value: dict[str, Json], arrays: Sequence[np.ndarray]) -> np.ndarray:
    index = value[ARRAY]
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(arrays):
        raise ValueError(f"there is no array {_brief(index)} among {len(arrays)}")
    found = np.array(arrays[index])
    if "dtype" not in value:
        return found
    dtype, shape = _type_stored_as_bytes(value["dtype"]), _list(value["shape"])
    sizes = [size for size in shape if type(size) is int and size >= 0]
    if len(sizes) != len(shape):
        raise ValueError(f"{_brief(shape)} is not a shape")
    if found.dtype != np.uint8 or found.nbytes != math.prod(sizes) * dtype.itemsize:
        raise ValueError(f"array {index} does not have the bytes of {dtype.name}")
    return found.view(dtype).reshape(sizes)


def _type_stored_as_bytes(name: Json) -> np.dtype:
    """A type that NumPy's format lacks, such as bfloat16."""
    try:
        found = np.dtype(name) if isinstance(name, str) and TYPE_NAME.fullmatch(name) else None
    except TypeError:
        found = None
    if found is None or found.kind != "V" or found.hasobject or found.type is np.void:
        raise ValueError(f"{_brief(name)} is not a type of numbers that is stored as bytes")
    return found


def _decode_scalar(number: object, name: Json) -> np.generic:
    if isinstance(name, str) and name in SCALARS:
        dtype = np.dtype(name)
    else:
        dtype = _type_stored_as_bytes(name)
    if not isinstance(number, (bool, int, float)):
        raise ValueError(f"{_brief(number)} is not a number")
    try:
        return dtype.type(number)
    except OverflowError:
        raise ValueError(f"{_brief(number)} does not fit {name}") from None


def _decode_pair(pair: Json, arrays: Sequence[np.ndarray], depth: int) -> tuple[object, object]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise ValueError(f"{_brief(pair)} is not a key with its value")
    key = decode(pair[0], arrays, depth)
    try:
        hash(key)
    except TypeError:
        raise ValueError(f"{_brief(key)} cannot be a key") from None
    return key, decode(pair[1], arrays, depth)


def _decode_record(
    name: Json, values: Json, arrays: Sequence[np.ndarray], depth: int
) -> Finding | Row:
    record = RECORDS.get(name) if isinstance(name, str) else None
    if record is None:
        raise ValueError(f"{_brief(name)} is not a record of this package")
    given = decode(values, arrays, depth)
    types = {field.name: FIELD_TYPES[str(field.type)] for field in fields(record)}
    if not isinstance(given, dict) or set(given) != set(types):
        raise ValueError(f"the fields of a {record.__name__} are {', '.join(types)}")
    for field, item in given.items():
        if not isinstance(item, types[field]):
            raise ValueError(f"{_brief(item)} is not a `{field}` of a {record.__name__}")
    return record(**given)


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError(f"{_brief(value)} stands where a list belongs")
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
