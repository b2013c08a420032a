"""Windows are those of a plain loop, and those of one split learn nothing of another."""

import numpy as np
import pytest
from series import daily, frame, hours, write

from keras_recipes.recipes.data.features import Numeric
from keras_recipes.recipes.data.series import WindowOptions, arranged
from keras_recipes.recipes.data.split import Splits
from keras_recipes.recipes.data.table import TableOptions
from keras_recipes.recipes.data.window_division import starts_of
from keras_recipes.recipes.data.windows import load_windows
from keras_recipes.recipes.errors import DataError

OPTIONS = WindowOptions(3, 2, time="t", by="s", season=3)


def two_series(rows=40):
    """Two series with gaps, the second one later and shuffled into the first."""
    first, second = hours(rows), hours(rows, 7)
    del first[20], second[5]
    names = ["a"] * len(first) + ["b"] * len(second)
    times = first + second
    order = np.random.default_rng(1).permutation(len(times))
    values = np.arange(len(times)) * 1.5
    return {
        "t": [times[i] for i in order],
        "s": [names[i] for i in order],
        "y": [values[i] for i in order],
        "x": [values[i] ** 2 for i in order],
    }


def by_a_loop(columns, options):
    """Inputs and targets of all windows: every run of rows of one series, an hour apart."""
    rows = sorted(zip(columns["s"], columns["t"], columns["y"], strict=True))
    every = hours(100)
    found = []
    for first in range(len(rows)):
        window = rows[first : first + options.length]
        if len(window) < options.length or len({name for name, _, _ in window}) > 1:
            continue
        places = [every.index(time) for _, time, _ in window]
        if places == list(range(places[0], places[0] + options.length)):
            found.append([value for _, _, value in window])
    return found


def test_windows_are_those_of_a_plain_loop():
    columns = two_series()
    series = arranged(frame(columns), OPTIONS)
    target = np.array(series.frame["y"].to_pylist())[:, None]
    starts = starts_of(series, OPTIONS, target)
    found = [target[first : first + OPTIONS.length, 0].tolist() for first in starts]
    assert found == by_a_loop(columns, OPTIONS)
    assert len(found) > 40


def load(path, options=OPTIONS, splits=None, target=("y",), features=None, **more):
    table = TableOptions(target, features, window=options, **more)
    return load_windows("csv", {"path": str(path)}, splits=splits or Splits(0.2, 0.2), table=table)


def times_of(data, split):
    """Places in time, in hours, of the inputs and of the targets of each window."""
    windows = getattr(data, split).x
    hour = (data.forecasting.series.times - data.forecasting.series.times.min()) / 3600
    rows = hour[windows.starts[:, None] + np.arange(OPTIONS.length)]
    return rows[:, : OPTIONS.inputs], rows[:, OPTIONS.inputs :]


def test_targets_of_splits_lie_in_times_of_their_own_for_all_series(tmp_path):
    data = load(write(tmp_path / "t.csv", two_series()))
    targets = {split: times_of(data, split)[1] for split in ("train", "validation", "test")}
    # 47 hours in all, of which a fifth, 9, are for each of the two.
    assert targets["train"].max() == 28
    assert (targets["validation"].min(), targets["validation"].max()) == (29, 37)
    assert (targets["test"].min(), targets["test"].max()) == (38, 46)
    inputs = times_of(data, "validation")[0]
    assert inputs.min() < 29  # they reach back over the cut, as a forecast does
    total = sum(len(getattr(data, split)) for split in targets)
    # A cut leaves out the windows whose two targets are on both sides of it, of each series.
    assert total == len(by_a_loop(two_series(), OPTIONS)) - 2 * 2
    assert "4 left out, whose targets lie on both sides of a cut" in "\n".join(data.lines)


def test_targets_are_the_rows_after_the_inputs_step_by_step(tmp_path):
    columns = {"y": np.arange(30), "z": np.arange(30) * 10}
    data = load(
        write(tmp_path / "t.csv", columns), WindowOptions(3, 2, season=1), target=("y", "z")
    )
    assert data.train.y[0].tolist() == [3, 30, 4, 40]
    assert data.train.y.dtype == np.float32


def test_only_rows_that_training_windows_see_are_learned_from(tmp_path):
    columns = two_series()
    path = write(tmp_path / "t.csv", columns)
    first = load(path)
    later = {time for time in columns["t"] if time >= hours(1, 29)[0]}
    for name in ("y", "x"):
        columns[name] = [
            1e6 if time in later else value
            for time, value in zip(columns["t"], columns[name], strict=True)
        ]
    second = load(write(tmp_path / "u.csv", columns))
    assert first.features == second.features
    assert (first.train.y == second.train.y).all()
    assert (first.forecasting.scales == second.forecasting.scales).all()
    assert (first.test.y != second.test.y).all()
    assert first.fingerprint != second.fingerprint


def test_the_past_of_the_target_is_an_input_and_the_name_of_the_series_is_none(tmp_path):
    path = write(tmp_path / "t.csv", two_series())
    assert {each.name for each in load(path).features} == {"t", "y", "x"}
    named = load(path, features={"x": Numeric(), "s": "auto"})
    assert {each.name for each in named.features} == {"x", "s"}


def test_windows_over_a_missing_target_are_left_out_where_that_is_said(tmp_path):
    values = [str(value) for value in daily(60)]
    values[30] = ""
    path = write(tmp_path / "t.csv", {"y": values})
    options = WindowOptions(3, 2, season=1)
    with pytest.raises(DataError, match="1 row of 60 without a target; line 32, column `y`"):
        load(path, options)
    data = load(path, options, Splits(None, None), drop_missing_target=True)
    # Row 30 is a target of the windows that begin at 26 and 27, and an input of those after them.
    assert data.train.x.starts.tolist() == [i for i in range(56) if i not in (26, 27)]
    assert not np.isnan(data.train.y).any()


def test_the_earliest_rows_are_kept_of_all_series(tmp_path):
    path = write(tmp_path / "t.csv", two_series())
    table = TableOptions(("y",), window=OPTIONS)
    data = load_windows("csv", {"path": str(path)}, splits=Splits(0.2, 0.2), table=table, limit=30)
    series = data.forecasting.series
    assert len(series.frame) == 30
    assert series.steps().max() < 25


LONG = {"y": daily(60)}


@pytest.mark.parametrize(
    ("columns", "options", "splits", "message"),
    [
        (LONG, WindowOptions(50, 20), None, r"has 50 \+ 20 rows.*the longest series has 60"),
        (LONG, WindowOptions(40, 10), None, "no training window: the 42 of 60 time steps"),
        (LONG, WindowOptions(4, 10), None, "no validation window: its 9 of 60 time steps"),
        (LONG, WindowOptions(4, 8), Splits(0.2, 0.1), "no test window: its 6 of 60 time steps"),
        (LONG, WindowOptions(2, 2, season=48), None, "no two training rows are a season of 48"),
        (LONG, WindowOptions(2, 2, time="u"), None, r"t.csv: has no column `u`"),
        (LONG, WindowOptions(2, 2, known=("u",)), None, r"t.csv: has no column `u`"),
        ({"y": ["1", "two", "3"]}, WindowOptions(1, 1), None, "line 3, column `y`: expected a"),
        ({**LONG, "c": [7] * 60}, WindowOptions(2, 2, known=("c",), season=1), None,
         "window.known: c: left out; all training rows have 7"),
        ({"t": np.cumsum(np.arange(60)), **LONG}, WindowOptions(2, 2, time="t"), None,
         "the longest stretch without a gap has 2: rows are most often.* apart, and 58 pairs"),
    ],
    ids=["too long", "train", "validation", "test", "season", "time", "known", "words", "constant",
         "gaps"],
)  # fmt: skip
def test_windows_that_cannot_be_had(tmp_path, columns, options, splits, message):
    path = write(tmp_path / "t.csv", columns)
    with pytest.raises(DataError, match=message):
        load(path, options, splits or Splits(0.15, 0.15))
