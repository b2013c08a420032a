"""From a recipe's data section to rows that train, validate and test."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import DataError
from . import split as parts
from .arrays import as_trained, numbers, picked
from .scale import Scaling
from .source import GUESSED, TAKES_TASK, Columns, Source, asked_task, checked, with_task
from .sources import SOURCES
from .split import Other, Part, Splits
from .table import same_table
from .targets import Task

DEFAULT_TEST = 0.15


@dataclass(frozen=True)
class Split:
    """Rows and their targets, in raw form."""

    x: np.ndarray
    y: np.ndarray

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Data:
    """All that training needs to know of its data.

    Attributes:
        train: rows to learn from.
        validation: rows to choose by, or None.
        test: rows to measure once, or None.
        task: `classification`, `regression` or `multilabel`.
        classes: the classes in order; targets are indices into it. Empty for the other tasks.
        scaling: fitted on the training rows.
        columns: how the cells of a table became numbers, for tables.
        unlabelled: all rows of the training split, where only some of them are trained on; or None.
        fingerprint: hash over all rows and targets of all splits.
        source: name of the source.
    """

    train: Split
    validation: Split | None
    test: Split | None
    task: Task
    classes: tuple[Any, ...]
    scaling: Scaling
    columns: Columns | None
    fingerprint: str
    source: str
    unlabelled: np.ndarray | None = None

    @property
    def rows(self) -> np.ndarray:
        """All rows of the training split, those whose target is not used among them."""
        return self.train.x if self.unlabelled is None else self.unlabelled

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return self.train.x.shape[1:]

    @property
    def num_outputs(self) -> int:
        """Numbers or labels to predict for a row, where they are no classes."""
        return 1 if self.train.y.ndim == 1 else self.train.y.shape[1]

    def to_json(self) -> dict[str, Any]:
        """What a run directory keeps, so that raw rows can be predicted later."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {
            "source": self.source,
            "task": self.task,
            "classes": list(self.classes),
            "input_shape": list(self.input_shape),
            "rows": {name: 0 if part is None else len(part) for name, part in named.items()},
            "columns": None if self.columns is None else self.columns.to_json(),
            "scaling": self.scaling.to_json(),
            "fingerprint": self.fingerprint,
        }


def load_data(
    name: str,
    arguments: Mapping[str, Any],
    *,
    splits: Splits,
    scale: str = "none",
    seed: int = 0,
    limit: int | None = None,
    arrays: tuple[Any, Any] | None = None,
    task: Task | None = None,
    loss: str | None = None,
) -> Data:
    """Load, check, split and measure the rows of a source.

    Args:
        name: a source of the table, or `arrays`.
        arguments: its arguments.
        splits: what validates and what tests.
        scale: `minmax`, `standardize` or `none`.
        seed: decides which rows go where.
        limit: use at most this many rows of the source.
        arrays: `(x, y)` for the source `arrays`.
        task: what the targets are; by default it follows from their values.
        loss: name of the loss, which may decide the task too.

    Raises:
        DataError: the data cannot be used so, or its task is in doubt.
    """
    where = arguments.get("path", name)
    asked = asked_task(name, arguments, task)
    source = read(name, arguments, arrays, asked)
    source = with_task(source, where, asked=asked, loss=loss, guessed=name in GUESSED)
    source = replace(source, x=as_trained(source.x, scaled=scale != "none"))
    # Before the limit: a short run has the network of the long one.
    classes = known_classes(source, where)
    source = restricted(source, limit, seed)
    train, validation, test = divided(source, classes, splits, seed)
    numeric = None if source.columns is None else source.columns.numeric
    return Data(
        train=train,
        validation=validation,
        test=test,
        task=source.task,
        classes=classes,
        scaling=Scaling.fit(scale, train.x, pixels=source.pixels, numeric=numeric),
        columns=source.columns,
        fingerprint=fingerprint(train, validation, test, classes=classes, columns=source.columns),
        source=name,
    )


def read(
    name: str,
    arguments: Mapping[str, Any],
    arrays: tuple[Any, Any] | None,
    task: Task | None = None,
) -> Source:
    """The source of a name, or the arrays that were given."""
    if name == "arrays":
        if arrays is None:
            raise DataError(
                "data.source is `arrays`, which only Python can give: "
                "`keras_recipes.load(...).train(x, y)`."
            )
        return checked(*arrays, "arrays", task=task)
    if arrays is not None:
        raise DataError(f"data.source is `{name}`; give arrays only to the source `arrays`.")
    if name in TAKES_TASK and task is not None:
        arguments = {**arguments, "task": task}
    return SOURCES[name](**arguments)


def restricted(source: Source, limit: int | None, seed: int) -> Source:
    """The source with no more than `limit` rows, its own test rows included."""
    if limit is None:
        return source
    kept = parts.limited(labels_of(source), len(source.y), limit, seed)
    test = source.test
    if test is not None:
        few = parts.limited(None, len(test[1]), limit, seed)
        test = test[0][few], test[1][few]
    return replace(source, x=source.x[kept], y=source.y[kept], test=test)


def labels_of(source: Source) -> np.ndarray | None:
    """Labels to stratify by; None for a regression."""
    return source.y if source.task == "classification" else None


def known_classes(source: Source, where: str) -> tuple[Any, ...]:
    """The classes in order; at least two."""
    if source.task != "classification":
        return ()
    present = tuple(np.unique(source.y).tolist())
    classes = present if source.classes is None else source.classes
    if len(present) < 2:
        only = source.y.flat[0]
        raise DataError(f"{where}: all rows have the class {only}; there is nothing to learn.")
    if len(classes) > max(1000, len(source.y) // 2):
        raise DataError(
            f"{where}: {len(classes)} classes in {len(source.y)} rows; is this a regression? Then "
            "give `task: regression`, or targets with a fraction."
        )
    return classes


def divided(
    source: Source, classes: tuple[Any, ...], splits: Splits, seed: int
) -> tuple[Split, Split | None, Split | None]:
    """Training, validation and test rows.

    The test rows are drawn first and from a stream of their own: another fraction of validation
    rows leaves them as they are.
    """
    labels, rest = labels_of(source), np.arange(len(source.y))
    given = {
        "test": _given(source, classes, splits.test, "test"),
        "validation": _given(source, classes, splits.validation, "validation"),
    }
    drawn: dict[str, np.ndarray] = {}
    for what, asked, stream in (
        ("test", splits.test, parts.TEST),
        ("validation", splits.validation, parts.VALIDATION),
    ):
        part = DEFAULT_TEST if isinstance(asked, str) else asked  # `auto`
        # A fraction is one of all rows, whatever the other split has taken already.
        if given[what] is not None or isinstance(part, tuple):
            part = None
        size = parts.size_of(part, len(source.y), what)
        if size >= len(rest):
            raise DataError(f"{what}: {size} rows are asked for and {len(rest)} are left.")
        drawn[what], rest = parts.taken(labels, rest, size, parts.generator(seed, stream), what)
    chosen = {
        what: given[what] or (_split(source, classes, rows) if len(rows) else None)
        for what, rows in drawn.items()
    }
    return _split(source, classes, rest), chosen["validation"], chosen["test"]


def _split(source: Source, classes: tuple[Any, ...], rows: np.ndarray) -> Split:
    # All rows in order need no copy.
    if len(rows) == len(source.y):
        return Split(source.x, encoded(source.y, classes))
    return Split(picked(source.x, rows), encoded(source.y[rows], classes))


def encoded(y: np.ndarray, classes: tuple[Any, ...]) -> np.ndarray:
    """Targets as indices into the classes; numbers and labels stay as they are."""
    if not classes:
        return y
    return np.searchsorted(np.array(classes), y).astype("int32")


def _given(
    source: Source, classes: tuple[Any, ...], asked: Part | Other | str, what: str
) -> Split | None:
    """Rows of a split that come from elsewhere: the source's own test rows, or another source."""
    if asked == "auto" and source.test is not None:
        return _checked_split(source, classes, *source.test, what)
    if not isinstance(asked, tuple):
        return None
    name, arguments = asked
    if source.columns is not None and name == "csv":
        words = source.y.dtype.kind == "U"
        x, y = same_table(source.columns, arguments, source.task, words=words)
    else:
        other = read(name, arguments, None, source.task)
        other = with_task(other, what, asked=source.task, loss=None, guessed=False)
        x, y = other.x, other.y
    return _checked_split(source, classes, x, y, what)


def _checked_split(
    source: Source, classes: tuple[Any, ...], x: np.ndarray, y: np.ndarray, what: str
) -> Split:
    if x.shape[1:] != source.x.shape[1:]:
        raise DataError(
            f"{what}: its rows have shape {x.shape[1:]}; the training rows {source.x.shape[1:]}."
        )
    if y.shape[1:] != source.y.shape[1:]:
        raise DataError(
            f"{what}: its targets have shape {y.shape[1:]}; those of the training rows "
            f"{source.y.shape[1:]}."
        )
    if x.dtype.kind == "f":
        x = x.astype("float64" if source.x.dtype == np.float64 else "float32", copy=False)
    if source.task == "multilabel":
        return Split(x, y)
    if not classes:
        return Split(x, numbers(y, f"{what}, targets").astype("float32", copy=False))
    if source.y.dtype.kind == "U":
        y = y.astype(str)
    parts.check_classes(classes, y, what)
    return Split(x, encoded(y, classes))


def fingerprint(
    *splits: Split | None, classes: tuple[Any, ...] = (), columns: Columns | None = None
) -> str:
    """SHA-256 over type, shape and bytes of every split, and the names of classes and columns."""
    names = {"classes": classes, "columns": columns and columns.to_json()}
    digest = hashlib.sha256(json.dumps(names).encode())
    for split in splits:
        for array in (np.empty(0),) if split is None else (split.x, split.y):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            data: Any = np.ascontiguousarray(array)
            digest.update(memoryview(data).cast("B"))
    return digest.hexdigest()
