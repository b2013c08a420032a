"""Whether rows from Python have the form of rows in a file, and must be read like them."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .described import Described, Window
from .encode import input_name
from .interface import Port

WORDS = "string"


def as_in_a_file(rows: Any, described: Described, ports: Sequence[Port]) -> bool:
    """Whether rows are a path, a series row by row, or have pictures by path or content.

    Args:
        rows: what was given.
        described: the run's `data.json`; empty of a model without a recipe.
        ports: what the model takes: windows, pixels.
    """
    if isinstance(rows, os.PathLike):
        return True
    if isinstance(rows, str):
        return all(port.dtype != WORDS for port in ports)
    if not described or not (hasattr(rows, "keys") or hasattr(rows, "columns")):
        return False
    names = [str(name) for name in getattr(rows, "column_names", getattr(rows, "columns", rows))]
    window = described.get("window")
    if window is not None:
        return _is_series(rows, names, window, ports)
    features = described.get("features", ())
    pictures = [f["name"] for f in features if f["kind"] == "image" and f["name"] in names]
    return any(_is_picture(rows[name]) for name in pictures)


def _is_series(rows: Any, names: Sequence[str], window: Window, ports: Sequence[Port]) -> bool:
    """Whether columns have a cell for each row of a series, and not a window for each."""
    places = [name for name in (window["by"], window["time"]) if name is not None]
    if any(name not in names for name in places) or np.ndim(rows[names[0]]) != 1:
        return False
    # One window has as many cells of each column as the model takes, and needs no places.
    lengths = {port.name: port.shape[0] for port in ports}
    taken = [name for name in names if input_name(name) in lengths]
    return not all(len(rows[name]) == lengths[input_name(name)] for name in taken)


def _is_picture(cells: Any) -> bool:
    """Whether a cell, or the first of several, is a path or the content of a file."""
    if isinstance(cells, (str, bytes)):
        return True
    first = next(iter(cells), None)
    return isinstance(getattr(first, "as_py", lambda: first)(), (str, bytes))


def listed(rows: object) -> object:
    """One row, as a mapping of names to cells, as lists of one cell; other rows as they are."""
    if not isinstance(rows, Mapping) or any(np.ndim(cells) for cells in rows.values()):
        return rows
    return {name: [cell] for name, cell in rows.items()}
