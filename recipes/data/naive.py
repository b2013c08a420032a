"""The seasonal-naive forecast, and the errors of forecasts compared with its own."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from .series import Series, WindowOptions

# Errors of a forecast that are reported, in this order; those of the seasonal-naive forecast have
# `NAIVE` before their names.
NAIVE = "seasonal_naive_"


@dataclass(frozen=True)
class ForecastErrors:
    """Errors of a forecast and of the seasonal-naive one.

    Attributes:
        metrics: name -> error over the whole horizon.
        by_step: name -> error at each step of the horizon, the first one first.
    """

    metrics: Mapping[str, float]
    by_step: Mapping[str, list[float]]


@dataclass(frozen=True)
class Forecasting:
    """What the windows of a recipe are measured by.

    Attributes:
        options: the windows, with their season.
        series: all rows.
        target: what is forecast, of all rows (rows, targets), float64; NaN where it is missing.
        scales: mean absolute error of the seasonal-naive forecast within the training rows, for
            each series and target; NaN where no two training rows are a season apart.
        starts: split -> first row of each of its windows.
        notes: about the series, a line each.
    """

    options: WindowOptions
    series: Series
    target: np.ndarray
    scales: np.ndarray
    starts: Mapping[str, np.ndarray]
    notes: tuple[str, ...] = ()

    @property
    def season(self) -> int:
        """Rows of a season."""
        return self.options.season or 1

    def actual(self, starts: np.ndarray) -> np.ndarray:
        """Targets of windows (windows, horizon, targets)."""
        ahead = self.options.inputs + np.arange(self.options.horizon)
        return self.target[starts[:, None] + ahead]

    def naive(self, starts: np.ndarray) -> np.ndarray:
        """Seasonal-naive forecasts of windows (windows, horizon, targets).

        The forecast of step h = 1, 2, ... with seasons of m rows is the last value of the same
        season that is known: y[T + h - m ceil(h / m)], where T is the last row of the inputs
        (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, section
        5.2). NaN where that row is not in the stretch of the window.
        """
        last = starts + self.options.inputs - 1
        steps = np.arange(1, self.options.horizon + 1)
        rows = last[:, None] + steps - self.season * -(-steps // self.season)
        found = self.target[np.maximum(rows, 0)]
        found[rows < self.series.first[starts][:, None]] = np.nan
        return found

    def errors(self, starts: np.ndarray, outputs: np.ndarray) -> ForecastErrors:
        """Errors of outputs (windows, horizon * targets) beside the seasonal-naive forecast.

        MAE and RMSE are in the unit of the targets. MASE, the mean absolute scaled error, is the
        mean of

            |y[t] - forecast[t]| / (mean over training rows i of |y[i] - y[i - m]|)

        with seasons of m rows, each series and target divided by its own scale (Hyndman and
        Koehler 2006, Another look at measures of forecast accuracy, International Journal of
        Forecasting 22, 679-688). It is below 1 where the forecast is better than the
        seasonal-naive forecast of one season ahead is in the training rows. Series whose scale is
        0 or not known do not count in it, and steps without a seasonal-naive forecast do not count
        in the errors of that.
        """
        actual = self.actual(starts)
        scales = self.scales[self.series.index[starts]][:, None, :]
        scales = np.where(scales > 0, scales, np.nan)
        found = [
            (prefix + name, error, root)
            for prefix, forecast in (
                ("", outputs.reshape(actual.shape).astype("float64")),
                (NAIVE, self.naive(starts)),
            )
            for name, error, root in _errors(forecast - actual, scales)
        ]
        return ForecastErrors(
            {name: float(_mean(error, root, None)) for name, error, root in found},
            {name: _mean(error, root, (0, 2)).tolist() for name, error, root in found},
        )

    def to_json(self) -> dict[str, object]:
        """What a run directory keeps, so that other rows can be forecast and measured later."""
        return {
            **{name: getattr(self.options, name) for name in WINDOW_KEYS},
            "known": list(self.options.known),
            "spacing": self.series.spacing.to_json(),
            "series": list(self.series.names),
            "scales": np.where(np.isnan(self.scales), 0.0, self.scales).tolist(),
            "notes": list(self.notes),
        }


WINDOW_KEYS = ("inputs", "horizon", "time", "by", "stride", "season", "gaps")


def _errors(difference: np.ndarray, scales: np.ndarray) -> list[tuple[str, np.ndarray, bool]]:
    """Name, error of each step, and whether the root is taken of its mean."""
    return [
        ("mae", np.abs(difference), False),
        ("rmse", np.square(difference), True),
        ("mase", np.abs(difference) / scales, False),
    ]


def _mean(errors: np.ndarray, root: bool, axis: tuple[int, ...] | None) -> np.ndarray:
    """The mean of errors that are known; NaN where none is."""
    known = ~np.isnan(errors)
    count = known.sum(axis=axis)
    total = np.where(known, errors, 0.0).sum(axis=axis)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.sqrt(mean) if root else mean


def scales_of(
    series: Series, target: np.ndarray, seen: np.ndarray, options: WindowOptions
) -> np.ndarray:
    """Mean |y[i] - y[i - season]| for each series and target (series, targets).

    Args:
        target: of all rows (rows, targets).
        seen: whether a row is one of training (rows,).

    Raises:
        DataError: no two training rows are a season apart.
    """
    season = options.season or 1
    rows = np.arange(season, len(target))
    rows = rows[(rows - season >= series.first[rows]) & seen[rows] & seen[rows - season]]
    apart = np.abs(target[rows] - target[rows - season])
    known = ~np.isnan(apart)
    shape = len(series.names), target.shape[1]
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, series.index[rows], np.where(known, apart, 0.0))
    np.add.at(counts, series.index[rows], known)
    if not counts.any():
        raise DataError(
            f"{series.frame.where}: no two training rows are a season of {season} rows apart "
            "without a gap, so that there is no seasonal-naive forecast to compare with. Give a "
            "shorter one: `window: {season: ROWS}`; 1 compares with the last value."
        )
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
