"""Columns from Python: their types, and those that cannot be used."""

import datetime
import decimal

import numpy as np
import pyarrow as pa
import pytest

from keras_recipes.recipes.data.python_columns import array_of_lists, from_columns
from keras_recipes.recipes.errors import DataError


def values(given):
    """The columns of a table from Python, as lists."""
    frame = from_columns(given, "rows").typed()
    return {name: column.to_pylist() for name, column in frame.columns.items()}


class Pandas:
    """What a data frame of pandas shows of itself."""

    def __init__(self, columns):
        self.given = columns
        self.columns = list(columns)

    def keys(self):
        return self.columns

    def __getitem__(self, name):
        return self.given[name]


@pytest.mark.parametrize("make", [dict, Pandas])
def test_columns_from_python(make):
    given = make(
        {
            "numbers": [1, None, 3.5],
            "mixed": [1, float("nan"), "x"],
            "words": np.array(["b", None, " c "], object),
            "numpy": np.array([1.0, np.nan, 3.0]),
            "true": [True, False, True],
            "day": [datetime.date(2024, 1, 5), None, datetime.date(2024, 2, 5)],
            "exact": [decimal.Decimal("1.5"), decimal.Decimal(2), None],
            "text": ["1", "", "?"],
            "nothing": [None, None, None],
            5: [1, 2, 3],
        }
    )
    assert values(given) == {
        "numbers": [1, None, 3.5],
        "mixed": ["1", None, "x"],
        "words": ["b", None, "c"],
        "numpy": [1, None, 3],
        "true": [1, 0, 1],
        "day": ["2024-01-05 00:00:00", None, "2024-02-05 00:00:00"],
        "exact": [1.5, 2, None],
        "text": [1, None, None],
        "nothing": [None, None, None],
        "5": [1, 2, 3],
    }


def test_columns_of_arrow():
    words = pa.array(["a", None, "a"])
    given = pa.table({"c": words.dictionary_encode(), "large": words.cast(pa.large_string())})
    assert values(given) == {"c": ["a", None, "a"], "large": ["a", None, "a"]}
    assert values(pa.table({"x": pa.array([2**64 - 1, None], pa.uint64())})) == {
        "x": [2.0**64, None]
    }


def test_a_frame_of_pandas():
    pandas = pytest.importorskip("pandas")
    given = pandas.DataFrame({"a": [1, None], "b": ["x", None], "c": ["1", 2]})
    given["d"] = pandas.Categorical(["u", "v"])
    given["e"] = pandas.array([1, None], dtype="Int64")
    assert values(given) == {
        "a": [1, None], "b": ["x", None], "c": [1, 2], "d": ["u", "v"], "e": [1, None],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "fragment"),
    [
        ({}, "equally long and not empty"),
        ({"a": []}, "equally long and not empty"),
        ({"a": [1], "b": [1, 2]}, "equally long and not empty. Received a: 1, b: 2"),
        ({"": [1]}, "a column has no name"),
        ({"1": [1], 1: [1]}, "two columns are called `1`. Rename a column"),
        (pa.Table.from_arrays([[1], [2]], ["a", "a"]), "two columns are called `a`"),
        ({"a": [{}, 1]}, "rows: column `a` cannot be read"),
        ({"a": [1j, 2]}, "rows: column `a` cannot be read"),
        ({"a": 3}, "rows: column `a` cannot be read"),
        ({"a": [[1], [2, 3]]}, "rows: column `a` (cannot be read|holds list)"),
        (pa.table({"a": [[1], [2, 3]]}), "rows: column `a`: its lists have from 1 to 2 values"),
        (pa.table({"a": [datetime.time(3)]}), "rows: column `a` holds time64.us. values"),
        (pa.table({"a": [datetime.timedelta(3)]}), "rows: column `a` holds duration"),
    ],
)
def test_columns_that_cannot_be_used(given, fragment):
    with pytest.raises(DataError, match=fragment):
        from_columns(given, "rows")


def test_lists_of_lists_are_arrays():
    cube = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(array_of_lists(pa.array(cube.tolist()), "x"), cube)
    for cells, reason in (
        ([[1], None], "1 of its lists are missing"),
        ([["a"]], "hold string values"),
        ([[None]], "hold null values"),
        ([[1, None]], "1 of them missing"),
    ):
        with pytest.raises(DataError, match=reason):
            array_of_lists(pa.array(cells), "x")
