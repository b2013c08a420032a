"""Rows are put in order, and gaps between them are found."""

import numpy as np
import pytest
from series import frame, hours

from keras_recipes.recipes.data.series import Spacing, Unit, WindowOptions, arranged
from keras_recipes.recipes.errors import DataError

BY_TIME = WindowOptions(2, 1, time="t")
MONTHS = [f"{2020 + month // 12}-{month % 12 + 1:02d}-01" for month in range(30)]
ENDS = ["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]


def test_rows_are_sorted_by_time_and_their_gaps_are_found():
    times = hours(10)
    del times[4]
    order = np.random.default_rng(0).permutation(9)
    found = arranged(frame({"t": [times[i] for i in order], "y": order}), BY_TIME)
    assert found.sorted
    assert found.frame["y"].to_pylist() == list(range(9))
    assert found.first.tolist() == [0] * 4 + [4] * 5
    assert (found.gaps, found.longest) == (1, 5)
    assert found.spacing == Spacing(Unit.SECONDS, 3600.0)


def test_series_stand_one_after_the_other():
    rows = frame({"t": [1, 1, 2, 2, 3], "s": ["b", "a", "b", "a", "b"], "y": [10, 20, 11, 21, 12]})
    found = arranged(rows, WindowOptions(1, 1, time="t", by="s"))
    assert found.names == ("a", "b")
    assert found.frame["y"].to_pylist() == [20, 21, 10, 11, 12]
    assert found.first.tolist() == [0, 0, 2, 2, 2]
    assert not found.sorted  # each of them was in order
    assert found.gaps == 0


def test_without_a_time_rows_are_in_order():
    found = arranged(frame({"y": [3, 1, 2]}), WindowOptions(1, 1))
    assert found.frame["y"].to_pylist() == [3, 1, 2]
    assert found.times.tolist() == [0, 1, 2]


def test_a_gap_is_bridged_where_the_recipe_says_so():
    times = hours(3) + hours(3, 10)
    rows = frame({"t": times, "y": range(6)})
    assert arranged(rows, WindowOptions(1, 1, time="t", gaps="bridge")).gaps == 0


@pytest.mark.parametrize(
    ("times", "spacing", "season"),
    [
        (hours(5), "1 hour", 24),
        ([f"2024-01-0{day}" for day in range(1, 6)], "1 day", 7),
        (MONTHS, "1 month", 12),
        (ENDS, "1 month", 12),
        (MONTHS[::3], "3 months", 4),
        ([f"2024-01-01 00:{minute:02d}" for minute in range(0, 60, 15)], "15 minutes", 96),
        ([f"{year}-01-01" for year in range(2000, 2009)], "12 months", 1),
        ([0.1, 0.2, 0.3, 0.4, 0.5], "0.1", 1),
    ],
    ids=["hours", "days", "months", "month ends", "quarters", "15 minutes", "years", "numbers"],
)
def test_how_far_apart_rows_are_and_what_season_follows(times, spacing, season):
    found = arranged(frame({"t": times, "y": range(len(times))}), BY_TIME)
    assert found.gaps == 0
    assert str(found.spacing) == spacing
    assert found.spacing.season()[0] == season
    assert Spacing.from_json(found.spacing.to_json()) == found.spacing


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"t": [1, 2, 2]}, BY_TIME, r"row 2 \(from 0\), column `t`: has the same time as row 1"),
        ({"t": [1, 2, 2]}, BY_TIME, r"`window: \{by: COLUMN\}`"),
        ({"t": ["2024-01-01", "soon", "x"]}, BY_TIME, 'expected a date.* Received "soon"'),
        ({"t": ["2024-01-01", "", "2024-01-02"]}, BY_TIME, "expected a time. It is empty"),
        ({"x": [1, 2, 3]}, BY_TIME, "has no column `t`"),
        ({"s": ["a", "", "b"]}, WindowOptions(1, 1, by="s"), "expected the name of a series"),
        ({"s": ["a", "a", "b"]}, WindowOptions(1, 1, by="s"), "from 1 to 2 rows, and nothing says"),
        ({"t": [1, 1], "s": ["a", "b"]}, WindowOptions(1, 1, "t", "s"), "no series has two rows"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_put_in_order(columns, options, message):
    with pytest.raises(DataError, match=message):
        arranged(frame(columns), options)
