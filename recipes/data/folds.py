"""The rows that are not tested on in folds, each of which validates once: cross-validation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import DataError
from .cell_types import words
from .cells import scalar
from .dates import times_of
from .fitted import FeatureKind, Fitted, FittedNumeric
from .frame import Frame, Rows, counted, pick, plain
from .split import SplitBy, generator
from .table import TableOptions, fit_features

# The stream of the seed that draws the folds; `split` has the others.
FOLDS = 10


@dataclass(frozen=True)
class Fold:
    """Which rows train and which validate, as indices in order.

    Attributes:
        train: of the rows to learn from.
        validation: of the rows to validate on.
    """

    train: np.ndarray
    validation: np.ndarray


def folds_of(
    x: Rows, labels: np.ndarray | None, by: SplitBy | None, count: int, seed: int
) -> list[Fold]:
    """Divide rows into folds: each of them validates in one fold and trains in the others.

    Without a column that decides, folds are drawn, with each class in proportion. By group, all
    rows of a group are in one fold, and folds are balanced as scikit-learn's `GroupKFold` and
    `StratifiedGroupKFold` balance them. By time the window expands: of `count + 1` blocks in order
    of time, fold i validates on block i + 1 and trains on those before it; the first block never
    validates.

    Args:
        x: the rows, first axis counts them; a table where `by` names a column.
        labels: class of every row; None where there are no classes.
        by: the column that decides, of groups or times.
        count: how many folds, at least 2.
        seed: decides what is left to chance.

    Raises:
        DataError: there are too few rows, rows of a class, groups or times for so many folds.
    """
    if count > len(x):
        raise _too_few(count, f"{len(x)} rows are left")
    if by is None:
        return _each_once(_drawn(labels, len(x), count, seed), count)
    if not isinstance(x, Frame):
        raise DataError("split_by: the data is no table with columns; leave `split_by` out.")
    if by.kind == "time":
        return _windows(times_of(x, by.column), by.column, count)
    if by.kind == "column":
        raise DataError("folds: `split_by: {column: ...}` names the part of each row itself.")
    groups = np.unique(words(scalar(x, by.column)).astype(str), return_inverse=True)[1]
    return _each_once(_by_group(groups, labels, by.column, count, seed), count)


def _drawn(labels: np.ndarray | None, rows: int, count: int, seed: int) -> np.ndarray:
    """The fold of each row; sizes, and those of each class, differ by one at most."""
    order = generator(seed, FOLDS).permutation(rows)
    if labels is not None:
        classes, counts = np.unique(labels, return_counts=True)
        if counts.min() < count:
            rare = plain(str(classes[counts.argmin()]))
            raise _too_few(count, f"class {rare} has {counted(int(counts.min()), 'row')} left")
        # Rows of a class stand together, in the order that was drawn, and are dealt out in turn.
        order = order[np.argsort(np.searchsorted(classes, labels)[order], kind="stable")]
    fold = np.empty(rows, int)
    fold[order] = np.arange(rows) % count
    return fold


def _by_group(
    groups: np.ndarray, labels: np.ndarray | None, column: str, count: int, seed: int
) -> np.ndarray:
    """The fold of each row; all rows of a group have the same."""
    # Importing scikit-learn takes longer than reading most tables.
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    there = int(groups.max()) + 1
    if there < count:
        raise _too_few(count, f"`{plain(column)}` has {there} groups")
    # Groups are placed by size; of equal ones the seed decides which is first.
    groups = generator(seed, FOLDS).permutation(there)[groups]
    maker = GroupKFold(count) if labels is None else StratifiedGroupKFold(count)
    if labels is not None and np.bincount(np.unique(labels, return_inverse=True)[1]).max() < count:
        raise _too_few(count, "no class has as many rows")
    fold = np.full(len(groups), -1)
    y = np.zeros(len(groups)) if labels is None else labels
    for index, (_, chosen) in enumerate(maker.split(np.zeros(len(groups)), y, groups)):
        fold[chosen] = index
    if len(np.unique(fold)) < count:
        raise _too_few(count, f"a few groups of `{plain(column)}` have nearly all rows")
    return fold


def _windows(times: np.ndarray, column: str, count: int) -> list[Fold]:
    """Expanding windows; rows of the same time are in the same block."""
    places = np.arange(1, count + 1) * len(times) // (count + 1)
    starts = np.sort(times)[places]
    if len(np.unique([times.min(), *starts])) <= count:
        raise _too_few(
            count,
            f"`{plain(column)}` has {len(np.unique(times))} different times, too many rows of one",
        )
    block = np.searchsorted(starts, times, side="right")
    return [
        Fold(np.flatnonzero(block < index), np.flatnonzero(block == index))
        for index in range(1, count + 1)
    ]


def _each_once(fold: np.ndarray, count: int) -> list[Fold]:
    return [
        Fold(np.flatnonzero(fold != index), np.flatnonzero(fold == index)) for index in range(count)
    ]


def _too_few(count: int, what: str) -> DataError:
    return DataError(
        f"folds: {count} folds are asked for, and {what}. Ask for fewer folds, or add rows."
    )


def fit_each(
    x: Frame, folds: Sequence[Fold], options: TableOptions, scale: str = "none"
) -> tuple[tuple[Fitted, ...], tuple[str, ...]]:
    """The columns that any fold's network takes, as `table.fit_features` gives those of one.

    Each fold infers and learns from its own training rows, so that a column may be left out in
    one, and be used in another. A model of all folds takes each column that one of them takes.

    Args:
        folds: of the rows; none where all rows train one network.

    Raises:
        DataError: a column is a date in one fold and no date in another.
    """
    if not folds:
        return fit_features(x, options, scale)
    found: dict[str, Fitted] = {}
    notes: dict[str, None] = {}
    for index, fold in enumerate(folds):
        fitted, said = fit_features(pick(x, fold.train), options, scale)
        if index == 0:
            notes.update(dict.fromkeys(said))
        for feature in fitted:
            found[feature.name] = _agreed(found.get(feature.name), feature, x.where)
    return tuple(found[name] for name in x.columns if name in found), tuple(notes)


def _agreed(known: Fitted | None, feature: Fitted, where: str) -> Fitted:
    """A column as one fold takes it, which must be readable as the other takes it."""
    if known is None or known.kind == feature.kind:
        if isinstance(known, FittedNumeric) and isinstance(feature, FittedNumeric):
            return replace(known, double=known.double or feature.double)
        return feature if known is None else known
    if FeatureKind.DATE in (known.kind, feature.kind):
        name = plain(feature.name)
        raise DataError(
            f"{where}: column `{name}` is {known.kind} in one fold and {feature.kind} in another. "
            f"Say what it is: `features: {{'*': auto, {name}: {known.kind}}}` below `data`."
        )
    return known
