"""Rows with named columns, and what is said of names and cells that are wrong."""

import numpy as np
import pyarrow as pa
import pytest

from keras_recipes.recipes.data.frame import MOST_NAMES_SHOWN, Frame, refuse_nearly_numbers
from keras_recipes.recipes.data.python_columns import from_columns
from keras_recipes.recipes.errors import DataError
from keras_recipes.recipes.spec import wording


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
    real = wording.difflib.get_close_matches
    monkeypatch.setattr(
        wording.difflib,
        "get_close_matches",
        lambda word, known, **more: compared.append(len(known)) or real(word, known, **more),
    )
    frame = from_columns({f"column_{index:06d}": [1] for index in range(20_000)}, "rows")
    with pytest.raises(DataError, match="has no column `colmun_000003`") as caught:
        frame["colmun_000003"]
    assert compared == [wording.MOST_COMPARED]
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
