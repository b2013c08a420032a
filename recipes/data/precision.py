"""Whether 32-bit floats can hold the differences within a column."""

import numpy as np

from .scale import moments

# A column is kept in 64 bits where rounding to 32 may change a value by more than this fraction of
# the column's standard deviation.
MOST_ERROR = 1e-3
# Rounding to a 32-bit float changes a value by at most this fraction of it.
ROUNDING = 2.0**-24


def lost_in_float32(x: np.ndarray) -> np.ndarray:
    """For each feature, whether 32-bit floats cannot tell its values apart.

    Args:
        x: rows, first axis counts them.

    >>> lost_in_float32(np.array([[1.7e9, 1.0], [1.7e9 + 100, 2.0]]))
    array([ True, False])
    """
    if x.dtype.itemsize <= 2 or x.dtype == np.float32:
        return np.zeros(x.shape[1:], bool)
    largest = np.maximum(np.abs(x.max(axis=0).astype("float64")), -x.min(axis=0).astype("float64"))
    # Most columns are settled by their range alone, without a second pass over the rows.
    if (largest == 0).all() or (x.dtype.kind in "iu" and largest.max() <= 2**24):
        return np.zeros(x.shape[1:], bool)
    deviation = moments(x, pixels=False)[1]
    return (deviation > 0) & (largest * ROUNDING > MOST_ERROR * deviation)


def as_trained(x: np.ndarray, *, scaled: bool) -> np.ndarray:
    """Rows in the type that a network takes them in.

    64-bit floats become 32-bit ones, unless the rows are scaled and a column of them would lose
    what tells its values apart; then all columns are 64-bit floats. Whole numbers of up to 24 bits
    stay as they are.

    Args:
        scaled: whether a scaling layer brings the columns to a small range.
    """
    if x.ndim == 2 and scaled and lost_in_float32(x).any():
        return x.astype("float64", copy=False)
    return x.astype("float32") if x.dtype == np.float64 else x
