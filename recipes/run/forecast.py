"""Forecasts of a run's model, and their errors beside those of the seasonal-naive forecast."""

from collections.abc import Mapping
from dataclasses import replace

import keras
import numpy as np

from ..build.experiment import Experiment
from ..build.raw_columns import raw
from ..build.windows import raw_windows
from ..data import Split
from ..data.evaluation import batches_of
from ..data.frame import Frame
from ..data.naive import ForecastErrors, Forecasting
from ..data.reading import Reading
from ..data.table import TableOptions
from ..data.window_division import starts_of
from ..data.windows import Windows, split_of, target_of
from ..record.result import Result
from .forecast_rows import Forecast, asked_starts, forecast_of, given_series, options_of
from .quiet import outputs_of


def with_errors(result: Result, built: Experiment) -> Result:
    """The result of a run with the errors of its forecasts beside those of the seasonal-naive."""
    forecasting = built.data.forecasting
    if forecasting is None:
        return result
    horizon, splits = dict(result.horizon), {}
    for name, dataset in (("validation", built.validation), ("test", built.test)):
        measured = getattr(result, name)
        if measured and dataset is not None:
            outputs = outputs_of(built.model, dataset)[""]
            errors = forecasting.errors(forecasting.starts[name], outputs)
            splits[name] = beside(measured, errors)
            horizon[name] = dict(errors.by_step)
    return replace(result, **splits, horizon=horizon)


def beside(measured: Mapping[str, float], errors: ForecastErrors) -> dict[str, float]:
    """The loss and metrics of a model, and the errors of its forecasts that are not among them."""
    return {**measured, **{k: v for k, v in errors.metrics.items() if k not in measured}}


def given_windows(rows: Frame, reading: Reading) -> tuple[Split, Forecasting]:
    """All windows over rows with targets, and what their forecasts are measured by."""
    described, options = reading.described, options_of(reading.described)
    series = given_series(rows, described)
    target = target_of(series.frame, TableOptions(reading.target))
    known = dict(zip(described["window"]["series"], described["window"]["scales"], strict=True))
    missing = [0.0] * target.shape[1]
    scales = np.array([known.get(name, missing) for name in series.names])
    starts = starts_of(series, options, target)
    forecasting = Forecasting(options, series, target, scales, {"rows": starts})
    return split_of(forecasting, "rows"), forecasting


def forecast(model: keras.Model, rows: Frame, reading: Reading, *, every: bool = False) -> Forecast:
    """Forecasts for the rows that follow the last one of each series.

    Args:
        every: forecast from every window that the rows have, instead of the last of each series.

    Raises:
        DataError: a series has too few rows at its end.
    """
    options, series = options_of(reading.described), given_series(rows, reading.described)
    starts = asked_starts(series, options, reading.target, every=every)
    windows = Windows(series.frame, starts, options)
    inputs = raw_windows(raw(reading.features, series.frame), reading.features, windows)
    outputs = outputs_of(model, batches_of(inputs))[""]
    return forecast_of(outputs, reading.described, series, starts)
