"""Decisions and probabilities in NumPy are those of Keras."""

import keras
import numpy as np
import pytest

from keras_recipes.models.ordinal import median_class
from keras_recipes.recipes.run.decisions import decided, median, probabilities

LOGITS = np.random.default_rng(0).normal(scale=5, size=(200, 4)).astype("float32")
EXTREME = np.array([[90.0, -90.0], [-1000.0, 1000.0]], "float32")


@pytest.mark.parametrize("function", ["sigmoid", "softmax"])
@pytest.mark.parametrize("outputs", [LOGITS, EXTREME], ids=["usual", "extreme"])
def test_probabilities_are_those_of_keras(function, outputs):
    expected = keras.ops.convert_to_numpy(getattr(keras.ops, function)(outputs))
    np.testing.assert_allclose(probabilities(outputs, function), expected, rtol=1e-5, atol=1e-30)


def test_outputs_that_are_probabilities_stay_as_they_are():
    np.testing.assert_array_equal(probabilities(LOGITS, None), LOGITS)
    with pytest.raises(ValueError, match="must be sigmoid or softmax"):
        probabilities(LOGITS, "tanh")


def test_the_median_is_that_of_the_metrics():
    found = probabilities(LOGITS, "softmax")
    np.testing.assert_array_equal(median(found), median_class(found))
    np.testing.assert_array_equal(decided(found, False, None, ordered=True), median(found))
    np.testing.assert_array_equal(decided(found, False, None), found.argmax(axis=1))
