"""Errors beside the seasonal-naive forecast, by hand."""

import numpy as np
import pytest
from series import frame

from keras_recipes.recipes.data.naive import Forecasting, scales_of
from keras_recipes.recipes.data.series import WindowOptions, arranged
from keras_recipes.recipes.errors import DataError

Y = np.array([1.0, 5, 2, 8, 4, 7, 9, 6, 3, 10])


def forecasting(values=Y, *, season=2, horizon=3, inputs=3, trained=6):
    options = WindowOptions(inputs, horizon, season=season)
    series = arranged(frame({"y": values}), options)
    target = np.asarray(values, float)[:, None]
    scales = scales_of(series, target, np.arange(len(values)) < trained, options)
    return Forecasting(options, series, target, scales, {})


def test_the_forecast_is_the_last_value_of_the_same_season():
    # After row 4 with seasons of 2: rows 3 and 4, and row 3 again for the third step.
    found = forecasting().naive(np.array([2]))
    assert found.ravel().tolist() == [8, 4, 8]


def test_a_season_that_begins_before_the_rows_has_no_forecast():
    found = forecasting(season=4).naive(np.array([0]))
    # Rows -1, 0 and 1.
    assert np.isnan(found.ravel()[0])
    assert found.ravel()[1:].tolist() == [1, 5]


def test_mase_by_hand():
    # Within the training rows 1 5 2 8 4 7 the naive forecast is off by 1, 3, 2 and 1.
    made = forecasting()
    assert made.scales.tolist() == [[7 / 4]]
    # After row 5 come 9, 6, 3; the naive forecast is 4, 7, 4, and this one 8, 8, 3.
    found = made.errors(np.array([3]), np.array([[8.0, 8.0, 3.0]]))
    assert found.metrics["mae"] == pytest.approx(1.0)
    assert found.metrics["rmse"] == pytest.approx(np.sqrt(5 / 3))
    assert found.metrics["mase"] == pytest.approx(1 / 1.75)
    assert found.metrics["seasonal_naive_mae"] == pytest.approx(7 / 3)
    assert found.metrics["seasonal_naive_rmse"] == pytest.approx(3)
    assert found.metrics["seasonal_naive_mase"] == pytest.approx(7 / 3 / 1.75)
    assert found.by_step["mae"] == pytest.approx([1, 2, 0])
    assert found.by_step["seasonal_naive_mase"] == pytest.approx([5 / 1.75, 1 / 1.75, 1 / 1.75])


def test_the_naive_forecast_itself_has_its_own_errors():
    made, starts = (
        forecasting(np.random.default_rng(0).normal(size=40), trained=30),
        np.arange(5, 30),
    )
    found = made.errors(starts, made.naive(starts).reshape(len(starts), -1))
    for name in ("mae", "rmse", "mase"):
        assert found.metrics[name] == found.metrics[f"seasonal_naive_{name}"]
    assert made.errors(starts, made.actual(starts)[..., 0]).metrics["mae"] == 0


def test_one_season_ahead_within_the_training_rows_has_a_mase_of_1():
    values = np.random.default_rng(1).normal(size=30)
    made = forecasting(values, season=4, horizon=1, inputs=4, trained=30)
    assert made.errors(np.arange(26), np.zeros((26, 1))).metrics[
        "seasonal_naive_mase"
    ] == pytest.approx(1)


def test_each_series_and_target_has_a_scale_of_its_own():
    options = WindowOptions(1, 1, by="s", season=1)
    rows = frame({"s": ["a"] * 4 + ["b"] * 4, "y": [0, 1, 2, 3, 0, 10, 20, 30]})
    series = arranged(rows, options)
    target = np.array([[0, 1, 2, 3, 0, 10, 20, 30], [0, 0, 0, 0, 5, 6, 7, 8]], float).T
    scales = scales_of(series, target, np.ones(8, bool), options)
    assert scales.tolist() == [[1, 0], [10, 1]]
    made = Forecasting(options, series, target, scales, {})
    # Off by 1 of a scale of 1, by 10 of 10 and by 2 of 1; the constant one does not count.
    found = made.errors(np.array([2, 6]), np.array([[2.0, 5.0], [20.0, 6.0]]))
    assert found.metrics["mase"] == pytest.approx((1 + 1 + 2) / 3)


def test_training_rows_shorter_than_a_season():
    with pytest.raises(DataError, match=r"no two training rows are a season of 6 rows apart"):
        forecasting(season=6)
