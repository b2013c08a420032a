"""Columns that have an array of numbers in each row."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import DataError
from .arrays import moments, numbers
from .frame import Frame, plain


@dataclass(frozen=True)
class FittedArray:
    """A column of arrays, whose numbers become `(x - offset) / divisor`.

    Attributes:
        shape: of the array of a row.
        offset: of each channel, the last axis of the shape.
        divisor: of each channel.
    """

    name: str
    shape: tuple[int, ...]
    offset: tuple[float, ...]
    divisor: tuple[float, ...]
    kind: Literal["array"] = "array"

    @property
    def width(self) -> int:
        """Numbers that a cell becomes."""
        return math.prod(self.shape)

    @property
    def is_vector(self) -> bool:
        """Whether rows are vectors, which stand beside other numbers."""
        return len(self.shape) == 1


@dataclass(frozen=True)
class Array:
    """A column that has an array of numbers in each row, all of one shape.

    Args:
        scale: `standardize` to mean 0 and deviation 1, `minmax` to [0, 1], each channel (the last
            axis) by itself over all rows and other axes; or `none`.
    """

    scale: Literal["standardize", "minmax", "none"] = "standardize"

    def describe(self) -> str:
        """A phrase for people."""
        return f"array, {self.scale}"

    def fit(self, name: str, rows: Frame) -> FittedArray:
        """Learn the shape and the scale from the training rows.

        Raises:
            DataError: the column has one value a row, or no numbers.
        """
        values = arrays_of(rows, name)
        shape, channels = values.shape[1:], values.shape[-1]
        if self.scale == "none":
            return FittedArray(name, shape, (0.0,) * channels, (1.0,) * channels)
        flat = values.reshape(-1, channels)
        if self.scale == "standardize":
            offset, divisor = moments(flat, pixels=False)
        else:
            offset = flat.min(axis=0)
            divisor = flat.max(axis=0) - offset
        divisor = np.where(np.asarray(divisor) > 0, divisor, 1.0)
        return FittedArray(name, shape, _floats(offset), _floats(divisor))


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in np.ravel(values))


def arrays_of(rows: Frame, name: str) -> np.ndarray:
    """A column of arrays of numbers (rows, ...).

    Raises:
        DataError: it has one value a row, or holds no finite numbers.
    """
    column = rows[name]
    if not isinstance(column, np.ndarray):
        raise DataError(
            f"{rows.where}: column `{plain(name)}` has one value a row, and is no `array`."
        )
    if column.size == 0:
        raise DataError(f"{rows.where}: column `{plain(name)}` has arrays without a number.")
    found = numbers(column, f"{rows.where}: column `{plain(name)}`")
    return found.astype("uint8") if found.dtype.kind == "b" else found
