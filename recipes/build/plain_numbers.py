"""Columns that NumPy encodes, bit for bit as their Keras layers do, in less time."""

import numpy as np
import pyarrow as pa

from ..data.arrow import compute as pc
from ..data.fitted import Fitted, FittedCategory, FittedNumeric

# TensorFlow takes 32-bit floats below 1e-38 for 0, NumPy does not. Beside a larger shift than this
# they are too small to change a bit.
SMALLEST_SHIFT = 1e-30
# What Keras calls all words that it does not know: as a word it would be one of them.
UNKNOWN = "[UNK]"


def is_plain(feature: Fitted) -> bool:
    """Whether a column is encoded here.

    That is a category which is looked up, and a number that is filled, scaled and shifted at most:
    logarithms differ in the last bit between libraries, and Keras rounds the constants of columns
    of 64 bits.
    """
    if isinstance(feature, FittedCategory):
        return feature.output != "hashing" and UNKNOWN not in feature.vocabulary
    if not isinstance(feature, FittedNumeric) or feature.log or feature.double:
        return False
    shift = abs(feature.offset / feature.divisor)
    return not feature.boundaries and (shift > SMALLEST_SHIFT or not _is_scaled(feature))


def plain_numbers(feature: FittedNumeric, values: np.ndarray) -> np.ndarray:
    """The numbers (rows, width) of a column of numbers for which `is_plain` holds.

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


def plain_categories(feature: FittedCategory, cells: pa.Array) -> np.ndarray:
    """The numbers (cells, width) of words of a column of categories for which `is_plain` holds.

    Args:
        cells: words, the empty one where a cell is missing.
    """
    places = pc.index_in(cells, value_set=pa.array(feature.vocabulary, pa.string()))
    # 0 is a word that is not known.
    numbers = np.asarray(pc.fill_null(places, -1)) + 1
    if feature.output == "embedding":
        return numbers[:, None].astype("int32")
    found = np.zeros((len(numbers), len(feature.vocabulary) + 1), "int32")
    found[np.arange(len(numbers)), numbers] = 1
    return found if feature.unseen else found[:, 1:]


def _is_scaled(feature: FittedNumeric) -> bool:
    return (feature.offset, feature.divisor) != (0.0, 1.0)
