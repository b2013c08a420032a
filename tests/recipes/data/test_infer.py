"""What columns are taken for, and that a reason is given."""

import numpy as np
import pyarrow as pa
import pytest

from keras_recipes.recipes.data.cell_types import typed
from keras_recipes.recipes.data.features import Category, Date, Numeric, Text
from keras_recipes.recipes.data.frame import Frame
from keras_recipes.recipes.data.infer import infer
from keras_recipes.recipes.errors import DataError

RNG = np.random.default_rng(0)


def column(cells):
    return Frame({"x": typed(pa.array([str(cell) for cell in cells]))}, "rows")


@pytest.mark.parametrize(
    ("cells", "feature", "reason"),
    [
        (RNG.normal(size=100), Numeric(), "numbers from"),
        ([*range(5), ""] * 10, Numeric(), "10 missing"),
        (RNG.lognormal(sigma=2, size=300), Numeric(scale="log"), "skewed"),
        (["red", "blue", ""] * 20, Category(), "2 categories, 20 missing"),
        (["2013-01-01", "2013-01-08"] * 20, None, "the same year, month, weekday and hour"),
        (["2013-01-05", "2014-02-03 05:00"] * 20, Date(), "dates"),
        ([f"a film of {i} parts" for i in range(60)], Text(), "texts of 5 words"),
        (["x"] * 30, None, 'all training rows have "x"'),
        ([""] * 30, None, "all training rows miss it"),
        (range(10, 210, 2), None, "counts the rows, from 10 to 208"),
        (range(1, 101), None, "counts the rows, from 1 to 100"),
        ([f"id{i}" for i in range(100)], None, "names the rows"),
    ],
)
def test_a_column_is_taken_for_what_it_is(cells, feature, reason):
    found = infer(column(cells), "x")
    assert found.feature == feature
    assert reason in found.reason


def test_rare_categories_are_grouped_where_there_are_many():
    cells = [f"c{i}" for i in range(200) for _ in range(10 if i < 150 else 1)]
    assert infer(column(cells), "x").feature == Category(min_count=5)


def test_a_column_of_numbers_with_a_wrong_cell_is_refused_with_its_place():
    with pytest.raises(DataError, match=r"row 7.*`x`.*\"12o\".*99 of 100 cells"):
        infer(column([*range(7), "12o", *range(92)]), "x")
