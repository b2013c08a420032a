"""Intervals and tests by hand, and against formulas of their own."""

import math
import statistics as plain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from keras_recipes.recipes.sweep.run import winner


def two_sided(t, freedom):
    """Probability of a Student's t at least as far from 0, by the incomplete beta function."""
    return special.betainc(freedom / 2, 0.5, freedom / (freedom + t * t))


def test_the_interval_of_three_values_by_hand():
    # s = 1, t(0.975, 2) = 4.3027: 2 +- 4.3027 / sqrt(3)
    low, high = winner.interval([1.0, 2.0, 3.0])
    assert high == pytest.approx(2 + 4.302652729749 / math.sqrt(3))
    assert low == pytest.approx(2 - 4.302652729749 / math.sqrt(3))


@given(
    st.lists(st.floats(-100, 100), min_size=2, max_size=9).filter(lambda v: plain.stdev(v) > 0.01)
)
def test_the_interval_leaves_out_one_in_twenty(values):
    low, high = winner.interval(values)
    mean, error = plain.fmean(values), plain.stdev(values) / math.sqrt(len(values))
    assert (low + high) / 2 == pytest.approx(mean, abs=1e-9)
    assert two_sided((high - mean) / error, len(values) - 1) == pytest.approx(0.05)


def test_one_value_has_no_interval():
    assert winner.interval([1.5]) is None


ONE, OTHER = [0.31, 0.29, 0.33, 0.30], [0.35, 0.31, 0.38, 0.36]


def test_equal_numbers_of_trainings_are_compared_by_seed():
    differences = [one - other for one, other in zip(ONE, OTHER, strict=True)]
    t = plain.fmean(differences) / (plain.stdev(differences) / 2)
    found = winner.compare(ONE, OTHER)
    assert found.test == "paired t test"
    assert found.probability == pytest.approx(two_sided(t, 3))
    assert found.difference == pytest.approx(sum(ONE) / 4 - sum(OTHER) / 4)


def test_other_numbers_of_trainings_are_compared_by_welch():
    # Degrees of freedom (a + b)^2 / (a^2 / (n - 1) + b^2 / (m - 1)) (Welch 1947).
    a, b = plain.variance(ONE) / 4, plain.variance(OTHER[:3]) / 3
    t = (plain.fmean(ONE) - plain.fmean(OTHER[:3])) / math.sqrt(a + b)
    found = winner.compare(ONE, OTHER[:3])
    assert found.test == "Welch's t test"
    assert found.probability == pytest.approx(two_sided(t, (a + b) ** 2 / (a**2 / 3 + b**2 / 2)))


def test_single_trainings_tell_nothing_of_noise():
    assert winner.compare([1.0], [2.0]).probability is None
    assert winner.compare([1.0], [2.0, 3.0]).probability is None


def test_equal_values_are_no_lead():
    assert winner.compare([1.0, 1.0], [1.0, 1.0]).probability == 1.0
    assert winner.compare([1.0, 1.0], [2.0, 2.0]).probability == 0.0
    assert winner.compare([1.0, 1.0], [1.0, 1.0, 1.0]).probability == 1.0
