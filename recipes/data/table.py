"""Which columns of a table go into a network and which come out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import DataError
from .array_feature import Array
from .cache import has_room
from .columns import is_large
from .features import Category, Date, Feature, Numeric
from .fitted import Fitted, FittedCategory, FittedDate, FittedNumeric
from .frame import Frame, plain
from .head import HeadOptions
from .image_feature import FittedImage, Image
from .infer import infer
from .npz import memory
from .series import WindowOptions
from .side_by_side import side_by_side
from .split import SplitBy

# The name that stands for all columns that a recipe does not name.
OTHERS = "*"
# Each column is an input of the saved model, which Keras takes some milliseconds to make.
MOST_COLUMNS = 1000


@dataclass(frozen=True)
class TableOptions:
    """What a recipe says of the columns of a table.

    Attributes:
        target: names of the columns that are predicted.
        features: column -> how it enters the network, `auto` to infer it, or `drop` to leave it
            out; `*` stands for all columns that are not named, which are left out without it.
            None infers all.
        drop_missing_target: leave out rows without a target, instead of refusing them.
        split_by: a column that decides the splits; one of groups or parts enters the network only
            if it is named.
        window: windows over the rows, or None.
        heads: of several outputs, what each predicts of the target columns, by name.
    """

    target: tuple[str, ...] = ()
    features: Mapping[str, Feature | str] | None = None
    drop_missing_target: bool = False
    split_by: SplitBy | None = None
    window: WindowOptions | None = None
    heads: Mapping[str, HeadOptions] = field(default_factory=dict)

    @property
    def column_of_groups(self) -> str | None:
        """The column that names groups or parts of rows, which say nothing of new rows."""
        by = self.split_by
        return None if by is None or by.kind == "time" else by.column

    @property
    def words(self) -> frozenset[str]:
        """Columns that the recipe says hold words, whatever they look like."""
        asked = self.features or {}
        found = {name for name, kind in asked.items() if not isinstance(kind, (str, Numeric))}
        if self.window is not None and self.window.by is not None:
            found.add(self.window.by)
        return frozenset(found)


NO_TABLE = TableOptions()
# Columns that a note names, of a table with more.
MOST_NOTES = 30


def with_target(table: Frame, target: Sequence[str]) -> np.ndarray:
    """Indices of the rows of a table that have all targets."""
    known = np.ones(len(table), bool)
    for name in target:
        column = table[name]
        if not isinstance(column, np.ndarray):
            known &= np.asarray(column.is_valid())
    return np.flatnonzero(known)


def used(table: Frame, options: TableOptions) -> Frame:
    """The columns that are predicted or learned from, of those that a file has."""
    table.require(options.target)
    names = [*_entering(table, options), *options.target]
    if options.split_by is not None:
        names.append(options.split_by.column)
    if options.window is not None:
        table.require([*options.window.columns, *options.window.known])
        names += options.window.columns
    return table.select(dict.fromkeys(names))


def _entering(table: Frame, options: TableOptions) -> list[str]:
    """Names of the columns that a recipe does not leave out."""
    asked = options.features or {OTHERS: "auto"}
    table.require([name for name, kind in asked.items() if name != OTHERS and kind != "drop"])
    names = [
        name
        for name in table.columns
        if name not in options.target and asked.get(name, asked.get(OTHERS, "drop")) != "drop"
    ]
    if len(names) > MOST_COLUMNS:
        raise DataError(
            f"{table.where}: {len(names)} columns are more than a network can take by name, "
            f"{MOST_COLUMNS}. Name the ones to use under `features`, or save all of them as one "
            "array of numbers in a `.npz` file."
        )
    return names


def fit_features(
    rows: Frame, options: TableOptions, scale: str = "none"
) -> tuple[tuple[Fitted, ...], tuple[str, ...]]:
    """What is learned of each column from the training rows, and what each was taken for.

    Args:
        scale: `standardize` or `minmax` for columns whose scale is inferred; `none` infers it.

    Raises:
        DataError: a column is missing or cannot be what it should be, or none is left.
    """
    _entering(rows, options)

    def learn(name: str) -> tuple[Fitted | None, str | None]:
        return _learned(rows, name, options, scale)

    # Of a table that is larger than memory, one column is in memory at a time.
    few = is_large(rows.columns)
    found = side_by_side(learn, rows.columns, 0 if few else len(rows))
    fitted = [each for each, _ in found if each is not None]
    notes = [note for _, note in found if note is not None]
    if not fitted:
        raise DataError(
            f"{rows.where}: no column is left to learn from. {'; '.join(notes)[:1000]}".rstrip()
        )
    _refuse_large(rows, fitted)
    return tuple(fitted), tuple(notes)


def _learned(
    rows: Frame, name: str, options: TableOptions, scale: str
) -> tuple[Fitted | None, str | None]:
    """What is learned of a column, and a note of what was decided about it."""
    asked = options.features or {OTHERS: "auto"}
    others = "drop" if name == options.column_of_groups else asked.get(OTHERS, "drop")
    choice, note = asked.get(name, others), None
    if choice == "drop":
        return None, f"{plain(name)}: left out" if name in asked else None
    if isinstance(choice, str):
        found = infer(rows, name)
        if found.feature is None:
            return None, f"{plain(name)}: left out; {found.reason}"
        choice = found.feature
        if scale != "none" and isinstance(choice, (Numeric, Array)):
            choice = replace(choice, scale=scale)
        note = f"{plain(name)}: {choice.describe()}; {found.reason}"
    fitted = choice.learn(name, rows) if isinstance(choice, Image) else choice.fit(name, rows)
    if note is None and (found := describe_inferred(choice, fitted)) is not None:
        note = f"{plain(name)}: {choice.describe()}; {found}"
    return fitted, note


def describe_inferred(asked: Feature, fitted: Fitted) -> str | None:
    """What a feature left open and the training rows decided, in words; None if nothing.

    Args:
        asked: what the recipe says of the column.
        fitted: what was learned of it.
    """
    match asked, fitted:
        case Numeric(indicator=None), FittedNumeric(indicator=True):
            return f"missing ones become {fitted.fill:.6g}, and an indicator says so"
        case Category(output="auto"), FittedCategory():
            how = "one-hot" if fitted.output == "one_hot" else f"{fitted.dimensions} numbers each"
            return f"{len(fitted.vocabulary)} categories, {how}"
        case Date(parts=None), FittedDate():
            return f"its {', '.join(fitted.parts)}"
        case Image(), FittedImage() if asked.size is None or asked.channels is None:
            height, width = fitted.size
            return f"{height} x {width}, {'grey' if fitted.channels == 1 else 'RGB'}"
    return None


def note_lines(notes: Sequence[str]) -> list[str]:
    """What columns were taken for, a line each; of many columns the first and how many there are.

    >>> note_lines(["age: numeric, standardize; numbers from 18 to 68"])
    ['column age: numeric, standardize; numbers from 18 to 68']
    """
    lines = [f"column {note}" for note in notes[:MOST_NOTES]]
    if len(notes) > MOST_NOTES:
        lines.append(f"... and {len(notes) - MOST_NOTES} more of {len(notes)} columns")
    return lines


def _refuse_large(rows: Frame, fitted: Sequence[Fitted]) -> None:
    """Raise a `DataError` where the numbers that the columns become do not fit into memory."""
    width = sum(feature.width for feature in fitted)
    size = 4 * width * len(rows)
    if 2 * size > memory() and not has_room(size):
        most = max(fitted, key=lambda feature: feature.width)
        raise DataError(
            f"{rows.where}: {len(rows)} rows of {width} numbers take {size / 2**30:.1f} GiB, twice "
            f"while they are made, and this machine has {memory() / 2**30:.1f}; nor does the "
            f"folder of the cache have room for them. Column "
            f"`{plain(most.name)}` alone is {most.width} of them. Use fewer columns or rows, or "
            "for categories `output: embedding`."
        )
