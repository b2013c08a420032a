"""What is learned of a column is learned from the rows that are given, and from no other."""

import numpy as np
import pyarrow as pa
import pytest
from frames import frame_of_cells as table

from keras_recipes.recipes.data.features import Category, Date, Numeric, Text
from keras_recipes.recipes.data.frame import Frame
from keras_recipes.recipes.errors import DataError


def test_numbers_are_filled_and_scaled_by_what_is_known():
    fitted = Numeric(missing="mean").fit("x", table(x=[1, 3, "", 5]))
    assert (fitted.fill, fitted.indicator, fitted.offset) == (3.0, True, 3.0)
    assert fitted.divisor == pytest.approx(np.std([1, 3, 3, 5]))
    assert Numeric(missing=-1.0, indicator=False).fit("x", table(x=[1, ""])).fill == -1.0


@pytest.mark.parametrize("missing", ["mean", "median", -0.0])
def test_a_missing_number_is_never_minus_zero(missing):
    fill = Numeric(missing=missing).fit("x", table(x=["-0.0", "", "-0.0"])).fill
    assert (fill, np.signbit(fill)) == (0.0, False)


def test_a_constant_column_is_divided_by_one():
    assert Numeric().fit("x", table(x=[4, 4, 4])).divisor == 1.0


def test_numbers_that_32_bits_cannot_tell_apart_are_scaled_in_64():
    times = [1.7e9 + 100 * i for i in range(50)]
    assert Numeric().fit("x", table(x=times)).double
    assert not Numeric().fit("x", table(x=range(50))).double


def test_quantile_bins_are_equally_full():
    values = np.random.default_rng(1).exponential(size=1000)
    fitted = Numeric(scale="quantile", bins=4).fit("x", table(x=values))
    counts = np.bincount(np.searchsorted(fitted.boundaries, values, side="right"))
    assert counts.tolist() == [250, 250, 250, 250]


def test_rare_categories_are_left_to_the_unseen_ones():
    cells = ["a"] * 5 + ["b"] * 3 + ["c"]
    fitted = Category(min_count=2).fit("x", table(x=cells))
    assert (fitted.vocabulary, fitted.unseen) == (("a", "b"), True)
    assert not Category().fit("x", table(x=cells)).unseen


def test_many_categories_get_an_embedding():
    fitted = Category().fit("x", table(x=[f"c{i}" for i in range(40)]))
    assert (fitted.output, fitted.dimensions) == ("embedding", round(1.6 * 40**0.56))


def test_words_of_a_text_are_counted_without_case_and_punctuation():
    fitted = Text(vocabulary=2).fit("x", table(x=["The cat, the dog", "THE cat!", "a bird"]))
    assert fitted.vocabulary == ("the", "cat")


def test_a_date_has_the_parts_that_differ():
    fitted = Date().fit("x", table(x=["2013-01-05", "2013-03-05", "2014-01-05"]))
    assert fitted.parts == ("year", "month", "weekday")
    assert (fitted.first_year, fitted.years) == (2013, 1)


@pytest.mark.parametrize(
    ("feature", "cells", "fragment"),
    [
        (Numeric(), ["1", "x", "y"], r'2 of 3 cells.*row 1.*Received "x"'),
        (Numeric(), ["", ""], "no number in the training rows"),
        (Text(), ["", "!"], "no word in the training rows"),
        (Date(), ["2013-01-05", "5.1.2013"], r'row 1.*Received "5.1.2013"'),
        (Date(), ["2013-01-05", "2013-13-45"], "`x`"),
        (Date(), ["2013-01-01", "2013-01-08"], "nothing that differs"),
        (Date(("year",)), ["", ""], "nothing that differs"),
        (Date(), ["20130105", "20130106"], r"row 0.*Received 20130105"),
        (Category(min_count=9), ["a", "b"], "`min_count`"),
    ],
)
def test_a_column_that_is_something_else(feature, cells, fragment):
    with pytest.raises(DataError, match="(?s)" + fragment):
        feature.fit("x", table(x=cells))


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: Numeric(bins=1), "bins"),
        (lambda: Numeric(bins=10**9), "bins"),
        (lambda: Numeric(missing=1e38), "missing"),
        (lambda: Numeric(missing=float("nan")), "missing"),
        (lambda: Category(min_count=0), "min_count"),
        (lambda: Category(dimensions=0), "dimensions"),
        (lambda: Date(parts=[]), "parts"),
        (lambda: Date(parts=["year", "year"]), "parts"),
        (lambda: Text(vocabulary=0), "vocabulary"),
        (lambda: Text(length=-1), "length"),
        (lambda: Text(dimensions=0), "dimensions"),
    ],
)
def test_arguments_that_are_refused(make, argument):
    with pytest.raises(ValueError, match=f"`{argument}`"):
        make()


def test_numbers_beyond_32_bits_are_refused_with_their_row():
    for cells in (["1", "1e39", "2"], ["1", "inf", "2"]):
        with pytest.raises(DataError, match=f'(?s)row 1.*Received "{cells[1]}"'):
            Numeric().fit("x", table(x=cells))
    rows = Frame({"x": pa.array([1.0, np.inf])}, "rows")
    with pytest.raises(DataError, match=r"(?s)row 1.*Received Infinity"):
        Numeric().fit("x", rows)
