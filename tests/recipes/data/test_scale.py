"""Scaling: fitted on the training rows, the same in NumPy, in Keras, and after save and load."""

import numpy as np
import pytest

from keras_recipes.recipes.data import Splits, load_data
from keras_recipes.recipes.data.arrays import moments
from keras_recipes.recipes.data.scale import Scaling
from keras_recipes.recipes.errors import DataError

TABLE = np.array([[1, -5, 7], [3, 5, 7], [2, 0, 7], [2, 4, 7]], "float32")


def test_unit_by_hand():
    scaling = Scaling.fit("minmax", TABLE)
    assert scaling.apply(TABLE).tolist() == [
        [0, 0, 0],
        [1, 1, 0],
        [0.5, 0.5, 0],
        [0.5, np.float32(0.9), 0],
    ]


def test_standardize_by_hand():
    scaling = Scaling.fit("standardize", TABLE)
    assert scaling.offset.tolist() == [2, 1, 7]
    # Deviations: sqrt(2 / 4) and sqrt((36 + 16 + 1 + 9) / 4); a constant feature is not divided.
    np.testing.assert_allclose(scaling.divisor, [0.5**0.5, 15.5**0.5, 1], rtol=1e-12)


def test_pixels_share_one_range():
    images = np.zeros((4, 2, 2), "uint8")
    images[0, 0, 0], images[1, 1, 1] = 10, 210
    scaling = Scaling.fit("minmax", images, pixels=True)
    assert (scaling.offset.tolist(), scaling.divisor.tolist()) == (0, 210)
    scaling = Scaling.fit("standardize", images, pixels=True)
    assert scaling.offset == 220 / 16
    np.testing.assert_allclose(scaling.divisor, images.astype(float).std(), rtol=1e-12)


def test_no_scaling_changes_nothing():
    for scaling in (Scaling.none(), Scaling.fit("none", TABLE)):
        assert scaling.kind == "none"
        assert scaling.apply(TABLE).tolist() == TABLE.tolist()


def test_moments_keep_their_digits():
    # One pass of sums of squares, or sums in single precision, would be far off here.
    rng = np.random.default_rng(0)
    x = (1e6 + rng.normal(size=(50_000, 3))).astype("float32")
    mean, deviation = moments(x, pixels=False)
    np.testing.assert_allclose(mean, x.astype("float64").mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(deviation, x.astype("float64").std(axis=0), rtol=1e-9)
    constant = np.full((50_000, 1), 0.1, "float32")
    assert moments(constant, pixels=False)[1].tolist() == [0]


def test_a_range_too_large():
    with pytest.raises(DataError, match="too large to scale"):
        Scaling.fit("minmax", np.array([[0], [3e38]], "float32"))


@pytest.mark.parametrize("kind", ["minmax", "standardize"])
def test_nothing_leaks_from_the_test_rows(kind):
    """Other values in the rows that test and validate leave the scaling as it is."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(60, 3)), np.arange(60) % 2
    x[:, 2] = np.arange(60)
    splits = Splits(0.2, 0.2)

    def load():
        return load_data("arrays", {}, splits=splits, scale=kind, arrays=(x, y))

    first = load()
    held = [int(row[2]) for part in (first.test, first.validation) for row in part.x]
    x[held, :2] += 1000
    second = load()
    assert first.fingerprint != second.fingerprint
    np.testing.assert_array_equal(first.train.x, second.train.x)
    np.testing.assert_array_equal(first.scaling.offset, second.scaling.offset)
    np.testing.assert_array_equal(first.scaling.divisor, second.scaling.divisor)
    expected = first.train.x.min(axis=0) if kind == "minmax" else first.train.x.mean(axis=0)
    np.testing.assert_allclose(first.scaling.offset, expected, rtol=1e-5)


def test_to_json():
    assert Scaling.fit("minmax", TABLE).to_json() == {
        "kind": "minmax",
        "offset": [1, -5, 7],
        "divisor": [2, 10, 1],
    }
