"""Rows in the order of time: one series or several, how far apart their rows are, and the gaps."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Self, TypedDict

import numpy as np
import pyarrow as pa

from ..errors import DataError
from .arrow import compute as pc
from .cell_types import is_text, words
from .cells import scalar
from .dates import parsed_dates, times_of
from .frame import Frame, counted, plain

DAY, WEEK = 86_400, 604_800
# Times that differ by less than this fraction of the usual distance are at the same distance.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class WindowOptions:
    """What a recipe says of windows over rows.

    Attributes:
        inputs: rows that the network sees.
        horizon: rows after them whose targets are forecast.
        time: column of times, or None: the rows are in order and evenly spaced.
        by: column that tells several series apart, or None: there is one.
        stride: rows from the beginning of a window to that of the next.
        season: rows of a season, or None to infer it.
        known: columns whose values over the horizon are known when a forecast is made.
        gaps: whether windows `split` at a gap, or `bridge` it.
    """

    inputs: int
    horizon: int
    time: str | None = None
    by: str | None = None
    stride: int = 1
    season: int | None = None
    known: tuple[str, ...] = ()
    gaps: Literal["split", "bridge"] = "split"

    @property
    def length(self) -> int:
        """Rows of a window, those that are forecast among them."""
        return self.inputs + self.horizon

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that say where a row stands."""
        return tuple(name for name in (self.by, self.time) if name is not None)


class Unit(StrEnum):
    """What times are counted in."""

    ROWS = "rows"
    NUMBERS = "numbers"
    SECONDS = "seconds"
    MONTHS = "months"


class StoredSpacing(TypedDict):
    """A spacing as `data.json` has it."""

    unit: str
    step: float
    month_ends: bool


@dataclass(frozen=True)
class Spacing:
    """How far apart rows are.

    Attributes:
        unit: what `step` counts.
        step: from a row to the next.
        month_ends: whether the rows of months are dated at their ends.
    """

    unit: Unit
    step: float
    month_ends: bool = False

    def __str__(self) -> str:
        if self.unit is Unit.SECONDS:
            for name, size in (("day", DAY), ("hour", 3600), ("minute", 60)):
                if self.step % size == 0:
                    return counted(int(self.step // size), name)
            return counted(int(self.step), "second")
        return counted(int(self.step), "month") if self.unit is Unit.MONTHS else f"{self.step:g}"

    def season(self) -> tuple[int, str]:
        """Rows of a season, and what it is: a day, else a week, else a year, else one row.

        >>> Spacing(Unit.SECONDS, 1800.0).season(), Spacing(Unit.MONTHS, 3.0).season()
        ((48, 'a day'), (4, 'a year'))
        """
        if self.unit is Unit.MONTHS and self.step < 12 and 12 % self.step == 0:
            return int(12 // self.step), "a year"
        if self.unit is Unit.SECONDS:
            for name, size in (("a day", DAY), ("a week", WEEK)):
                if self.step < size and size % self.step == 0:
                    return int(size // self.step), name
        return 1, "not known, so that the last value stands for it; set `season` if there is one"

    def to_json(self) -> StoredSpacing:
        """Plain data for `data.json`."""
        return {"unit": self.unit.value, "step": self.step, "month_ends": self.month_ends}

    @classmethod
    def from_json(cls, value: StoredSpacing) -> Self:
        """What `to_json` wrote."""
        return cls(Unit(value["unit"]), float(value["step"]), bool(value["month_ends"]))


@dataclass(frozen=True)
class Series:
    """The rows of one or several series, one series after the other, each in the order of time.

    Attributes:
        frame: the rows.
        names: of the series; one empty name where there is one series.
        index: which series a row is of (rows,).
        times: of the rows, in the unit of `spacing` (rows,).
        spacing: how far apart rows are.
        first: for each row, the first row of its stretch, in which rows follow one another without
            a gap (rows,).
        sorted: whether the rows stood in another order before.
    """

    frame: Frame
    names: tuple[str, ...]
    index: np.ndarray
    times: np.ndarray
    spacing: Spacing
    first: np.ndarray
    sorted: bool

    @property
    def gaps(self) -> int:
        """Places within a series where a stretch ends."""
        return len(np.unique(self.first)) - len(self.names)

    @property
    def longest(self) -> int:
        """Rows of the longest stretch."""
        return int(np.unique(self.first, return_counts=True)[1].max())

    def steps(self) -> np.ndarray:
        """Time of each row in steps since the first of all rows (rows,)."""
        return (self.times - self.times.min()) / self.spacing.step


def arranged(rows: Frame, options: WindowOptions, spacing: Spacing | None = None) -> Series:
    """Rows sorted by series and time, with the stretches in which they are evenly spaced.

    Args:
        spacing: how far apart rows are; by default the most frequent distance.

    Raises:
        DataError: a column is missing, a time is none, or two rows of a series have the same.
    """
    rows.require(options.columns)
    names, index = _names(rows, options)
    times, unit, month_ends = _times(rows, options, index, spacing)
    order = np.lexsort((times, index))
    names_in_order = np.argsort(index, kind="stable")
    index, times = index[order], times[order]
    frame = rows if (order == np.arange(len(rows))).all() else rows.take(order)
    within = np.diff(index) == 0
    distances = np.diff(times)
    _refuse_repeated(frame, options, within & (distances == 0))
    if spacing is None:
        spacing = Spacing(unit, _usual(frame, options, distances[within]), month_ends)
    apart = np.abs(distances - spacing.step) > TOLERANCE * spacing.step
    begins = ~within if options.gaps == "bridge" else ~within | apart
    starts = np.concatenate([[True], begins])
    first = np.maximum.accumulate(np.where(starts, np.arange(len(frame)), 0))
    moved = bool((order != names_in_order).any())
    return Series(frame, names, index, times, spacing, first, moved)


def _names(rows: Frame, options: WindowOptions) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the series in order, and which of them each row is of."""
    if options.by is None:
        return ("",), np.zeros(len(rows), int)
    column = scalar(rows, options.by)
    if column.null_count:
        row = int(np.flatnonzero(np.asarray(column.is_null()))[0])
        problem = "expected the name of a series. It is empty."
        raise DataError(f"{rows.where}: {rows.fault(row, options.by, problem)}")
    names, index = np.unique(words(column).astype(str), return_inverse=True)
    return tuple(names.tolist()), index.reshape(-1)


def _times(
    rows: Frame, options: WindowOptions, index: np.ndarray, spacing: Spacing | None
) -> tuple[np.ndarray, Unit, bool]:
    """The time of each row as a number, what it counts, and whether months end there."""
    if options.time is None:
        return _positions(rows, options, index, known=spacing is not None), Unit.ROWS, False
    times = times_of(rows, options.time)
    if not is_text(rows[options.time]):
        return times, Unit.NUMBERS, False
    dates = parsed_dates(rows, options.time)
    month_ends = monthly(dates) if spacing is None else _as_before(spacing)
    if month_ends is None:
        return times, Unit.SECONDS, False
    return floats_of_months(dates), Unit.MONTHS, month_ends


def _as_before(spacing: Spacing) -> bool | None:
    return spacing.month_ends if spacing.unit is Unit.MONTHS else None


def _positions(
    rows: Frame, options: WindowOptions, index: np.ndarray, *, known: bool
) -> np.ndarray:
    """The place of each row in its series, where no column has a time."""
    counts = np.bincount(index)
    if not known and len(np.unique(counts)) > 1:
        raise DataError(
            f"{rows.where}: the series of column `{plain(str(options.by))}` have from "
            f"{counts.min()} to {counts.max()} rows, and nothing says which of them are at the "
            "same time. Name the column of times: `window: {time: COLUMN}`."
        )
    order = np.argsort(index, kind="stable")
    starts = np.cumsum(counts) - counts
    places = np.empty(len(index))
    places[order] = np.arange(len(index)) - np.repeat(starts, counts)
    return places


def monthly(dates: pa.Array) -> bool | None:
    """None where dates are not a row a month, or fewer; else whether they are ends of months.

    Months differ in length, so that such rows are evenly spaced in months and not in days.
    """
    if len(dates.unique()) < 2:
        return None
    days, hours = pc.day(dates), pc.cast(pc.cast(dates, pa.time32("s")), pa.int32())
    if len(hours.unique()) > 1:
        return None
    if len(days.unique()) == 1:
        return False
    tomorrow = pc.add(dates, pa.scalar(DAY, pa.duration("s")))
    return True if pc.all(pc.equal(pc.day(tomorrow), 1)).as_py() else None


def floats_of_months(dates: pa.Array) -> np.ndarray:
    """Months since the year 0 (rows,)."""
    months = pc.add(pc.multiply(pc.year(dates), 12), pc.subtract(pc.month(dates), 1))
    return np.asarray(months, "float64")


def _refuse_repeated(rows: Frame, options: WindowOptions, repeated: np.ndarray) -> None:
    """Raise a `DataError` where two rows of a series have the same time."""
    if not repeated.any() or options.time is None:
        return
    row = int(np.flatnonzero(repeated)[0])
    more = f" There are {int(repeated.sum())} such rows." * (int(repeated.sum()) > 1)
    problem = f"has the same time as {rows.locate(row)}.{more}"
    mend = (
        "Are there several series? Name the column that tells them apart: `window: {by: COLUMN}`. "
        "Else leave all but one of such rows out."
    )
    if options.by is not None:
        mend = "Leave all but one of such rows out, or name the column that tells them apart as "
        mend += "`by`."
    raise DataError(f"{rows.where}: {rows.fault(row + 1, options.time, problem)} {mend}")


def _usual(rows: Frame, options: WindowOptions, distances: np.ndarray) -> float:
    """The most frequent distance between two rows that follow one another."""
    if not len(distances):
        raise DataError(f"{rows.where}: no series has two rows.")
    # Numbers such as 0.1 are not evenly spaced to their last digit.
    rounded = np.round(distances / np.median(distances), 6)
    ratios, counts = np.unique(rounded, return_counts=True)
    return float(np.median(distances[rounded == ratios[counts.argmax()]]))
