"""Arrays as plain values of JSON, bit for bit."""

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import RequestError

NUMBERS = frozenset({"float16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool"})
WORDS = "string"


def plain(array: np.ndarray) -> dict[str, object]:
    """An array of numbers or words as JSON has it."""
    shape = list(array.shape)
    if array.dtype.kind in "OUS":
        return {"dtype": WORDS, "shape": shape, "words": [str(v) for v in array.reshape(-1)]}
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    data = base64.b64encode(little.tobytes()).decode("ascii")
    return {"dtype": array.dtype.name, "shape": shape, "base64": data}


def array(value: Any, where: str) -> np.ndarray:
    """The array of such a value, which may come from a stranger.

    Raises:
        RequestError: it is none.
    """
    try:
        shape = tuple(int(size) for size in value["shape"])
        if any(size < 0 for size in shape) or len(shape) > 8:
            raise ValueError(f"has shape {shape[:8]}")
        if value["dtype"] == WORDS:
            words = value["words"]
            if len(words) != math.prod(shape) or not all(isinstance(w, str) for w in words):
                raise ValueError(f"has {len(words)} words for shape {shape}")
            return np.array(words, dtype=object).reshape(shape)
        if value["dtype"] not in NUMBERS:
            raise ValueError("is of an unknown type")
        kind = np.dtype(value["dtype"]).newbyteorder("<")
        data = base64.b64decode(value["base64"], validate=True)
        if len(data) != math.prod(shape) * kind.itemsize:
            raise ValueError(f"has {len(data)} bytes for shape {shape}")
        return np.frombuffer(data, kind).reshape(shape)
    except (KeyError, TypeError, ValueError, OverflowError, binascii.Error) as error:
        reason = str(error)[:200]
        raise RequestError(f"{where}: an array of its proof is damaged: {reason}.") from None


def arrays(values: object, where: str) -> dict[str, np.ndarray]:
    """Several of them by name.

    Raises:
        RequestError: they are none.
    """
    if not isinstance(values, Mapping):
        raise RequestError(f"{where}: its proof has no arrays where they belong.")
    return {str(name): array(value, where) for name, value in values.items()}
