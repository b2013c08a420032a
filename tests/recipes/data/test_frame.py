"""Columns of named rows: their types, and what is said of names and cells that are wrong."""

import datetime
import decimal

import numpy as np
import pyarrow as pa
import pytest

from keras_recipes.recipes.data.frame import (
    MOST_NAMES_SHOWN,
    Frame,
    as_numbers,
    floats,
    from_columns,
    not_numbers,
    refuse_nearly_numbers,
    words,
)
from keras_recipes.recipes.errors import DataError
from keras_recipes.recipes.spec import fields


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
        ({"1": [1], 1: [1]}, "two columns are called `1`"),
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


def test_numbers_and_what_is_none():
    for text in ("1", "-3e2", ".5", "5.", "+2", "1E5"):
        assert as_numbers(pa.array([text])).to_pylist() == [float(text)]
    for text in ("0x1", "1_0", "1e39", "inf", "1,5", "1 2", "--1", "1d", "1.2.3", "\uff11"):
        assert as_numbers(pa.array([text])) is None, text
    column = pa.array(["1", None, "x", "?", "", "1e39"])
    assert not_numbers(column).tolist() == [2, 5]
    assert not_numbers(pa.array([1.0, None, np.inf, -1e39])).tolist() == [2, 3]


def test_large_whole_numbers_are_floats_where_floats_are_asked_for():
    assert floats(pa.array([2**60 + 1, None])).tolist()[0] == 2.0**60
    assert words(pa.array([2**60 + 1, None])).tolist() == ["1152921504606846977", ""]


def test_rows_keep_their_place():
    frame = Frame({"a": pa.array([1, 2, 3]), "b": np.eye(3)}, "rows")
    some = frame.take(np.array([2, 0])).take(np.array([1]))
    assert (some["a"].to_pylist(), some["b"].tolist()) == ([1], [[1, 0, 0]])
    assert some.fault(0, "a", "is wrong") == "row 0 (from 0), column `a`: is wrong"
    assert list(frame.select(["b"]).columns) == ["b"]


def test_columns_that_are_missing_are_named_in_short():
    frame = from_columns({f"column_{index}": [1] for index in range(3000)}, "rows")
    with pytest.raises(DataError, match=r"has no column `c0`, .* and 80 more; it has") as caught:
        frame.require(f"c{index}" for index in range(100))
    assert len(str(caught.value)) < 1000
    assert str(caught.value).count("`column_") == MOST_NAMES_SHOWN
    with pytest.raises(DataError, match="separated by another character: set `delimiter`"):
        from_columns({"a;b": [1]}, "rows")["a"]


def test_a_name_is_compared_with_a_bounded_number_of_columns(monkeypatch):
    compared = []
    real = fields.difflib.get_close_matches
    monkeypatch.setattr(
        fields.difflib,
        "get_close_matches",
        lambda word, known, **more: compared.append(len(known)) or real(word, known, **more),
    )
    frame = from_columns({f"column_{index:06d}": [1] for index in range(20_000)}, "rows")
    with pytest.raises(DataError, match="has no column `colmun_000003`") as caught:
        frame["colmun_000003"]
    assert compared == [fields.MOST_COMPARED]
    assert len(str(caught.value)) < 1000
    with pytest.raises(DataError, match="Did you mean `column_019999`"):
        frame["Column-019999"]


def test_a_slip_among_numbers_is_refused_and_words_are_not():
    def check(cells):
        refuse_nearly_numbers(from_columns({"x": cells}, "rows").typed(), "x", "write words")

    with pytest.raises(
        DataError, match=r'row 3 .*the cell is "x", and 20 of 21 cells of the column'
    ):
        check(["1"] * 3 + ["x"] + ["1"] * 17)
    check(["1"] * 5 + ["x"] * 5)
    check(["a", "b"])
    check([1, 2])
