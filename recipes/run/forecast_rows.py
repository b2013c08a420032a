"""Which windows of given rows are forecast from, and forecasts as a table, in NumPy alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..data.cell_types import words
from ..data.cells import scalar
from ..data.frame import Frame, plain
from ..data.naive import WINDOW_KEYS
from ..data.series import Series, Spacing, Unit, WindowOptions, arranged
from ..errors import DataError
from ..record.contents import JSONObject
from .decisions import probabilities
from .predictions import Predictions

ZONE = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")


@dataclass(frozen=True, repr=False)
class Forecast(Predictions):
    """Forecasts of a run's model, one for each window.

    Attributes:
        values: what is forecast (windows, horizon), or (windows, horizon, targets) of several.
        outputs: the same as the network gives it (windows, horizon * targets), float32.
        series: name of the series of each window; one empty name where there is one series.
        times: time of each step (windows, horizon) as it is written in the rows; the number of the
            row in its series, from 0, where no column has times.
        named_columns: how the table calls series, times, and each target.
    """

    series: tuple[str, ...] = ()
    times: Sequence[Sequence[object]] = ()
    named_columns: tuple[str | None, str, tuple[str, ...]] = (None, "row", ())

    def columns(self, *, errors: bool = False) -> dict[str, list[object]]:
        """Columns by name, with a value for each step of each forecast.

        Args:
            errors: for the signature of `Predictions`; a forecast has none.
        """
        by, time, targets = self.named_columns
        horizon = self.outputs.shape[1] // max(len(targets), 1)
        steps = self.outputs.reshape(-1, len(targets)).T.tolist()
        single = len(targets) == 1
        names = ["prediction"] if single else [f"prediction_{name}" for name in targets]
        series: list[object] = [name for name in self.series for _ in range(horizon)]
        return {
            **({} if by is None else {by: series}),
            time: [when for times in self.times for when in times],
            "step": [*range(1, horizon + 1)] * len(self.times),
            **dict(zip(names, steps, strict=True)),
        }


def options_of(described: JSONObject) -> WindowOptions:
    """The windows of a run, from its `data.json`."""
    window = described["window"]
    return WindowOptions(**{key: window[key] for key in WINDOW_KEYS}, known=tuple(window["known"]))


def given_series(rows: Frame, described: JSONObject) -> Series:
    """The given rows in the order of time, as far apart as those of training."""
    spacing = Spacing.from_json(described["window"]["spacing"])
    return arranged(rows, options_of(described), spacing)


def asked_starts(
    series: Series, options: WindowOptions, target: Sequence[str], *, every: bool
) -> np.ndarray:
    """First row of the last window of each series, or of every window that the rows have.

    Raises:
        DataError: a series has too few rows at its end.
    """
    return every_start(series, options) if every else last_starts(series, options, target)


def forecast_of(
    values: ArrayLike, described: JSONObject, series: Series, starts: np.ndarray
) -> Forecast:
    """The forecasts that a network's outputs (windows, horizon * targets) are.

    Args:
        described: the run's `data.json`.
        starts: first row of each window.
    """
    options, targets = options_of(described), tuple(described["target"])
    outputs = probabilities(values, described.get("output_function"))
    shape = (len(starts), options.horizon, *([] if len(targets) == 1 else [len(targets)]))
    last = starts + options.inputs - 1
    return Forecast(
        outputs.reshape(shape),
        outputs,
        series=tuple(series.names[index] for index in series.index[last]),
        times=times_after(series, options, last),
        named_columns=(options.by, options.time or "row", targets),
    )


def needed(options: WindowOptions) -> int:
    """Rows that a forecast needs: the horizon too, where columns are known ahead."""
    return options.length if options.known else options.inputs


def every_start(series: Series, options: WindowOptions) -> np.ndarray:
    """First row of every window that a forecast can be made from."""
    rows = np.arange(max(len(series.frame) - needed(options) + 1, 0))
    whole = rows[series.first[rows] == series.first[rows + needed(options) - 1]]
    starts = whole[(whole - series.first[whole]) % options.stride == 0]
    if not len(starts):
        raise DataError(
            f"{series.frame.where}: a forecast needs {needed(options)} rows without a gap, and the "
            f"longest stretch has {series.longest}."
        )
    return starts


def last_starts(series: Series, options: WindowOptions, target: Sequence[str]) -> np.ndarray:
    """First row of the last window of each series.

    Where columns are known ahead, the rows of the horizon are given too, without their targets: the
    window ends at the last row that has them.
    """
    starts = []
    known = _with_target(series.frame, target)
    for index, name in enumerate(series.names):
        rows = np.flatnonzero(series.index == index)
        last = int(rows[-1])
        if options.known:
            past = rows[known[rows]] if known is not None else rows[: -options.horizon]
            last = int(past[-1]) if len(past) else -1
        start = last - options.inputs + 1
        end = start + needed(options) - 1
        if start < rows[0] or end > rows[-1] or series.first[end] > start:
            raise DataError(_too_few(series, options, name))
        starts.append(start)
    return np.array(starts)


def _with_target(rows: Frame, target: Sequence[str]) -> np.ndarray | None:
    """Whether each row has all targets (rows,); None where a target is no column of the rows."""
    if any(name not in rows.columns for name in target):
        return None
    valid = [np.asarray(scalar(rows, name).is_valid()) for name in target]
    return np.all(valid, axis=0)


def _too_few(series: Series, options: WindowOptions, name: str) -> str:
    which = f"series {plain(name)}" if options.by is not None else "the series"
    after = ""
    if options.known:
        after = (
            f" and, after the last row with a target, {options.horizon} rows with the columns that "
            f"are known ahead ({', '.join(map(plain, options.known))})"
        )
    gap = " without a gap" if options.time is not None else ""
    return (
        f"{series.frame.where}: a forecast needs {options.inputs} rows{gap} at the end{after}; "
        f"{which} has fewer."
    )


def times_after(series: Series, options: WindowOptions, last: np.ndarray) -> list[list[object]]:
    """The times of the steps after some rows, as they are written in the rows."""
    steps = np.arange(1, options.horizon + 1)
    ahead = series.times[last][:, None] + steps * series.spacing.step
    if series.spacing.unit in (Unit.ROWS, Unit.NUMBERS):
        whole = bool((ahead == np.floor(ahead)).all())
        return (ahead.astype("int64") if whole else ahead).tolist()
    assert options.time is not None
    cells = words(series.frame[options.time])[last]
    if series.spacing.unit is Unit.SECONDS:
        dates = ahead.astype("int64").astype("datetime64[s]")
    else:
        dates = _dates_of_months(series.spacing, cells, ahead)
    return [[_written(date, cell) for date in row] for row, cell in zip(dates, cells, strict=True)]


def _dates_of_months(spacing: Spacing, cells: np.ndarray, months: np.ndarray) -> np.ndarray:
    """The dates of months since the year 0 (windows, steps), at the day of month of the cells."""
    first = (months.astype("int64") - 1970 * 12).astype("datetime64[M]")
    last = np.array([_plain_date(cell) for cell in cells], "datetime64[s]")[:, None]
    if spacing.month_ends:
        within = last - last.astype("datetime64[D]").astype("datetime64[s]")
        end = (first + 1).astype("datetime64[D]") - 1
        return end.astype("datetime64[s]") + within
    return first.astype("datetime64[s]") + (
        last - last.astype("datetime64[M]").astype("datetime64[s]")
    )


def _plain_date(cell: str) -> str:
    return cell.strip()[:19].replace(" ", "T")


def _written(date: np.datetime64, cell: str) -> str:
    """A date as a cell of the same column is written."""
    cell = cell.strip()
    text = str(date.astype("datetime64[s]"))
    if len(cell) == 10 and text.endswith("T00:00:00"):
        return text[:10]
    zone = ZONE.search(cell[10:])
    return text.replace("T", cell[10:11] or " ") + (zone[0] if zone else "")
