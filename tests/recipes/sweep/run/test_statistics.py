"""Intervals and tests against scipy's, and by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from keras_recipes.recipes.sweep.run import statistics


@given(st.floats(1e-6, 1 - 1e-6), st.floats(0.1, 200.0), st.floats(0.1, 200.0))
def test_incomplete_beta_is_scipys(x, a, b):
    assert statistics.incomplete_beta(x, a, b) == pytest.approx(special.betainc(a, b, x), abs=1e-10)


@pytest.mark.parametrize("freedom", [1, 2, 4, 9, 30.5, 500])
@pytest.mark.parametrize("share", [0.9, 0.975, 0.995])
def test_quantiles_are_scipys(share, freedom):
    found = statistics.t_quantile(share, freedom)
    assert found == pytest.approx(stats.t.ppf(share, freedom), rel=1e-9)


def test_the_interval_of_three_values_by_hand():
    # s = 1, t(0.975, 2) = 4.3027: 2 +- 4.3027 / sqrt(3)
    found = statistics.summary([1.0, 2.0, 3.0])
    assert (found.count, found.mean, found.deviation) == (3, 2.0, 1.0)
    assert found.high == pytest.approx(2 + 4.302652729749 / math.sqrt(3))
    assert found.low == pytest.approx(2 - 4.302652729749 / math.sqrt(3))


def test_one_value_has_no_interval():
    assert statistics.summary([1.5]) == statistics.Summary(1, 1.5)


ONE, OTHER = [0.31, 0.29, 0.33, 0.30], [0.35, 0.31, 0.38, 0.36]


def test_paired_is_scipys():
    found = statistics.paired(ONE, OTHER)
    assert found.probability == pytest.approx(stats.ttest_rel(ONE, OTHER).pvalue)
    assert found.difference == pytest.approx(sum(ONE) / 4 - sum(OTHER) / 4)


def test_welch_is_scipys():
    found = statistics.welch(ONE, OTHER[:3])
    expected = stats.ttest_ind(ONE, OTHER[:3], equal_var=False).pvalue
    assert found.probability == pytest.approx(expected)


def test_single_trainings_tell_nothing_of_noise():
    assert statistics.paired([1.0], [2.0]).probability is None
    assert statistics.welch([1.0], [2.0, 3.0]).probability is None


def test_equal_values_are_no_lead():
    assert statistics.paired([1.0, 1.0], [1.0, 1.0]).probability == 1.0
    assert statistics.paired([1.0, 1.0], [2.0, 2.0]).probability == 0.0
    assert statistics.welch([1.0, 1.0], [1.0, 1.0]).probability == 1.0
