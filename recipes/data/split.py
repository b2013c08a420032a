"""Which rows train, which validate, which test: decided by the seed, stratified by class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import DataError
from ..spec.choices import Arguments

# A part of the rows: a fraction below 1, a count, or None.
Part = float | int | None
# A source of a split, by name and arguments.
Other = tuple[str, Arguments]
# Streams of the seed, so that one choice does not shift another.
TEST, VALIDATION, LIMIT, LABELS = 1, 2, 3, 4


SplitKind = Literal["group", "time", "column"]


@dataclass(frozen=True)
class SplitBy:
    """A column that decides which rows go together.

    Attributes:
        kind: `group`: rows with the same value are all in one part; `time`: the latest rows test,
            those before them validate; `column`: its cells name the part of each row.
        column: name of the column.
    """

    kind: SplitKind
    column: str


@dataclass(frozen=True)
class Splits:
    """What a recipe asks for.

    Attributes:
        validation: a part, another source as (name, arguments), or None; or `auto`: the validation
            rows of the source, else 15 % of the rows.
        test: the same, with the test rows of the source.
        folds: how many folds the rows that are not tested on are divided into; None for none.
        fold: which of them validates, from 1; None for all rows of all folds as training rows.
    """

    validation: Part | Other | Literal["auto"] = "auto"
    test: Part | Other | Literal["auto"] = "auto"
    folds: int | None = None
    fold: int | None = None


def size_of(part: Part, rows: int, what: str) -> int:
    """How many of `rows` a part is; a fraction is rounded to the nearest whole row."""
    if part is None:
        return 0
    size = part if isinstance(part, int) else int(part * rows + 0.5)
    if size < 1:
        raise DataError(f"{what}: {part:.3g} of {rows} rows is none. Ask for a larger part.")
    if size >= rows:
        raise DataError(
            f"{what}: {size} rows are asked for and there are {rows}; some must be left to learn "
            "from."
        )
    return size


def taken(
    labels: np.ndarray | None, indices: np.ndarray, size: int, rng: np.random.Generator, what: str
) -> tuple[np.ndarray, np.ndarray]:
    """Draw `size` of `indices`; return what was drawn and what is left, each in row order.

    Args:
        labels: class of every row, to draw each class in proportion; None for a plain draw.
        what: name of the part, for messages.
    """
    if size == 0:
        return indices[:0], indices
    if labels is None:
        drawn = rng.permutation(len(indices))[:size]
    else:
        drawn = _stratified(labels[indices], size, rng, what)
    mask = np.zeros(len(indices), dtype=bool)
    mask[drawn] = True
    return indices[mask], indices[~mask]


def _stratified(labels: np.ndarray, size: int, rng: np.random.Generator, what: str) -> np.ndarray:
    """Positions of a draw in proportion to the classes, to within one row."""
    classes, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if counts.min() < 2:
        rare = classes[counts.argmin()]
        numbers = " Are the targets numbers to predict? Then say `task: regression`."
        raise DataError(
            f"{what}: class {rare!s} has a single row left, which cannot be both drawn and learnt "
            "from. Add rows of it, remove the class, raise `limit` if it is set, or give the part "
            f"a file of its own.{numbers if len(classes) > len(labels) // 10 else ''}"
        )
    if size > len(labels) - len(classes):
        raise DataError(
            f"{what}: {size} of {len(labels)} rows are asked for, and each of the {len(classes)} "
            "classes needs a row to learn from. Ask for a smaller part."
        )
    quota = quotas(counts, size)
    return np.concatenate(
        [
            rng.permutation(np.flatnonzero(inverse == index))[:count]
            for index, count in enumerate(quota)
        ]
    )


def quotas(counts: np.ndarray, size: int) -> np.ndarray:
    """`size` divided in proportion to `counts`, by largest remainders; no class is used up.

    Args:
        counts: rows of each class.
        size: at most all rows but one of each class.

    >>> quotas(np.array([50, 30, 20]), 10)
    array([5, 3, 2])
    """
    if size > counts.sum() - len(counts):
        raise ValueError(f"{size} rows cannot be drawn of {counts} so that one of each is left.")
    exact = counts * (size / counts.sum())
    quota = np.minimum(np.floor(exact).astype(int), counts - 1)
    # A stable sort gives ties to the first class, so that the same rows are drawn everywhere.
    order = np.argsort(-(exact - quota), kind="stable")
    missing = size - quota.sum()
    while missing > 0:
        open_classes = [index for index in order if quota[index] < counts[index] - 1]
        quota[open_classes[:missing]] += 1
        missing -= len(open_classes[:missing])
    return quota


def generator(seed: int, stream: int) -> np.random.Generator:
    """Random numbers for one choice; other choices have streams of their own."""
    return np.random.default_rng([seed, stream])


def limited(labels: np.ndarray | None, rows: int, limit: int | None, seed: int) -> np.ndarray:
    """Indices of the rows that are used, drawn in proportion to the classes."""
    indices = np.arange(rows)
    if limit is None or limit >= rows:
        return indices
    return taken(labels, indices, limit, generator(seed, LIMIT), "limit")[0]


def check_classes(known: Sequence[object], labels: np.ndarray, what: str) -> None:
    """A part must have no class that the training rows lack."""
    new = sorted(set(labels.tolist()) - set(known))
    if new:
        raise DataError(
            f"{what}: class {new[0]!s} is not among the training rows, which have "
            f"{', '.join(str(word) for word in list(known)[:20])}."
        )


def whole_groups(
    groups: np.ndarray, indices: np.ndarray, size: int, rng: np.random.Generator, what: str
) -> tuple[np.ndarray, np.ndarray]:
    """Draw whole groups until they have `size` rows or more; what was drawn and what is left.

    Args:
        groups: number of the group of every row, from 0.
        what: name of the part, for messages.
    """
    present, inverse, counts = np.unique(groups[indices], return_inverse=True, return_counts=True)
    order = rng.permutation(len(present))
    needed = int(np.searchsorted(np.cumsum(counts[order]), size)) + 1
    if needed >= len(present):
        raise DataError(
            f"{what}: {size} rows take all {len(present)} groups that are left; at least one must "
            "be left to learn from. Ask for a smaller part."
        )
    chosen = np.isin(inverse, order[:needed])
    return indices[chosen], indices[~chosen]


def latest(
    times: np.ndarray, indices: np.ndarray, size: int, what: str
) -> tuple[np.ndarray, np.ndarray]:
    """The `size` latest of `indices`, with all rows of the same time as the first of them.

    Args:
        times: time of every row, as numbers in order.
    """
    first = np.sort(times[indices])[-size]
    chosen = times[indices] >= first
    if chosen.all():
        raise DataError(
            f"{what}: all rows that are left have the same time; none is left to learn from."
        )
    return indices[chosen], indices[~chosen]
