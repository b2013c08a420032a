"""From a recipe's data section to rows that train, validate and test."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import DataError
from ..spec.fields import listed, shown
from ..spec.image_folders import own_part
from ..spec.sections import DEFAULT_PART
from ..spec.targets import ClassName
from ..spec.tasks import CLASSES, Task
from . import split as parts
from .array_rows import as_arrays
from .arrays import as_trained, numbers
from .classes import as_words, encoded, known_classes, with_classes
from .features import FITTED, Fitted, scalar, times_of
from .folds import Fold, fit_each, folds_of
from .frame import (
    MOST_NAMES_SHOWN,
    Frame,
    Rows,
    floats,
    is_binary,
    is_text,
    joined,
    pick,
    plain,
    words,
)
from .from_python import of_python
from .heads import ENOUGH, Head, field_of, of_heads, strata, words_of
from .image_feature import FittedImage, looked_at, picture_faults, refuse_pictures, skipping
from .image_folder import LABEL, Tables
from .naive import Forecasting
from .scale import Scaling
from .source import GUESSED, TAKES_TASK, Source, asked_task, of_table, with_task
from .sources import SOURCES
from .split import Other, Part, SplitBy, Splits
from .table import NO_TABLE, TableOptions, note_lines, used, with_target

# The target of sources that have one by themselves, where the recipe names no other.
TARGETS = {"image_folder": (LABEL,)}
# Arguments of a table of text that later files of the same kind are read with.
DIALECT = ("delimiter", "encoding")


@dataclass(frozen=True)
class Split:
    """Rows and their targets.

    Attributes:
        x: rows, first axis counts them; a table, or the blocks of numbers by name that it became.
        y: their targets; of several outputs records with a field for each, or arrays by name.
        numbers: which row of the source each of them is, from 0; None where that is not known.
    """

    x: Any
    y: Any
    numbers: np.ndarray | None = None

    def __len__(self) -> int:
        return len(next(iter(self.y.values())) if isinstance(self.y, Mapping) else self.y)


@dataclass(frozen=True)
class Data:
    """All that training needs to know of its data.

    Attributes:
        train: rows to learn from.
        validation: rows to choose by, or None.
        test: rows to measure once, or None.
        task: `classification`, `ordinal`, `multilabel`, `regression` or `count`.
        classes: the classes in order; targets are indices into it. Empty for the other tasks.
        scaling: fitted on the training rows.
        features: what was learned of each column of a table, from the training rows.
        target: names of the columns of a table that are predicted.
        dialect: delimiter and encoding of a table of text, where the recipe names them.
        notes: what each column of a table was taken for, and why.
        unlabelled: all rows of the training split, where only some of them are trained on; or None.
        forecasting: of windows over series, what their forecasts are measured by; else None.
        fingerprint: hash over all rows and targets of all splits.
        source: name of the source.
        unreadable: pictures that cannot be read and were left out, each with the reason.
        heads: of a network with several outputs, the fields of the targets; else empty.
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
    unreadable: tuple[str, ...] = ()
    forecasting: Forecasting | None = None
    heads: tuple[Head, ...] = ()

    def of(self, name: str) -> "Data":
        """The same data with the targets of one of several outputs."""

        def own(split: Split) -> Split:
            return replace(split, y=field_of(split.y, name))

        head = next(head for head in self.heads if head.name == name)
        return replace(
            self,
            train=own(self.train),
            validation=self.validation and own(self.validation),
            test=self.test and own(self.test),
            task=head.task,
            classes=head.classes,
            target=head.target,
            heads=(),
        )

    @property
    def lines(self) -> list[str]:
        """What was found out about series and columns, for people, a line each."""
        series = () if self.forecasting is None else self.forecasting.notes
        return [*series, *note_lines(self.notes)]

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
            "window": self.forecasting and self.forecasting.to_json(),
            "fingerprint": self.fingerprint,
            **({"heads": {head.name: head.to_json() for head in self.heads}} if self.heads else {}),
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
    skip_pictures: bool = False,
    classes: Sequence[ClassName] | None = None,
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
        skip_pictures: leave out pictures that cannot be read, whatever the recipe says of them.
        classes: the classes in their order; by default they are sorted.

    Raises:
        DataError: the data cannot be used so, or its task is in doubt.
    """
    where = arguments.get("path", name)
    if name in TARGETS and not table.target:
        table = replace(table, target=TARGETS[name])
    asked = asked_task(name, arguments, task)
    source = read(name, arguments, arrays, asked, table, table.target if as_words(classes) else ())
    source = with_task(source, where, asked=asked, loss=loss, guessed=name in GUESSED)
    source = with_classes(source, classes, where, table.target)
    if not isinstance(source.x, Frame):
        source = replace(source, x=as_trained(source.x, scaled=scale != "none"))
    # Before the limit: a short run has the network of the long one.
    known = known_classes(source, where)
    source = restricted(source, limit, seed)
    train, validation, test = divided(source, known, splits, seed, table)
    folds = _folds(train, source, known, splits, table.split_by, seed)
    if splits.fold is not None:
        chosen, folds = folds[splits.fold - 1], []
        train, validation = rows_of(train, chosen.train), rows_of(train, chosen.validation)
    if isinstance(train.x, Frame):
        fitted, notes = fit_each(train.x, folds, table, scale)
        fitted = skipping(fitted) if skip_pictures else fitted
        (train, validation, test), unreadable = readable((train, validation, test), fitted)
        scaling = Scaling.none()
    else:
        fitted, notes, unreadable = (), (), ()
        scaling = Scaling.fit(scale, train.x, pixels=source.pixels)
    return Data(
        train=train,
        validation=validation,
        test=test,
        task=source.task,
        classes=known,
        scaling=scaling,
        fingerprint=fingerprint(train, validation, test, classes=known),
        source=name,
        features=fitted,
        target=table.target,
        dialect={key: arguments[key] for key in DIALECT if arguments.get(key) is not None},
        notes=notes,
        unreadable=unreadable,
        heads=source.heads,
    )


def readable(
    splits: tuple[Split, Split | None, Split | None], fitted: Sequence[Fitted]
) -> tuple[tuple[Split, Split | None, Split | None], tuple[str, ...]]:
    """The splits without rows of pictures that cannot be read, and which these are.

    Raises:
        DataError: there are some, and the recipe does not say that they are skipped.
    """
    if not any(isinstance(feature, FittedImage) for feature in fitted):
        return splits, ()
    looked = [
        None if split is None else replace(split, x=looked_at(split.x, fitted)) for split in splits
    ]
    faults = [{} if split is None else picture_faults(split.x) for split in looked]
    problems = tuple(message for found in faults for message in found.values())
    if problems:
        refuse_pictures(problems, splits[0].x.where, fitted)
    kept = [
        split if split is None or not found else without(split, list(found))
        for split, found in zip(looked, faults, strict=True)
    ]
    for split in kept:
        if split is not None and not len(split):
            raise DataError(f"{split.x.where}: no picture of a split can be read: {problems[0]}")
    train, validation, test = kept
    assert train is not None
    return (train, validation, test), problems


def without(split: Split, rows: Sequence[int]) -> Split:
    """A split without some of its rows."""
    return rows_of(split, np.delete(np.arange(len(split)), rows))


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
        found = of_python(*arrays, table.target, task)
    elif arrays is not None:
        raise DataError(f"data.source is `{name}`; give arrays only to the source `arrays`.")
    else:
        more = {"task": task} if name in TAKES_TASK and task is not None else {}
        found = SOURCES[name](**{**arguments, **more})
        if isinstance(found, Frame) and found.folder is None:
            # Only what Python gives may name pictures anywhere on the machine.
            found = replace(found, folder=os.curdir)
    if isinstance(found, Tables):
        return _of_parts(found, table, task)
    if isinstance(found, Source):
        if table.target or table.features is not None:
            raise DataError(
                f"{name}: has its own targets, and no columns; leave `target` and `features` out."
            )
        return found
    found, numbers = table_of(found, table, [*words, *words_of(table.heads)]), None
    if table.drop_missing_target:
        numbers = with_target(found, table.target)
        found = found if len(numbers) == len(found) else found.take(numbers)
    if table.heads:
        return replace(of_heads(found, table.heads, found.where), numbers=numbers)
    source = as_arrays(found, table, task) or of_table(found, table.target, found.where, task)
    return replace(source, numbers=numbers)


def table_of(found: Frame, table: TableOptions, words: Iterable[str] = ()) -> Frame:
    """The columns of a table that are used, each in its type; see `read`."""
    if not table.target:
        raise DataError(
            f"{found.where}: say which column is predicted: `target: NAME` below `data`. It has "
            f"{listed(list(found.columns)[:MOST_NAMES_SHOWN])}."
        )
    return used(found, table).typed({*table.words, *words})


def _of_parts(found: Tables, options: TableOptions, task: Task | None) -> Source:
    """The source of tables that have parts of their own."""
    if options.heads:
        raise DataError("a source with parts of its own has one output. Leave `outputs` out.")
    parts: dict[str, Source] = {}
    for name, part in found.parts.items():
        rows = used(part, options)
        rows = rows.typed(options.words) if found.typed else rows
        if options.drop_missing_target:
            rows = rows.take(with_target(rows, options.target))
        parts[name] = of_table(rows, options.target, rows.where, task)
    own = {name: (part.x, part.y) for name, part in parts.items() if name != "train"}
    return replace(parts["train"], **own)


def restricted(source: Source, limit: int | None, seed: int) -> Source:
    """The source with no more than `limit` rows, its own test rows included."""
    if limit is None:
        return source
    kept = parts.limited(labels_of(source), len(source.y), limit, seed)
    own: dict[str, tuple[Rows, np.ndarray]] = {}
    for name, part in (("test", source.test), ("validation", source.validation)):
        if part is not None:
            few = parts.limited(None, len(part[1]), limit, seed)
            own[name] = pick(part[0], few), part[1][few]
    numbers = kept if source.numbers is None else source.numbers[kept]
    return replace(source, x=pick(source.x, kept), y=source.y[kept], numbers=numbers, **own)


def labels_of(source: Source) -> np.ndarray | None:
    """Labels to stratify by; None for a regression."""
    if source.heads:
        return strata(source.y, source.heads)
    return source.y if source.task in CLASSES else None


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
        part = DEFAULT_PART if isinstance(asked, str) else asked  # `auto`
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
    rows: Split,
    source: Source,
    classes: tuple[Any, ...],
    splits: Splits,
    by: SplitBy | None,
    seed: int,
) -> list[Fold]:
    """The folds of the rows that are not tested on; none where the recipe has none."""
    if splits.folds is None:
        return []
    labels = np.array(classes)[rows.y] if classes else None
    if source.heads:
        labels = strata(rows.y, source.heads, max(ENOUGH, splits.folds))
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


def _given(
    source: Source,
    classes: tuple[Any, ...],
    asked: Part | Other | str,
    what: str,
    table: TableOptions,
) -> Split | None:
    """Rows of a split that come from elsewhere: the source's own test rows, or another source."""
    own = source.test if what == "test" else source.validation
    if asked == "auto" and own is not None:
        return _checked_split(source, classes, *own, what)
    if isinstance(asked, int | float) and what == "validation" and own is not None:
        raise DataError(f"validation: {own_part(asked, getattr(own[0], 'where', 'the source'))}")
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
    rows = getattr(split.x, "frame", split.x)  # of windows
    if isinstance(rows, Frame):
        for name, found in rows.pictures.items():
            yield name, found.digests
        for name, column in rows.columns.items():
            if is_binary(column):
                continue
            if isinstance(column, np.ndarray):
                yield name, column
            elif is_text(column):
                yield name, joined(column)
            else:
                yield name, floats(column)
    else:
        yield "x", rows
    if rows is not split.x:
        yield "starts", split.x.starts
    for name in split.y.dtype.names or ():
        yield name, split.y[name]
    if split.y.dtype.names is None:
        yield "y", split.y
