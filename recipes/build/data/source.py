"""What every data source gives: rows, targets, and what is known of them."""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ...errors import DataError

Task = Literal["classification", "regression"]
# Numbers that are looked at at a time.
CHUNK = 1 << 21


@dataclass(frozen=True)
class Columns:
    """How a table's cells became numbers, so that later rows become the same numbers.

    Attributes:
        target: name of the target column.
        categories: column name -> its words in order for a categorical column, or None for a
            numeric one; in the order of the file.
        delimiter: character between cells.
        encoding: of the file.
    """

    target: str
    categories: Mapping[str, tuple[str, ...] | None]
    delimiter: str = ","
    encoding: str = "utf-8"

    @property
    def numeric(self) -> np.ndarray:
        """For each feature, whether it is a number rather than the mark of a word."""
        marks: list[bool] = []
        for words in self.categories.values():
            marks.extend([True] if words is None else [False] * len(words))
        return np.array(marks)

    def to_json(self) -> dict[str, Any]:
        """Plain data for `data.json`."""
        words = {name: kinds and list(kinds) for name, kinds in self.categories.items()}
        found = {"target": self.target, "categories": words, "delimiter": self.delimiter}
        # Left out where it is the default: the fingerprint of the data is taken over this.
        return found if self.encoding == "utf-8" else {**found, "encoding": self.encoding}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Columns":
        """The columns that `to_json` wrote."""
        categories = {
            name: None if words is None else tuple(words)
            for name, words in value["categories"].items()
        }
        delimiter, encoding = value.get("delimiter", ","), value.get("encoding", "utf-8")
        return cls(value["target"], categories, delimiter, encoding)


@dataclass(frozen=True)
class Source:
    """Rows and targets as a source has them.

    Attributes:
        x: rows, first axis counts them.
        y: targets; whole numbers or words for classes, floats for numbers to predict.
        task: what the targets ask for.
        pixels: whether all features share one range, as the pixels of an image do.
        test: the source's own test rows and targets, if it has them.
        columns: how the cells of a table became numbers.
    """

    x: np.ndarray
    y: np.ndarray
    task: Task
    pixels: bool = False
    test: tuple[np.ndarray, np.ndarray] | None = None
    columns: Columns | None = None


def refuse_device(path: Path) -> None:
    """Rows come from a file: a device has no end, and a pipe may never begin."""
    try:
        mode = os.stat(path).st_mode
    except OSError:  # opening it tells why
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DataError(f"{path}: is a device or a pipe, not a file.")


def checked(
    x: Any, y: Any, where: str, *, task: Task | None = None, pixels: bool | None = None
) -> Source:
    """A source from arrays that may be anything; a `DataError` names what is wrong in `where`."""
    rows, targets = features(x, where), as_array(y, f"{where}, targets")
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.ndim not in (1, 2) or (targets.ndim == 2 and targets.shape[1] == 0):
        raise DataError(
            f"{where}: targets must have one value a row (or several numbers). "
            f"Received shape {targets.shape}."
        )
    if len(rows) != len(targets):
        raise DataError(f"{where}: {len(rows)} rows and {len(targets)} targets.")
    found = task or task_of(targets)
    if found == "classification" and targets.ndim == 2:
        raise DataError(
            f"{where}: targets of shape {targets.shape} look one-hot; give one class number a row."
        )
    if found == "regression":
        targets = numbers(targets, f"{where}, targets")
    elif targets.dtype.kind == "f":
        targets = whole(targets, where)
    return Source(rows, targets, found, rows.ndim > 2 if pixels is None else pixels)


def features(x: Any, where: str) -> np.ndarray:
    """Rows as an array of numbers, at least one row and one feature."""
    rows = as_array(x, f"{where}, rows")
    if rows.ndim == 1:
        rows = rows[:, None]
    if rows.ndim < 2 or rows.size == 0:
        raise DataError(
            f"{where}: rows must be an array of at least one row. Received shape {rows.shape}."
        )
    return numbers(rows, f"{where}, rows")


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
    """The array if it holds finite numbers; its 64-bit floats become 32-bit ones."""
    if array.dtype.kind not in "buif":
        raise DataError(f"{where}: holds text; expected numbers.")
    if array.dtype.kind != "f":
        return array
    refuse_infinite(array, where)
    if array.dtype.itemsize <= 4:
        return array.astype("float32", copy=False)
    with np.errstate(over="ignore"):
        small = array.astype("float32")
    if not all(np.isfinite(part).all() for part in chunks(small)):
        raise DataError(f"{where}: numbers larger than 3.4e38, which 32-bit floats cannot hold.")
    return small


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


def whole(targets: np.ndarray, where: str) -> np.ndarray:
    """Class numbers given as floats, as integers; they must be whole."""
    refuse_infinite(targets, f"{where}, targets")
    if (targets != np.floor(targets)).any():
        raise DataError(f"{where}: targets are not whole numbers; is this a regression?")
    if (np.abs(targets) > 2**53).any():
        raise DataError(f"{where}: class numbers above 2**53 are not exact as floats.")
    return targets.astype("int64")


def task_of(targets: np.ndarray) -> Task:
    """Floats are numbers to predict; whole numbers, words and truth values are classes."""
    return "regression" if targets.dtype.kind == "f" else "classification"
