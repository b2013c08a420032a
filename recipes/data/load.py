"""From a recipe's data section to rows that train, validate and test."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import DataError
from ..spec.fields import listed, shown
from . import split as parts
from .arrays import as_trained, numbers
from .features import FITTED, Fitted, scalar, times_of
from .folds import Fold, fit_each, folds_of
from .frame import MOST_NAMES_SHOWN, Frame, Rows, floats, is_text, pick, plain, words
from .scale import Scaling
from .source import GUESSED, TAKES_TASK, Source, asked_task, checked, of_table, with_task
from .sources import SOURCES
from .split import Other, Part, SplitBy, Splits
from .table import NO_TABLE, TableOptions, used, with_target
from .targets import Task

DEFAULT_TEST = 0.15
# Arguments of a table of text that later files of the same kind are read with.
DIALECT = ("delimiter", "encoding")


@dataclass(frozen=True)
class Split:
    """Rows and their targets.

    Attributes:
        x: rows, first axis counts them; a table, or the blocks of numbers by name that it became.
        y: their targets.
        numbers: which row of the source each of them is, from 0; None where that is not known.
    """

    x: Any
    y: np.ndarray
    numbers: np.ndarray | None = None

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
        features: what was learned of each column of a table, from the training rows.
        target: names of the columns of a table that are predicted.
        dialect: delimiter and encoding of a table of text, where the recipe names them.
        notes: what each column of a table was taken for, and why.
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
    fingerprint: str
    source: str
    features: tuple[Fitted, ...] = ()
    target: tuple[str, ...] = ()
    dialect: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unlabelled: Any = None

    @property
    def rows(self) -> Any:
        """All rows of the training split, those whose target is not used among them."""
        return self.train.x if self.unlabelled is None else self.unlabelled

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row of an array; empty for a table and its blocks."""
        x = self.train.x
        return x.shape[1:] if isinstance(x, np.ndarray) else ()

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
            "notes": list(self.notes),
            "features": FITTED.dump_python(self.features, mode="json"),
            "target": list(self.target),
            "dialect": dict(self.dialect),
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
    table: TableOptions = NO_TABLE,
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
        table: which columns of a table go in, and which come out.

    Raises:
        DataError: the data cannot be used so, or its task is in doubt.
    """
    where = arguments.get("path", name)
    asked = asked_task(name, arguments, task)
    source = read(name, arguments, arrays, asked, table)
    source = with_task(source, where, asked=asked, loss=loss, guessed=name in GUESSED)
    if not isinstance(source.x, Frame):
        source = replace(source, x=as_trained(source.x, scaled=scale != "none"))
    # Before the limit: a short run has the network of the long one.
    classes = known_classes(source, where)
    source = restricted(source, limit, seed)
    train, validation, test = divided(source, classes, splits, seed, table)
    folds = _folds(train, classes, splits, table.split_by, seed)
    if splits.fold is not None:
        chosen, folds = folds[splits.fold - 1], []
        train, validation = rows_of(train, chosen.train), rows_of(train, chosen.validation)
    if isinstance(train.x, Frame):
        fitted, notes = fit_each(train.x, folds, table, scale)
        scaling = Scaling.none()
    else:
        fitted, notes = (), ()
        scaling = Scaling.fit(scale, train.x, pixels=source.pixels)
    return Data(
        train=train,
        validation=validation,
        test=test,
        task=source.task,
        classes=classes,
        scaling=scaling,
        fingerprint=fingerprint(train, validation, test, classes=classes),
        source=name,
        features=fitted,
        target=table.target,
        dialect={key: arguments[key] for key in DIALECT if arguments.get(key) is not None},
        notes=notes,
    )


def read(
    name: str,
    arguments: Mapping[str, Any],
    arrays: tuple[Any, Any] | None,
    task: Task | None = None,
    table: TableOptions = NO_TABLE,
    words: Iterable[str] = (),
) -> Source:
    """The source of a name, or the arrays that were given.

    Args:
        words: columns of a table that stay words, beside those that the recipe says are.
    """
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
    found = SOURCES[name](**arguments)
    if isinstance(found, Source):
        if table.target or table.features is not None:
            raise DataError(
                f"{name}: has its own targets, and no columns; leave `target` and `features` out."
            )
        return found
    if not table.target:
        raise DataError(
            f"{found.where}: say which column is predicted: `target: NAME` below `data`. It has "
            f"{listed(list(found.columns)[:MOST_NAMES_SHOWN])}."
        )
    found = used(found, table).typed({*table.words, *words})
    if not table.drop_missing_target:
        return of_table(found, table.target, found.where, task)
    numbers = with_target(found, table.target)
    found = found if len(numbers) == len(found) else found.take(numbers)
    return replace(of_table(found, table.target, found.where, task), numbers=numbers)


def restricted(source: Source, limit: int | None, seed: int) -> Source:
    """The source with no more than `limit` rows, its own test rows included."""
    if limit is None:
        return source
    kept = parts.limited(labels_of(source), len(source.y), limit, seed)
    test = source.test
    if test is not None:
        few = parts.limited(None, len(test[1]), limit, seed)
        test = pick(test[0], few), test[1][few]
    numbers = kept if source.numbers is None else source.numbers[kept]
    return replace(source, x=pick(source.x, kept), y=source.y[kept], test=test, numbers=numbers)


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
    source: Source,
    classes: tuple[Any, ...],
    splits: Splits,
    seed: int,
    table: TableOptions = NO_TABLE,
) -> tuple[Split, Split | None, Split | None]:
    """Training, validation and test rows.

    The test rows are drawn first and from a stream of their own: another fraction of validation
    rows leaves them as they are.
    """
    labels, rest = labels_of(source), np.arange(len(source.y))
    if table.split_by is not None and table.split_by.kind == "column":
        return _named_parts(source, classes, table.split_by.column)
    draw = _draw(source, table.split_by, labels)
    given = {
        "test": _given(source, classes, splits.test, "test", table),
        "validation": _given(source, classes, splits.validation, "validation", table),
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
        rows = rest[:0], rest
        drawn[what], rest = draw(rest, size, parts.generator(seed, stream), what) if size else rows
    chosen = {
        what: given[what] or (_split(source, classes, rows) if len(rows) else None)
        for what, rows in drawn.items()
    }
    return _split(source, classes, rest), chosen["validation"], chosen["test"]


def _folds(
    rows: Split, classes: tuple[Any, ...], splits: Splits, by: SplitBy | None, seed: int
) -> list[Fold]:
    """The folds of the rows that are not tested on; none where the recipe has none."""
    if splits.folds is None:
        return []
    labels = np.array(classes)[rows.y] if classes else None
    return folds_of(rows.x, labels, by, splits.folds, seed)


Draw = Callable[[np.ndarray, int, np.random.Generator, str], tuple[np.ndarray, np.ndarray]]


def _draw(source: Source, by: SplitBy | None, labels: np.ndarray | None) -> Draw:
    """How the rows of a part are drawn from those that are left."""
    if by is None:
        return lambda rest, size, rng, what: parts.taken(labels, rest, size, rng, what)
    table = _table(source)
    if by.kind == "time":
        times = times_of(table, by.column)
        return lambda rest, size, rng, what: parts.latest(times, rest, size, what)
    groups = np.unique(words(scalar(table, by.column)).astype(str), return_inverse=True)[1]
    return lambda rest, size, rng, what: parts.whole_groups(groups, rest, size, rng, what)


PARTS = {"train": "train", "training": "train", "validation": "validation", "test": "test"}


def _named_parts(
    source: Source, classes: tuple[Any, ...], column: str
) -> tuple[Split, Split | None, Split | None]:
    """The parts that the cells of a column name."""
    table = _table(source)
    names = words(scalar(table, column)).astype(str)
    for row, name in enumerate(names):
        if name not in PARTS:
            problem = f"expected {listed(list(PARTS))}. Received {shown(name)}."
            raise DataError(f"{table.where}: {table.fault(row, column, problem)}")
    found = {
        part: np.flatnonzero(np.isin(names, [word for word, what in PARTS.items() if what == part]))
        for part in ("train", "validation", "test")
    }
    if not len(found["train"]):
        raise DataError(f"{table.where}: column `{plain(column)}` names no row `train`.")
    train, *rest = (_split(source, classes, rows) if len(rows) else None for rows in found.values())
    assert train is not None
    return train, rest[0], rest[1]


def _table(source: Source) -> Frame:
    if not isinstance(source.x, Frame):
        raise DataError("split_by: the data is no table with columns; leave `split_by` out.")
    return source.x


def _split(source: Source, classes: tuple[Any, ...], rows: np.ndarray) -> Split:
    numbers = rows if source.numbers is None else source.numbers[rows]
    # All rows in order need no copy.
    if len(rows) == len(source.y):
        return Split(source.x, encoded(source.y, classes), numbers)
    return Split(pick(source.x, rows), encoded(source.y[rows], classes), numbers)


def rows_of(split: Split, rows: np.ndarray) -> Split:
    """Some rows of a split, by index."""
    numbers = None if split.numbers is None else split.numbers[rows]
    return Split(pick(split.x, rows), split.y[rows], numbers)


def encoded(y: np.ndarray, classes: tuple[Any, ...]) -> np.ndarray:
    """Targets as indices into the classes; numbers and labels stay as they are."""
    if not classes:
        return y
    return np.searchsorted(np.array(classes), y).astype("int32")


def _given(
    source: Source,
    classes: tuple[Any, ...],
    asked: Part | Other | str,
    what: str,
    table: TableOptions,
) -> Split | None:
    """Rows of a split that come from elsewhere: the source's own test rows, or another source."""
    if asked == "auto" and source.test is not None:
        return _checked_split(source, classes, *source.test, what)
    if not isinstance(asked, tuple):
        return None
    name, arguments = asked
    words: list[str] = []
    if isinstance(source.x, Frame):  # what is words in the first table is words in this one
        words = [name for name, column in source.x.columns.items() if is_text(column)]
        words += table.target if source.y.dtype.kind == "U" else ()
    other = read(name, arguments, None, source.task, table, words)
    other = with_task(other, what, asked=source.task, loss=None, guessed=False)
    return _checked_split(source, classes, other.x, other.y, what)


def _checked_split(
    source: Source, classes: tuple[Any, ...], x: Rows, y: np.ndarray, what: str
) -> Split:
    if isinstance(x, Frame) or isinstance(source.x, Frame):
        x = _same_columns(x, source.x, what)
    elif x.shape[1:] != source.x.shape[1:]:
        raise DataError(
            f"{what}: its rows have shape {x.shape[1:]}; the training rows {source.x.shape[1:]}."
        )
    if y.shape[1:] != source.y.shape[1:]:
        raise DataError(
            f"{what}: its targets have shape {y.shape[1:]}; those of the training rows "
            f"{source.y.shape[1:]}."
        )
    if isinstance(x, np.ndarray) and isinstance(source.x, np.ndarray) and x.dtype.kind == "f":
        x = x.astype("float64" if source.x.dtype == np.float64 else "float32", copy=False)
    if source.task == "multilabel":
        return Split(x, y)
    if not classes:
        return Split(x, numbers(y, f"{what}, targets").astype("float32", copy=False))
    if source.y.dtype.kind == "U":
        y = y.astype(str)
    parts.check_classes(classes, y, what)
    return Split(x, encoded(y, classes))


def _same_columns(x: Rows, first: Rows, what: str) -> Frame:
    """A second table with the columns of the first."""
    if not isinstance(x, Frame) or not isinstance(first, Frame):
        raise DataError(f"{what}: a table and an array cannot be parts of the same data.")
    return x.select(first.columns)


def fingerprint(*splits: Split | None, classes: tuple[Any, ...] = ()) -> str:
    """SHA-256 over names, types, shapes and values of every split, and the names of classes."""
    digest = hashlib.sha256(json.dumps({"classes": classes}).encode())
    for split in splits:
        for name, array in () if split is None else _arrays(split):
            digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
            data: Any = np.ascontiguousarray(array)
            digest.update(memoryview(data).cast("B"))
    return digest.hexdigest()


def _arrays(split: Split) -> Iterator[tuple[str, np.ndarray]]:
    """The columns and the targets of a split as arrays of bytes and numbers."""
    if isinstance(split.x, Frame):
        for name, column in split.x.columns.items():
            if isinstance(column, np.ndarray):
                yield name, column
            elif is_text(column):
                text = "\0".join(words(column).tolist()).encode()
                yield name, np.frombuffer(text, "uint8")
            else:
                yield name, floats(column)
    else:
        yield "x", split.x
    yield "y", split.y
