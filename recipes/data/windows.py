"""Windows over the rows of series, divided by time so that no split sees another's targets.

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
from .cell_types import is_text
from .fingerprint import fingerprint
from .frame import Frame, counted, plain
from .loaded import Data, Split
from .naive import Forecasting, scales_of
from .opening import dialect_of, table_of
from .scale import Scaling
from .series import Series, WindowOptions, arranged
from .source import target_values
from .sources import SOURCES
from .split import Splits
from .table import OTHERS, TableOptions, fit_features, with_target
from .targets import written_as
from .window_division import covered, divided, starts_of


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
        dialect=dialect_of(arguments),
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
    """Notes about the rows, a line each."""
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
