"""Arrays that may be anything, as finite numbers or words that can be trained on."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import DataError

# Numbers that are looked at at a time.
CHUNK = 1 << 21
LARGEST = float(np.finfo("float32").max)


def as_array(value: Any, where: str) -> np.ndarray:
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
