"""Cells of text as numbers, and the cells that are none."""

import numpy as np
import pyarrow as pa

from keras_recipes.recipes.data.cell_types import as_numbers, floats, not_numbers, words


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
