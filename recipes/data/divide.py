"""Which rows of a source train, which validate and which test."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..errors import DataError
from ..spec.image_folders import own_part
from ..spec.sections import DEFAULT_PART
from ..spec.targets import ClassName
from ..spec.tasks import CLASSES
from ..spec.wording import listed, shown
from . import split as parts
from .arrays import numbers
from .cell_types import is_text, words
from .cells import scalar
from .classes import encoded
from .dates import times_of
from .frame import Frame, Rows, pick, plain
from .heads import strata
from .loaded import Split
from .opening import read
from .source import Source, with_task
from .split import Other, Part, SplitBy, Splits
from .table import NO_TABLE, TableOptions


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
    classes: tuple[ClassName, ...],
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
    source: Source, classes: tuple[ClassName, ...], column: str
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


def _split(source: Source, classes: tuple[ClassName, ...], rows: np.ndarray) -> Split:
    numbers = rows if source.numbers is None else source.numbers[rows]
    # All rows in order need no copy.
    if len(rows) == len(source.y):
        return Split(source.x, encoded(source.y, classes), numbers)
    return Split(pick(source.x, rows), encoded(source.y[rows], classes), numbers)


def _given(
    source: Source,
    classes: tuple[ClassName, ...],
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
    source: Source, classes: tuple[ClassName, ...], x: Rows, y: np.ndarray, what: str
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
