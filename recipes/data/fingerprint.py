"""A hash over all that a run is trained, validated and tested on."""

import hashlib
import json
from collections.abc import Iterator

import numpy as np

from ..spec.targets import ClassName
from .cache import bytes_of
from .cell_types import floats, is_binary, is_text, joined
from .frame import Frame
from .loaded import Split


def fingerprint(*splits: Split | None, classes: tuple[ClassName, ...] = ()) -> str:
    """SHA-256 over names, types, shapes and values of every split, and the names of classes."""
    digest = hashlib.sha256(json.dumps({"classes": classes}).encode())
    for split in splits:
        for name, array in () if split is None else _arrays(split):
            digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
            digest.update(bytes_of(array))
    return digest.hexdigest()


def _arrays(split: Split) -> Iterator[tuple[str, np.ndarray]]:
    """The columns and the targets of a split as arrays of bytes and numbers."""
    rows = getattr(split.x, "frame", split.x)  # of windows
    if isinstance(rows, Frame):
        for name, found in rows.pictures.items():
            yield name, found.digests
        for name, column in rows.columns.items():
            if is_binary(column):
                continue
            if isinstance(column, np.ndarray):
                yield name, column
            elif is_text(column):
                yield name, joined(column)
            else:
                yield name, floats(column)
    else:
        yield "x", rows
    if rows is not split.x:
        yield "starts", split.x.starts
    for name in split.y.dtype.names or ():
        yield name, split.y[name]
    if split.y.dtype.names is None:
        yield "y", split.y
