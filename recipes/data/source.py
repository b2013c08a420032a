"""What every data source gives: rows, targets, and what is known of them."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from .arrays import as_array, numbers
from .targets import Task, task_of, written_as


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
        y: targets; whole numbers or words for classes, floats for numbers to predict, a column of
            0 and 1 for each of several labels.
        task: what the targets ask for.
        pixels: whether all features share one range, as the pixels of an image do.
        test: the source's own test rows and targets, if it has them.
        columns: how the cells of a table became numbers.
        classes: the classes, where rows alone do not show them all.
    """

    x: np.ndarray
    y: np.ndarray
    task: Task
    pixels: bool = False
    test: tuple[np.ndarray, np.ndarray] | None = None
    columns: Columns | None = None
    classes: tuple[Any, ...] | None = None


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
    written, classes = written_as(found, targets, where)
    pixels = rows.ndim > 2 if pixels is None else pixels
    return Source(rows, written, found, pixels, classes=classes)


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
