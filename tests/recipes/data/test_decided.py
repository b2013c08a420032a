"""What the training rows decide of features that a recipe names is told."""

import pytest
from frames import frame_of_cells

from keras_recipes.recipes.data.decided import decided
from keras_recipes.recipes.data.features import Category, Date, Numeric, Text
from keras_recipes.recipes.data.table import TableOptions, fit_features

DAYS = ["2013-01-05", "2014-01-11", "2014-01-18"]


@pytest.mark.parametrize(
    ("feature", "cells", "expected"),
    [
        (Numeric(), [1, "", 3], "missing ones become 2, and an indicator says so"),
        (Numeric(), [1, 2, 3], None),
        (Numeric(indicator=True), [1, "", 3], None),
        (Category(), ["a", "b", "a"], "2 categories, one-hot"),
        (Category(), list(range(40)), "40 categories, 13 numbers each"),
        (Category(output="hashing"), ["a", "b", "a"], None),
        (Date(), DAYS, "its year"),
        (Date(parts=["month"]), DAYS, None),
        (Text(), ["a b", "b", ""], None),
    ],
    ids=range(9),
)
def test_what_was_left_open(feature, cells, expected):
    assert decided(feature, feature.fit("x", frame_of_cells(x=cells))) == expected


def test_it_is_among_the_notes_of_a_table():
    rows = frame_of_cells(size=[1, "", 3], colour=["a", "b", "a"], n=[1, 2, 4])
    asked = {"size": Numeric(), "colour": Category(), "n": Numeric()}
    _, notes = fit_features(rows, TableOptions(features=asked))
    assert notes == (
        "size: numeric, standardize; missing ones become 2, and an indicator says so",
        "colour: category; 2 categories, one-hot",
    )
