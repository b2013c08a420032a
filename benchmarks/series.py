"""Recipes of windows over a series against forecasts that anyone would try, on the same windows.

Run:    python benchmarks/series.py --data FOLDER

FOLDER holds elecdemand.csv; the recipe of this name says where it comes from. `--recipes` names
others with the same windows. The package cuts these: all sides learn from its training windows and
are measured on its test windows; recipes alone see the validation windows. The seasonal-naive
forecasts repeat the last day and the last week. The linear autoregression is scikit-learn's `Ridge`
with its default settings, one for each step of the horizon, on all inputs of a window,
standardized, those that are known ahead among them. MASE of all sides is scaled by the
seasonal-naive forecast of the first recipe within the training rows. The seconds of a recipe are
those of all of `train`, reading and report included.
"""

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import keras_recipes
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.data import Data, Split
from keras_recipes.recipes.data.cell_types import floats
from keras_recipes.recipes.data.cells import numbers_of
from keras_recipes.recipes.data.naive import Forecasting

LINE = "{:<24} {:>8} {:>8} {:>8} {:>8}".format
WEEK = 7 * 48


def matrix(split: Split) -> np.ndarray:
    """All inputs of each window as one row (windows, inputs)."""
    windows = split.x
    options, parts = windows.options, []
    for name in windows.frame.columns:
        column = floats(numbers_of(windows.frame, name))
        length = options.length if name in options.known else options.inputs
        parts.append(column[windows.starts[:, None] + np.arange(length)])
    return np.concatenate(parts, axis=1)


def linear(data: Data, measured: Split) -> np.ndarray:
    """The forecasts of a linear autoregression for the windows of a split."""
    model = make_pipeline(StandardScaler(), Ridge())
    model.fit(matrix(data.train), data.train.y)
    return model.predict(matrix(measured))


def naive(forecasting: Forecasting, starts: np.ndarray, season: int) -> np.ndarray:
    """The seasonal-naive forecasts of a season of so many rows."""
    other = replace(forecasting, options=replace(forecasting.options, season=season))
    return other.naive(starts).reshape(len(starts), -1)


def main() -> None:
    parser = argparse.ArgumentParser(description="A recipe of series against simple forecasts.")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--recipes", nargs="+", default=["elecdemand"], metavar="RECIPE")
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    arguments = parser.parse_args()
    path = str((arguments.data / "elecdemand.csv").absolute())
    recipes = [
        keras_recipes.load(name, {"data.source.csv.path": path}) for name in arguments.recipes
    ]
    data = data_of(recipes[0])
    split, forecasting = getattr(data, arguments.split), data.forecasting
    assert forecasting is not None
    starts = split.x.starts

    def show(side: str, metrics: dict[str, float], seconds: float) -> None:
        figures = [f"{metrics[name]:.4f}" for name in ("mae", "rmse", "mase")]
        print(LINE(side, *figures, f"{seconds:.0f}"), flush=True)

    print(LINE(arguments.split, "MAE", "RMSE", "MASE", "seconds"))
    for side, season in (("seasonal-naive, a day", 48), ("seasonal-naive, a week", WEEK)):
        outputs = naive(forecasting, starts, season)
        show(side, dict(forecasting.errors(starts, outputs).metrics), 0.0)
    started = time.perf_counter()
    outputs = linear(data, split)
    seconds = time.perf_counter() - started
    show("linear autoregression", dict(forecasting.errors(starts, outputs).metrics), seconds)
    for recipe in recipes:
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            result = recipe.train(out=Path(folder) / "run", progress=False)
            seconds = time.perf_counter() - started
            show(recipe.name, getattr(result, arguments.split), seconds)


if __name__ == "__main__":
    main()
