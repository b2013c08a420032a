"""What every data source gives: rows, targets, and what is known of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import DataError
from ..spec.tasks import BINARY_LOSSES, CLASS_LOSSES
from .arrays import as_array, numbers
from .targets import Task, doubt, task_of, written_as

# Sources whose task follows from their targets; all others have a task of their own.
GUESSED = frozenset({"csv", "npz", "arrays"})
# Sources whose task decides how cells and arrays are read.
TAKES_TASK = frozenset({"csv", "npz"})


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


def asked_task(name: str, arguments: Any, task: Task | None) -> Task | None:
    """The task that a recipe asks for: below `data`, or among the source's arguments.

    Raises:
        DataError: both are there and differ, or the source cannot have such targets.
    """
    own = arguments.get("task")
    if task is not None and own is not None and own != task:
        raise DataError(f"data.task is `{task}`, and `task` of the source `{name}` is `{own}`.")
    asked = task or own
    if name == "csv" and asked == "multilabel":
        raise DataError("`task: multilabel` needs several target columns; `csv` takes one.")
    return asked


def with_task(
    source: Source, where: str, *, asked: Task | None, loss: str | None, guessed: bool
) -> Source:
    """The source with targets as its task wants them.

    Args:
        where: what a message begins with.
        asked: the task that the recipe asks for, or None.
        loss: name of the recipe's loss, or None.
        guessed: whether the source's task is only what its targets suggest.

    Raises:
        DataError: the targets are not what is asked for, or may as well mean something else.
    """
    if asked is not None:
        return _as(source, asked, where)
    if not guessed:
        return source
    suggested = _suggested(source, loss)
    if suggested is not None:
        return _as(source, suggested, where)
    # A loss for classes leaves no doubt about whole numbers.
    why = "" if loss in CLASS_LOSSES else doubt(source.y, source.task)
    if why:
        raise DataError(f"{where}: {why}")
    return source


def _suggested(source: Source, loss: str | None) -> Task | None:
    """The task that the loss asks for where the targets alone suggest another one."""
    if loss in BINARY_LOSSES and source.classes is not None:
        return "multilabel"
    numbers = source.task == "regression" and source.y.ndim == 1
    if loss in CLASS_LOSSES and numbers and (source.y == np.floor(source.y)).all():
        return "classification"
    return None


def _as(source: Source, task: Task, where: str) -> Source:
    if source.task == task:
        return source
    y, classes = written_as(task, _one_hot_again(source, source.y), where)
    test = source.test
    if test is not None:
        own, _ = written_as(task, _one_hot_again(source, test[1]), f"{where}, test")
        test = test[0], own
    return replace(source, y=y, task=task, classes=classes, test=test)


def _one_hot_again(source: Source, y: np.ndarray) -> np.ndarray:
    """Classes that were one-hot rows as such rows again."""
    return y if source.classes is None else np.eye(len(source.classes), dtype="uint8")[y]
