"""Columns of numbers that NumPy encodes, bit for bit as their Keras layers do, in less time."""

import numpy as np

from ..data.fitted import Fitted, FittedNumeric

# TensorFlow takes 32-bit floats below 1e-38 for 0, NumPy does not. Beside a larger shift than this
# they are too small to change a bit.
SMALLEST_SHIFT = 1e-30


def is_plain(feature: Fitted) -> bool:
    """Whether `plain_numbers` encodes a column: one that is filled, scaled and shifted at most.

    Logarithms differ in the last bit between libraries, and Keras rounds the constants of columns
    of 64 bits.
    """
    if not isinstance(feature, FittedNumeric) or feature.log or feature.double:
        return False
    shift = abs(feature.offset / feature.divisor)
    return not feature.boundaries and (shift > SMALLEST_SHIFT or not _is_scaled(feature))


def plain_numbers(feature: FittedNumeric, values: np.ndarray) -> np.ndarray:
    """The numbers (rows, width) of a column for which `is_plain` holds.

    Args:
        values: its cells (rows,), NaN where one is missing.
    """
    missing = np.isnan(values)
    found = np.where(missing, feature.fill, values).astype("float32")
    if _is_scaled(feature):
        factor = 1.0 / feature.divisor
        with np.errstate(over="ignore", invalid="ignore"):
            found *= np.float32(factor)
            found += np.float32(-feature.offset * factor)
    if not feature.indicator:
        return found[:, None]
    return np.stack([found, missing], axis=1, dtype="float32")


def _is_scaled(feature: FittedNumeric) -> bool:
    return (feature.offset, feature.divisor) != (0.0, 1.0)
