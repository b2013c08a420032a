"""Columns with an array in each row: what is learned of them, by NumPy as the oracle."""

import numpy as np
import pyarrow as pa
import pytest

from keras_recipes.recipes.data.array_feature import Array, FittedArray
from keras_recipes.recipes.data.fitted import FITTED
from keras_recipes.recipes.data.frame import Frame
from keras_recipes.recipes.data.infer import infer
from keras_recipes.recipes.errors import DataError

WAVES = np.random.default_rng(0).normal([3, -2], [4, 0.5], (20, 5, 2))


def frame(values):
    return Frame({"wave": values}, "rows")


def test_each_channel_is_scaled_over_rows_and_steps():
    fitted = Array().fit("wave", frame(WAVES))
    assert (fitted.shape, fitted.width, fitted.is_vector) == ((5, 2), 10, False)
    scaled = (WAVES - fitted.offset) / fitted.divisor
    np.testing.assert_allclose(scaled.mean(axis=(0, 1)), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=(0, 1)), 1, rtol=1e-5)
    fitted = Array("minmax").fit("wave", frame(WAVES))
    scaled = (WAVES - fitted.offset) / fitted.divisor
    np.testing.assert_allclose(scaled.min(axis=(0, 1)), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.max(axis=(0, 1)), 1, rtol=1e-5)
    assert Array("none").fit("wave", frame(WAVES)).divisor == (1.0, 1.0)


def test_a_channel_that_is_constant_is_not_divided():
    assert Array().fit("wave", frame(np.ones((4, 3)))).divisor == (1.0, 1.0, 1.0)


def test_it_is_written_and_read_again():
    fitted = (FittedArray("wave", (5, 2), (1.0, 2.0), (3.0, 4.0)),)
    assert FITTED.validate_json(FITTED.dump_json(fitted)) == fitted


def test_a_column_of_arrays_is_inferred():
    found = infer(frame(WAVES), "wave")
    assert (found.feature, found.reason) == (Array(), "arrays of shape (5, 2)")
    assert infer(frame(np.full((4, 2), "a")), "wave").feature is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array([1.0, 2.0]), "`wave` has one value a row"),
        (np.zeros((3, 0)), "without a number"),
        (np.array([[1.0, np.nan]]), "column `wave`"),
        (np.full((4, 2), "a"), "column `wave`"),
    ],
    ids=["scalars", "empty", "missing", "words"],
)
def test_what_is_no_array_of_numbers_is_reported(values, message):
    with pytest.raises(DataError, match=message):
        Array().fit("wave", frame(values))
