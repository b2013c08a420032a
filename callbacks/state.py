"""The state of a callback as plain data that JSON can hold, and back."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

# Marks of what JSON has no form of. No state of ours has a key of this name.
ARRAY, NUMBER = "__array__", "__number__"


def to_plain(value: Any) -> Any:
    """A value as lists, dictionaries, texts, numbers, booleans and None.

    Arrays become their bytes in base 64, exactly; NaN and infinities become words, for strict JSON
    has no other place for them.

    >>> to_plain((1, float("inf")))
    [1, {'__number__': 'inf'}]
    >>> to_plain(np.float32([1.0]))["shape"]
    [1]
    """
    if isinstance(value, np.ndarray):
        content = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode("ascii")
        return {ARRAY: content, "dtype": value.dtype.name, "shape": list(value.shape)}
    if isinstance(value, np.generic):
        return to_plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return {NUMBER: repr(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value


def from_plain(value: Any) -> Any:
    """What `plain` made plain; an array in it may also be one still.

    >>> from_plain(to_plain([np.int64([[7]]), float("-inf")]))
    [array([[7]]), -inf]
    """
    if isinstance(value, Mapping):
        if ARRAY in value:
            flat = np.frombuffer(base64.b64decode(value[ARRAY]), np.dtype(value["dtype"]))
            return flat.reshape(value["shape"]).copy()
        if NUMBER in value:
            return float(value[NUMBER])
        return {key: from_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [from_plain(item) for item in value]
    return value
