"""Rows of a split as a report shows them: their cells, or their pixels."""

import base64
import math

import numpy as np

from ..data import Split
from ..data.frame import Frame, plain
from ..record.contents import (
    ShownInputs,
)

# The most columns of a row that are shown, letters of a cell, and pixels of a side.
MOST_CELLS, MOST_LETTERS, MOST_SIDE = 8, 80, 128


def shown_inputs(raw: Split, row: int) -> ShownInputs:
    """The inputs of a row to be shown: its number, and its cells or its pixels."""
    number = row if raw.numbers is None else int(raw.numbers[row])
    if isinstance(raw.x, Frame):
        taken = raw.x.take(np.array([row]))
        cells = {name: _word(cells_of(taken, name)[0]) for name in list(taken.columns)[:MOST_CELLS]}
        return {"row": number, "cells": cells}
    content: ShownInputs = {"row": number}
    pixels = _pixels(raw.x[row]) if isinstance(raw.x, np.ndarray) else None
    if pixels is not None:
        content["shape"] = list(pixels.shape)
        content["pixels"] = base64.b64encode(pixels.tobytes()).decode()
    return content


def cells_of(rows: Frame, name: str) -> list[object]:
    column = rows[name]
    return column.tolist() if isinstance(column, np.ndarray) else column.to_pylist()


def _word(cell: object) -> str:
    words = plain(f"{cell:.6g}" if isinstance(cell, float) else str(cell))
    return words if len(words) <= MOST_LETTERS else f"{words[:MOST_LETTERS]}..."


def _pixels(row: np.ndarray) -> np.ndarray | None:
    """A row as a picture of bytes; None if it neither has pixels nor can be drawn as a square."""
    image = row.reshape(row.shape[:2]) if row.ndim == 3 and row.shape[2] == 1 else row
    side = math.isqrt(image.size) if image.ndim == 1 else 0
    if image.ndim == 1 and side > 3 and side * side == image.size:
        image = image.reshape(side, side)
    colours = image.shape[2:] == (3,)
    if not (image.ndim == 2 or colours) or max(image.shape[:2]) > MOST_SIDE:
        return None
    if not np.isfinite(image).all():
        return None
    numbers = image.astype("float64")
    span = np.ptp(numbers) or 1.0
    return ((numbers - numbers.min()) / span * 255).astype("uint8")
