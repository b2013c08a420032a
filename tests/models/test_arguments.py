"""Arguments of the training step: numbers of Python and NumPy, and none that is too large."""

import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.models import GradientClipping, GradientNoise, LayerRate, WeightAveraging

HUGE = [10**400, -(10**400), 10**5000]


@pytest.mark.parametrize("huge", HUGE, ids=range(len(HUGE)))
@pytest.mark.parametrize(
    "make",
    [
        lambda value: GradientClipping(global_norm=value),
        lambda value: LayerRate("a", value),
        lambda value: GradientNoise(value),
        lambda value: GradientNoise(seed=value),
        lambda value: WeightAveraging(start=value),
    ],
)
def test_a_huge_number_is_refused_by_name(make, huge):
    with pytest.raises(ValueError, match="Argument `"):
        make(huge)


@pytest.mark.parametrize("huge", [2**47, 2**63])
def test_a_number_that_no_update_could_use_is_refused(huge):
    with pytest.raises(ValueError, match=r"must be < 2\^47"):
        WeightAveraging(start=huge)
    with pytest.raises(ValueError, match=r"must be < 2\^47"):
        GradientNoise(seed=huge)


def test_the_largest_numbers_work():
    largest = 2**47 - 1
    noise = GradientNoise(0.1, seed=largest)([tf.zeros(3)] * 2, tf.constant(5, tf.int64))
    assert np.isfinite(np.asarray(noise)).all()
    assert float(WeightAveraging(0.9, start=largest).fraction(largest)) == 1.0


def test_numbers_of_numpy_are_numbers():
    assert GradientClipping(np.float32(0.5)).value == 0.5
    assert WeightAveraging(np.float64(0.5), start=np.int64(3)).get_config()["start"] == 3
    with pytest.raises(ValueError, match="must be a number"):
        GradientClipping(np.True_)
