"""Which rows windows begin at, and which time steps validate and test."""

import numpy as np
from series import frame, hours

from keras_recipes.recipes.data.series import WindowOptions, arranged
from keras_recipes.recipes.data.split import Splits
from keras_recipes.recipes.data.window_division import covered, spans, starts_of


def test_a_stride_begins_at_each_stretch():
    series = arranged(
        frame({"t": hours(4) + hours(7, 10), "y": range(11)}),
        WindowOptions(3, 2, time="t", season=3),
    )
    options = WindowOptions(2, 1, time="t", stride=2)
    assert starts_of(series, options, np.zeros((11, 1))).tolist() == [0, 4, 6, 8]


def test_rows_that_windows_cover():
    assert covered(np.array([1, 4]), 2, 8).tolist() == [0, 1, 1, 0, 1, 1, 0, 0]


def test_parts_are_the_latest_time_steps():
    assert spans(50, Splits(None, 0.1)) == {"train": (0, 45), "test": (45, 50)}
