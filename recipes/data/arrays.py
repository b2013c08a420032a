"""Arrays from anywhere, checked, in the type and the place in memory that training wants."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import DataError

# Numbers that are checked at a time.
CHUNK = 1 << 21
LARGEST = float(np.finfo("float32").max)
# TensorFlow's kernels take memory that begins at a multiple of this many bytes, NumPy gives less.
ALIGNMENT = 64
# A column is kept in 64 bits where rounding to 32 may change a value by more than this fraction of
# the column's standard deviation.
MOST_ERROR = 1e-3
# Rounding to a 32-bit float changes a value by at most this fraction of it.
ROUNDING = 2.0**-24


def as_array(value: object, where: str) -> np.ndarray:
    """Any array-like as NumPy, in the machine's byte order, without objects in it."""
    try:
        array = np.asarray(value)
        if array.dtype.kind == "S":
            array = np.char.decode(array, "utf-8")
    except (ValueError, TypeError, OverflowError, RuntimeError) as error:
        raise DataError(f"{where}: cannot be made an array: {error}.") from None
    if array.dtype.kind == "O" and array.ndim and all(type(item) is str for item in array.flat):
        # Tables of other libraries keep words as objects.
        array = array.astype(str)
    if array.dtype.kind not in "buifU":
        raise DataError(f"{where}: holds {array.dtype} values; expected numbers.")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def numbers(array: np.ndarray, where: str) -> np.ndarray:
    """The array if it holds finite numbers that 32-bit floats can hold, and at least those."""
    if array.dtype.kind not in "buif":
        raise DataError(f"{where}: holds text; expected numbers.")
    if array.dtype.kind != "f":
        return array
    refuse_infinite(array, where)
    if array.dtype.itemsize <= 4:
        return array.astype("float32", copy=False)
    if any((np.abs(part) > LARGEST).any() for part in chunks(array)):
        raise DataError(f"{where}: numbers larger than 3.4e38, which 32-bit floats cannot hold.")
    return array.astype("float64", copy=False)


def refuse_infinite(array: np.ndarray, where: str) -> None:
    """NaN and infinity are refused, with the place of the first."""
    count, place, first = 0, None, 0
    for part in chunks(array):
        bad = ~np.isfinite(part)
        if place is None and bad.any():
            inner = tuple(int(index) for index in np.argwhere(bad)[0])
            place = (first + inner[0], *inner[1:])
        count += int(np.count_nonzero(bad))
        first += len(part)
    if place is not None:
        more = f", and {count - 1} more such values" if count > 1 else ""
        raise DataError(
            f"{where}: {array[place]} at [{', '.join(map(str, place))}]{more}. "
            "Leave such rows out or fill them in."
        )


def chunks(array: np.ndarray) -> Iterator[np.ndarray]:
    """The array in parts of some million numbers, so that checks of it need no second one."""
    rows = max(1, CHUNK // max(1, array[:1].size))
    return (array[start : start + rows] for start in range(0, len(array), rows))


def moments(x: np.ndarray, *, pixels: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation in double precision, without a copy of all rows in it.

    The variance is a second pass over the rows: one pass over sums of squares loses all digits
    where the mean is large beside the deviation.
    """
    axes = None if pixels else 0
    count = x.size if pixels else len(x)
    mean = sum(part.sum(axis=axes, dtype="float64") for part in chunks(x)) / count
    # NumPy before 2.0 keeps 32 bits where the mean is one number.
    apart = (np.subtract(part, mean, dtype="float64") for part in chunks(x))
    square = sum(np.square(difference).sum(axis=axes) for difference in apart) / count
    deviation = np.sqrt(square)
    # Rounding alone gives a constant feature a deviation of some 1e-16 of its size; neighbouring
    # 32-bit floats differ by 1e-7 of theirs.
    rounding = 1e-7 if x.dtype.kind == "f" and x.dtype.itemsize <= 4 else 1e-12
    constant = deviation <= rounding * np.maximum(np.abs(mean), 1e-30)
    return np.asarray(mean), np.where(constant, 0.0, deviation)


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


def first_rows(x: Any, count: int, dtype: str = "float32") -> Any:
    """The first rows of an array, or of blocks by name, as a model takes them.

    Args:
        dtype: of what is no whole number of a block.
    """
    if isinstance(x, Mapping):
        return {
            name: block[:count].astype(dtype if block.dtype.kind == "f" else block.dtype)
            for name, block in x.items()
        }
    return x[:count].astype("float64" if x.dtype == np.float64 else dtype)


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    """An array to be filled, placed as TensorFlow wants it."""
    size = int(np.prod(shape, dtype="int64")) * np.dtype(dtype).itemsize
    memory = np.empty(size + ALIGNMENT, dtype="uint8")
    first = -memory.ctypes.data % ALIGNMENT
    return memory[first : first + size].view(dtype).reshape(shape)


def placed(array: np.ndarray) -> np.ndarray:
    """The array itself where TensorFlow can read it, else a copy that it can."""
    flags = array.flags
    if flags.c_contiguous and flags.writeable and array.ctypes.data % ALIGNMENT == 0:
        return array
    copy = aligned(array.shape, array.dtype)
    np.copyto(copy, array)
    return copy


def picked(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`array[rows]`, placed as TensorFlow wants it."""
    chosen = aligned((len(rows), *array.shape[1:]), array.dtype)
    # With the mode `raise` NumPy would write to a second array first.
    return np.take(array, rows, axis=0, out=chosen, mode="clip")
