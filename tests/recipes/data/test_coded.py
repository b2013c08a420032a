"""A column as its different cells is the column, and rows that were picked keep it."""

import numpy as np
import pyarrow as pa
import pytest

from keras_recipes.recipes.data.coded import coded
from keras_recipes.recipes.data.frame import Frame


@pytest.mark.parametrize("column", [["b", "a", None, "b"], [None, None], [3, 1, 3], ["x"]])
def test_its_cells_spread_over_the_rows_are_the_column(column):
    given = pa.array(column, None if any(column) else pa.string())
    found = coded(given)
    assert found.spread(found.cells).to_pylist() == given.cast(pa.string()).to_pylist()
    counts = [given.to_pylist().count(cell) for cell in given.unique().to_pylist()]
    assert found.counts().tolist() == counts
    chosen = np.arange(len(found.cells)) == 0
    first = [row for row, cell in enumerate(column) if cell == column[0]]
    assert found.rows(chosen).tolist() == first


def test_picked_rows_are_coded_once_and_rows_of_them_anew():
    frame = Frame({"x": pa.array(["b", "a"] * 20)}, "rows").take(np.arange(1, 40))
    assert frame.coded("x") is frame.coded("x")
    assert frame.coded("x").cells.to_pylist() == ["a", "b"]
    assert frame.take(np.array([1])).coded("x").cells.to_pylist() == ["b"]
