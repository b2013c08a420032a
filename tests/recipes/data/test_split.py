"""Which row goes where: sizes, shares of the classes, and what one choice may not move."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_recipes.recipes.data import Splits, load_data
from keras_recipes.recipes.data.split import SplitBy, generator, limited, quotas, size_of, taken
from keras_recipes.recipes.data.table import TableOptions
from keras_recipes.recipes.errors import DataError


def rows_of(split):
    """The row numbers that `numbered` put into the features."""
    return [] if split is None else split.x[:, 0].astype(int).tolist()


def numbered(y, splits, seed=0, **more):
    x = np.arange(len(y), dtype="float32")[:, None]
    return load_data("arrays", {}, splits=splits, seed=seed, arrays=(x, y), **more)


PART = st.one_of(st.none(), st.integers(1, 25), st.floats(0.02, 0.3))


@settings(max_examples=60, deadline=None)
@given(PART, PART, st.integers(0, 2**32 - 1), st.booleans())
def test_the_parts_are_disjoint_and_together_all(validation, test, seed, classes):
    y = np.arange(100) % 3 if classes else np.linspace(0, 1, 100)
    data = numbered(y, Splits(validation, test), seed)
    parts = [rows_of(part) for part in (data.train, data.validation, data.test)]
    assert sorted(row for part in parts for row in part) == list(range(100))
    for rows, asked in zip(parts[1:], (validation, test), strict=True):
        expected = asked if isinstance(asked, int) else round((asked or 0) * 100 + 1e-9)
        assert abs(len(rows) - expected) <= (0 if isinstance(asked, int) else 1)
        # Targets went along with their rows.
    for part in (data.train, data.validation, data.test):
        if part is not None:
            assert np.allclose(part.y, y[rows_of(part)])


@settings(max_examples=40, deadline=None)
@given(PART, PART, st.integers(0, 1000), st.booleans())
def test_validation_does_not_move_the_test_rows(first, second, seed, classes):
    y = np.arange(100) % 3 if classes else np.linspace(0, 1, 100)
    one, two = (numbered(y, Splits(part, 0.2), seed) for part in (first, second))
    assert rows_of(one.test) == rows_of(two.test)


def test_the_seed_decides():
    y = np.arange(100) % 2
    draws = [rows_of(numbered(y, Splits(0.2, 0.2), seed).test) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_classes_keep_their_shares():
    y = np.repeat(["ash", "elm", "oak"], [50, 30, 20])
    data = numbered(y, Splits(10, 0.2))
    assert data.classes == ("ash", "elm", "oak")
    assert np.bincount(data.test.y).tolist() == [10, 6, 4]
    assert np.bincount(data.validation.y).tolist() == [5, 3, 2]
    assert np.bincount(data.train.y).tolist() == [35, 21, 14]
    assert data.train.y.dtype == "int32"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(2, 50), min_size=2, max_size=8), st.data())
def test_quotas(counts, data):
    counts = np.array(counts)
    size = data.draw(st.integers(1, int(counts.sum() - len(counts))))
    quota = quotas(counts, size)
    assert quota.sum() == size
    assert (quota >= 0).all()
    assert (quota < counts).all()
    if (counts * size / counts.sum() <= counts - 2).all():
        assert np.abs(quota - counts * size / counts.sum()).max() <= 1


def test_quotas_refuse_to_use_up_a_class():
    assert quotas(np.array([50, 30, 20]), 10).tolist() == [5, 3, 2]
    with pytest.raises(ValueError, match="cannot be drawn"):
        quotas(np.array([2, 2]), 3)


def test_sizes():
    assert size_of(0.15, 1797, "test") == 270
    assert size_of(0.5, 5, "test") == 3  # halves go up
    assert size_of(7, 10, "test") == 7
    assert size_of(None, 10, "test") == 0


def test_nothing_is_drawn_where_nothing_is_asked():
    drawn, left = taken(None, np.arange(5), 0, generator(0, 1), "test")
    assert len(drawn) == 0
    assert left.tolist() == [0, 1, 2, 3, 4]


def test_limit_keeps_shares_and_comes_first():
    y = np.repeat([0, 1], [300, 100])
    data = numbered(y, Splits(0.2, 0.2), limit=100)
    assert (len(data.train), len(data.validation), len(data.test)) == (60, 20, 20)
    everything = np.concatenate([data.train.y, data.validation.y, data.test.y])
    assert np.bincount(everything).tolist() == [75, 25]
    assert limited(y, 400, 400, 0).tolist() == list(range(400))
    assert limited(None, 400, None, 0).tolist() == list(range(400))


def test_a_limit_does_not_change_the_classes():
    y = np.repeat(np.arange(50), 4)
    data = numbered(y, Splits(None, None), limit=20, task="classification")
    assert len(data.train) == 20
    assert len(data.classes) == 50


def test_a_limit_cuts_the_own_test_rows_too(tmp_path):
    path = tmp_path / "file.npz"
    x, y = np.zeros((50, 2)), np.arange(50) % 2
    np.savez(path, x=x, y=y, x2=x + np.arange(50)[:, None], y2=y)
    arguments = {"path": str(path), "x_test": "x2", "y_test": "y2"}
    data = load_data("npz", arguments, splits=Splits(None), limit=10)
    assert (len(data.train), len(data.test)) == (10, 10)
    assert rows_of(data.test) != list(range(10))  # drawn, not the first ones


def table_of(tmp_path, **columns):
    path = tmp_path / "table.csv"
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join(",".join(map(str, row)) for row in [columns, *rows]))
    return {"path": str(path)}


def parts_of(data, name):
    """The cells of a column in each part of the data."""
    return {
        part: getattr(data, part).x[name].to_pylist()
        for part in ("train", "validation", "test")
        if getattr(data, part) is not None
    }


@pytest.mark.parametrize("seed", range(5))
def test_no_group_stands_on_both_sides(tmp_path, seed):
    draw = np.random.default_rng(seed)
    groups = draw.integers(0, 30, 400)
    arguments = table_of(tmp_path, g=groups, x=draw.normal(size=400), y=draw.integers(0, 2, 400))
    options = TableOptions(("y",), split_by=SplitBy("group", "g"))
    data = load_data("csv", arguments, splits=Splits(0.2, 0.1), seed=seed, table=options)
    found = [set(cells) for cells in parts_of(data, "g").values()]
    assert sum(map(len, found)) == len(set(groups.tolist()))
    sizes = {part: len(cells) for part, cells in parts_of(data, "g").items()}
    assert sum(sizes.values()) == 400
    # A part has at most one group more than was asked for.
    most = np.bincount(groups).max()
    assert 80 <= sizes["validation"] < 80 + most
    assert 40 <= sizes["test"] < 40 + most


def test_later_rows_validate_and_the_latest_test(tmp_path):
    days = np.random.default_rng(0).permutation(100)
    dates = [str(np.datetime64("2020-01-01") + int(day)) for day in days]
    arguments = table_of(tmp_path, when=dates, x=range(100), y=days % 2)
    options = TableOptions(("y",), split_by=SplitBy("time", "when"))
    data = load_data("csv", arguments, splits=Splits(0.2, 0.1), table=options)
    parts = parts_of(data, "when")
    assert [len(cells) for cells in parts.values()] == [70, 20, 10]
    assert max(parts["train"]) < min(parts["validation"])
    assert max(parts["validation"]) < min(parts["test"])


def test_rows_of_one_time_stay_together(tmp_path):
    arguments = table_of(
        tmp_path, t=[i // 7 for i in range(70)], x=[1.5, 2, 7] * 23 + [0], y=[0, 1] * 35
    )
    options = TableOptions(("y",), {"x": "auto"}, split_by=SplitBy("time", "t"))
    data = load_data("csv", arguments, splits=Splits(None, 10), table=options)
    parts = parts_of(data, "t")
    assert parts["test"] == [8] * 7 + [9] * 7


def test_a_column_names_the_parts(tmp_path):
    names = ["train", "validation", "train", "test", "train", "train"]
    arguments = table_of(tmp_path, part=names, x=range(6), y=[0, 1, 1, 0, 0, 1])
    options = TableOptions(("y",), split_by=SplitBy("column", "part"))
    data = load_data("csv", arguments, splits=Splits(), table=options)
    assert parts_of(data, "x") == {"train": [0, 2, 4, 5], "validation": [1], "test": [3]}
    assert [feature.name for feature in data.features] == ["x"]


@pytest.mark.parametrize(
    ("by", "columns", "fragment"),
    [
        (SplitBy("column", "p"), {"p": ["train", "dev"]}, 'line 3, column `p`.*Received "dev"'),
        (SplitBy("column", "p"), {"p": ["test", "test"]}, "names no row `train`"),
        (SplitBy("group", "g"), {"g": [1, 1]}, "all 1 groups"),
        (SplitBy("time", "t"), {"t": [1, 1]}, "the same time"),
        (SplitBy("time", "t"), {"t": [1, ""]}, "line 3, column `t`: expected a time"),
        (SplitBy("time", "t"), {"t": ["2020-01-01", "later"]}, 'Received "later"'),
        (SplitBy("group", "none"), {"g": [1, 2]}, "has no column `none`"),
    ],
)
def test_columns_that_cannot_decide(tmp_path, by, columns, fragment):
    arguments = table_of(tmp_path, **columns, x=[1, 2], y=[0, 1])
    with pytest.raises(DataError, match=fragment):
        load_data("csv", arguments, splits=Splits(None, 1), table=TableOptions(("y",), split_by=by))


def test_an_array_has_no_column_to_split_by():
    arrays = np.arange(8.0).reshape(4, 2), [0, 1, 0, 1]
    with pytest.raises(DataError, match="no table with columns"):
        load_data(
            "arrays",
            {},
            splits=Splits(None, 1),
            arrays=arrays,
            table=TableOptions(split_by=SplitBy("time", "t")),
        )
