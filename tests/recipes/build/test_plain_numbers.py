"""NumPy gives the bits of the Keras layers that the saved model has."""

import keras
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from keras_recipes.recipes.build.column_layers import column_numbers, input_dtype
from keras_recipes.recipes.build.plain_numbers import (
    is_plain,
    plain_categories,
    plain_numbers,
)
from keras_recipes.recipes.data.fitted import FittedCategory, FittedNumeric

RNG = np.random.default_rng(0)
# Holes, infinities, signed zeros, numbers that 32-bit floats round, subnormal and large ones.
SPECIAL = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-40, -1e-45, 1.2e-38, 1e-300, 3.4e38, -3.4e38]
ROUNDED = [0.1, 1 / 3, 2.0**24 + 1, 2.0**53 + 1, 1.7e9, -(2.0**62)]
MANY = RNG.normal(size=4000) * 10.0 ** RNG.integers(-44, 38, 4000)
CELLS = np.concatenate([SPECIAL, ROUNDED, MANY, RNG.integers(0, 2000, 4000)])


def of_keras(feature, cells):
    column = keras.Input((1,), dtype=input_dtype(feature))
    model = keras.Model(column, column_numbers(feature, column))
    return model(tf.constant(cells, input_dtype(feature))[:, None]).numpy()


@pytest.mark.parametrize("indicator", [False, True])
@pytest.mark.parametrize(
    ("fill", "offset", "divisor"),
    [
        (7.0, 0.0, 1.0),
        (0.0, 0.0, 1.0),
        (0.1, 6.564278513494936, 3.414882681210157),
        (1e-40, -1e-3, 1e-36),
        (3.0, 1e30, 1e37),
        (1355.0, 1e-25, 467.3),
    ],
)
def test_numbers_have_the_bits_of_keras(fill, offset, divisor, indicator):
    feature = FittedNumeric("x", fill, indicator, offset, divisor)
    assert is_plain(feature)
    found, expected = plain_numbers(feature, CELLS), of_keras(feature, CELLS)
    assert found.dtype == expected.dtype == np.float32
    assert found.shape == expected.shape == (len(CELLS), feature.width)
    assert np.array_equal(found.view("uint32"), expected.view("uint32"))


@pytest.mark.parametrize("output", ["one_hot", "embedding"])
@pytest.mark.parametrize("unseen", [False, True])
def test_categories_are_those_of_keras(output, unseen):
    feature = FittedCategory("x", ("", "a", "b", "나"), unseen, output)
    cells = ["b", "", "new", "a", "나", "A", " a", "b"]
    found = plain_categories(feature, pa.array(cells))
    assert is_plain(feature)
    assert found.dtype == np.int32
    assert np.array_equal(found, of_keras(feature, cells))
    assert found.shape == (len(cells), feature.width)


@pytest.mark.parametrize(
    "feature",
    [
        FittedNumeric("x", 0.0, False, log=True),
        FittedNumeric("x", 0.0, False, boundaries=(1.0, 2.0)),
        FittedNumeric("x", 0.0, False, 1.7e9, 10.0, double=True),
        # Without a shift, a product that is subnormal is 0 in TensorFlow.
        FittedNumeric("x", 0.0, False, 0.0, 3.0),
        FittedCategory("x", (), True, "hashing", 8),
        FittedCategory("x", ("[UNK]", "a"), False, "one_hot"),
    ],
)
def test_what_numpy_may_compute_differently_is_left_to_keras(feature):
    assert not is_plain(feature)
