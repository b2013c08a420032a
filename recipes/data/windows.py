"""Windows over the rows of series, divided by time so that none learns what another is asked.

A window has `inputs` rows that the network sees and `horizon` rows after them whose targets it
forecasts, all of one stretch of evenly spaced rows. Two times cut all series: targets of training
windows all lie before the first cut, those of validation windows from there on and before the
second, those of test windows after it. Windows whose targets lie on both sides of a cut are left
out. So nothing that a training window sees, inputs or targets, lies in the time of the others'
targets; the inputs of validation and test windows reach back over the cut, as they do when a
forecast is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ..errors import DataError
from ..spec.choices import Arguments
from ..spec.sections import DEFAULT_PART
from . import split as parts
from .cell_types import is_text
from .fingerprint import fingerprint
from .frame import Frame, counted, plain
from .loaded import Data, Split
from .naive import Forecasting, scales_of
from .opening import DIALECT, table_of
from .scale import Scaling
from .series import Series, WindowOptions, arranged
from .source import target_values
from .sources import SOURCES
from .split import Splits
from .table import OTHERS, TableOptions, fit_features, with_target
from .targets import written_as

# Times are compared in steps; a cut lies between two of them.
BETWEEN = 0.5


@dataclass(frozen=True)
class Windows:
    """Windows over the rows of a table, as the rows of a split.

    Attributes:
        frame: the rows, each in the order of its series.
        starts: first row of each window.
        options: how long they are.
    """

    frame: Frame
    starts: np.ndarray
    options: WindowOptions

    def __len__(self) -> int:
        return len(self.starts)

    def take(self, rows: np.ndarray) -> Self:
        """The windows of these indices, in their order."""
        return replace(self, starts=self.starts[rows])


def load_windows(
    name: str,
    arguments: Arguments,
    *,
    splits: Splits,
    table: TableOptions,
    scale: str = "none",
    limit: int | None = None,
) -> Data:
    """Read a table, sort its rows by time, and divide the windows over them.

    Args:
        name: a source of tables.
        arguments: its arguments.
        splits: what validates and what tests, of the time that all series span.
        table: which columns go in and come out, and the windows.
        scale: `minmax`, `standardize` or `none`, for numbers whose scale is inferred.
        limit: use at most this many rows, the earliest.

    Raises:
        DataError: the data cannot be used so.
    """
    options = table.window
    rows = SOURCES[name](**arguments)
    if options is None or not isinstance(rows, Frame):
        raise DataError(f"{name}: is no table with columns; leave `window` out.")
    series = limited(arranged(table_of(rows, table), options), options, limit)
    season, why = series.spacing.season()
    if options.season is None:
        options = replace(options, season=season)
    target = target_of(series.frame, table)
    every = starts_of(series, options, target)
    starts, notes = divided(series, options, every, splits)
    seen = covered(starts["train"], options.length, len(series.frame))
    fitted, columns = fit_features(
        series.frame.take(np.flatnonzero(seen)), entering(table, series.frame), scale
    )
    _refuse_left_out(options, {each.name for each in fitted}, columns)
    scales = scales_of(series, target, seen, options)
    seasons = f"season: {counted(options.season or 1, 'row')}"
    seasons += f", {why}" * (table.window is not None and table.window.season is None)
    found = [*described(series, options), seasons, *notes]
    forecasting = Forecasting(options, series, target, scales, starts, tuple(found))
    every_split = {what: split_of(forecasting, what) for what in starts}
    train = every_split["train"]
    validation, test = every_split.get("validation"), every_split.get("test")
    return Data(
        train=train,
        validation=validation,
        test=test,
        task="regression",
        classes=(),
        scaling=Scaling.none(),
        fingerprint=fingerprint(train, validation, test),
        source=name,
        features=fitted,
        target=table.target,
        dialect={key: arguments[key] for key in DIALECT if arguments.get(key) is not None},
        notes=columns,
        forecasting=forecasting,
    )


def _refuse_left_out(options: WindowOptions, fitted: set[str], notes: Sequence[str]) -> None:
    """Raise a `DataError` where a column that is known ahead does not enter the network."""
    for name in options.known:
        if name not in fitted:
            said = f"{plain(name)}: "
            why = next((note for note in notes if note.startswith(said)), plain(name))
            mend = "Say what it is below `features`, or leave it out."
            raise DataError(f"window.known: {why}. {mend}")


def limited(series: Series, options: WindowOptions, limit: int | None) -> Series:
    """The earliest rows of all series, at most `limit` of them."""
    if limit is None or limit >= len(series.frame):
        return series
    if options.time is None:  # series are equally long, and stay so
        limit = max(limit // len(series.names), 1) * len(series.names)
    kept = np.sort(np.lexsort((series.index, series.times))[:limit])
    return arranged(series.frame.take(kept), options, series.spacing)


def entering(table: TableOptions, rows: Frame) -> TableOptions:
    """What the recipe says of columns, where the target's past is an input as any other column.

    The name of the series and times that are numbers enter only if the recipe names them.
    """
    asked = dict(table.features or {OTHERS: "auto"})
    window = table.window
    if window is not None and window.by is not None:
        asked.setdefault(window.by, "drop")
    if window is not None and window.time is not None and not is_text(rows[window.time]):
        asked.setdefault(window.time, "drop")
    return replace(table, features=asked, target=())


def target_of(rows: Frame, table: TableOptions) -> np.ndarray:
    """The target columns (rows, targets), float64; NaN where one is missing and may be.

    Raises:
        DataError: a cell is no number, or is missing and `missing_target` is not `drop`.
    """
    values = np.full((len(rows), len(table.target)), np.nan)
    for index, name in enumerate(table.target):
        column = rows[name]
        known = rows.take(with_target(rows, [name])) if table.drop_missing_target else rows
        places = np.arange(len(rows))
        if len(known) < len(rows) and not isinstance(column, np.ndarray):
            places = np.flatnonzero(np.asarray(column.is_valid()))
        values[places, index] = target_values(known, [name], "regression")
    return values


def starts_of(series: Series, options: WindowOptions, target: np.ndarray) -> np.ndarray:
    """First row of each window that lies in one stretch and has all its targets, in row order.

    Raises:
        DataError: there is none.
    """
    rows = np.arange(max(len(series.frame) - options.length + 1, 0))
    whole = series.first[rows] == series.first[rows + options.length - 1]
    at_stride = (rows - series.first[rows]) % options.stride == 0
    found = rows[whole & at_stride]
    if not len(found):
        raise DataError(f"{series.frame.where}: {_too_long(series, options)}")
    missing = np.concatenate([[0], np.cumsum(np.isnan(target).any(axis=1))])
    known = missing[found + options.length] == missing[found + options.inputs]
    if not known.any():
        raise DataError(f"{series.frame.where}: each window misses a target over its horizon.")
    return found[known]


def _too_long(series: Series, options: WindowOptions) -> str:
    rows = f"a window has {options.inputs} + {options.horizon} rows (`inputs` + `horizon`), and "
    if not series.gaps:
        return f"{rows}the longest series has {series.longest}. Use a shorter window, or more rows."
    return (
        f"{rows}the longest stretch without a gap has {series.longest}: rows are most often "
        f"{series.spacing} apart, and {counted(series.gaps, 'pair')} that follow one another are "
        "not. Use a shorter window, fill the gaps, or write `gaps: bridge` if rows follow one "
        "another all the same, as working days do."
    )


def spans(total: int, splits: Splits) -> dict[str, tuple[int, int]]:
    """Part -> its first time step and the first one after it, for each part that is asked for.

    >>> spans(100, Splits(validation=0.2, test=10))
    {'train': (0, 70), 'validation': (70, 90), 'test': (90, 100)}
    """
    sizes = {}
    for what, asked in (("validation", splits.validation), ("test", splits.test)):
        part = DEFAULT_PART if isinstance(asked, str) else asked
        if isinstance(part, tuple):
            raise DataError(f"{what}: windows are cut by time from one table; give a fraction.")
        sizes[what] = parts.size_of(part, total, what)
    ends = total - sizes["validation"] - sizes["test"], total - sizes["test"]
    found = {"train": (0, ends[0]), "validation": ends, "test": (ends[1], total)}
    return {what: span for what, span in found.items() if sizes.get(what) != 0}


def divided(
    series: Series, options: WindowOptions, starts: np.ndarray, splits: Splits
) -> tuple[dict[str, np.ndarray], list[str]]:
    """The windows of each split that is asked for, and what was found out.

    Raises:
        DataError: a split has no window.
    """
    steps = series.steps()
    total = round(float(steps.max())) + 1
    begin, end = steps[starts + options.inputs], steps[starts + options.length - 1]
    found, notes = {}, [""]
    for what, (low, high) in spans(total, splits).items():
        found[what] = starts[(begin > low - BETWEEN) & (end < high - BETWEEN)]
        if not len(found[what]):
            raise DataError(f"{series.frame.where}: {_no_window(what, options, high - low, total)}")
        if what != "train":
            notes.append(f"targets of {what} begin at {_at(series, options, low)}")
    rest = len(starts) - sum(map(len, found.values()))
    counts = ", ".join(f"{len(windows)} {what}" for what, windows in found.items())
    notes[0] = f"windows of {options.inputs} + {options.horizon} rows: {counts}"
    notes[0] += f"; {rest} left out, whose targets lie on both sides of a cut" * (rest > 0)
    return found, notes


def _no_window(what: str, options: WindowOptions, steps: int, total: int) -> str:
    if what == "train":
        return (
            f"no training window: the {max(steps, 0)} of {total} time steps that are left to learn "
            f"from hold no {options.inputs} + {options.horizon} rows without a gap. Use smaller "
            "parts to validate and test on, or a shorter window."
        )
    return (
        f"no {what} window: its {steps} of {total} time steps hold no {options.horizon} rows of a "
        "horizon without a gap. Use a larger part, or a shorter horizon."
    )


def _at(series: Series, options: WindowOptions, step: int) -> str:
    """The time of a step, as the first row from there on has it."""
    later = np.flatnonzero(series.steps() > step - BETWEEN)
    row = int(later[np.argmin(series.times[later])])
    if options.time is None:
        return f"row {int(series.times[row])} (from 0)" + " of each series" * bool(options.by)
    column = series.frame[options.time]
    return f"{plain(options.time)} {plain(str(column[row]))}"


def covered(starts: np.ndarray, length: int, rows: int) -> np.ndarray:
    """Whether each of the rows lies in a window (rows,)."""
    edges = np.zeros(rows + 1, int)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + length, -1)
    return np.cumsum(edges)[:-1] > 0


def split_of(forecasting: Forecasting, what: str) -> Split:
    """The windows of a split, and their targets (windows, horizon * targets).

    The targets of a step stand together: of two columns a and b they are a, b one row ahead, then
    a, b two rows ahead.
    """
    starts = forecasting.starts[what]
    targets = forecasting.actual(starts).reshape(len(starts), -1)
    where = forecasting.series.frame.where
    y = written_as("regression", targets, where)[0].astype("float32", copy=False)
    return Split(Windows(forecasting.series.frame, starts, forecasting.options), y)


def described(series: Series, options: WindowOptions) -> list[str]:
    """What was found out about the rows, for people."""
    rows = counted(len(series.frame), "row")
    lines = [f"series: {rows}"]
    if options.by is not None:
        lines[0] = f"series: {len(series.names)} by {plain(options.by)}, {rows}"
    if options.time is not None:
        moved = ", which were not in order and are sorted" if series.sorted else ""
        lines[0] += f", {series.spacing} apart by {plain(options.time)}{moved}"
    if series.gaps:
        lines.append(f"{counted(series.gaps, 'gap')} in time, which no window bridges")
    return lines
