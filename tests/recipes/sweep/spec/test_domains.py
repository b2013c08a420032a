"""Domains: every kind is measured from 0 to 1, and what is measured comes back."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_recipes.recipes.sweep.spec.choices import Choice, Fixed
from keras_recipes.recipes.sweep.spec.ranges import Int, LogUniform, Uniform

KINDS = [
    Uniform(-2.0, 3.0),
    Uniform(0.0, 1.0, 0.1),
    LogUniform(1e-6, 1e-2),
    Int(-3, 11),
    Int(2, 20, 4),
    Int(1, 1000, log=True),
    Int(8, 64, 8, log=True),
    Choice(("a", {"b": {"c": 1}}, 3, True)),
    Fixed([1, 2]),
]


@pytest.mark.parametrize("domain", KINDS, ids=repr)
@given(u=st.floats(0, 1))
def test_what_a_share_gives_measures_as_that_share(domain, u):
    value = domain.from_unit(u)
    low, high = domain.interval(value)
    # Six digits of a number are kept.
    assert low - 1e-5 <= u <= high + 1e-5


@pytest.mark.parametrize("domain", KINDS, ids=repr)
def test_a_value_comes_back_from_its_own_measure(domain):
    for index in range(50):
        value = domain.from_unit(index / 49)
        assert domain.from_unit(domain.to_unit(value)) == value


@pytest.mark.parametrize("domain", KINDS, ids=repr)
def test_the_ends_are_reached_and_never_left(domain):
    corners = domain.corners()
    assert domain.from_unit(0.0) == corners[0]
    assert domain.from_unit(1.0) == corners[-1]


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        (Uniform(0.0, 1.0, 0.1), 11),
        (Uniform(0.0, 0.3, 0.1), 4),  # 0.3 // 0.1 is 2.0
        (Uniform(0.0, 1.0, 0.3), 4),
        (Int(3, 3 + 7 * 2, 2), 8),
        (Int(3, 4), 2),
        (Choice(("a", "b")), 2),
        (Fixed(None), 1),
        (Uniform(0.0, 1.0), None),
        (LogUniform(1.0, 2.0), None),
    ],
    ids=repr,
)
def test_counts(domain, expected):
    assert domain.count == expected


@pytest.mark.parametrize("domain", [kind for kind in KINDS if kind.count], ids=repr)
def test_counted_values_are_counted_in_order(domain):
    values = [domain.value_at(index) for index in range(domain.count)]
    if not isinstance(domain, Fixed):
        assert [domain.position(value) for value in values] == list(range(len(values)))
    parts = [domain.interval(value) for value in values]
    assert parts[0][0] == pytest.approx(0, abs=1e-12)
    assert parts[-1][1] == pytest.approx(1)
    for (_, end), (start, _) in itertools.pairwise(parts):
        assert end == pytest.approx(start)


def test_shares_by_hand():
    assert Uniform(-2.0, 3.0).from_unit(0.2) == -1.0
    assert LogUniform(1e-6, 1e-2).from_unit(0.25) == 1e-5
    assert [Int(1, 3).from_unit(u) for u in (0.0, 0.34, 0.66, 0.67, 1.0)] == [1, 2, 2, 3, 3]
    # By orders of magnitude, 1 to 9 are as likely as 10 to 99.
    assert Int(1, 99, log=True).from_unit(0.49) == 9
    assert Int(1, 99, log=True).from_unit(0.51) == 10


def test_draws_of_a_log_range_of_whole_numbers_favour_the_small_ones():
    domain = Int(1, 99, log=True)
    draws = [domain.from_unit((index + 0.5) / 1000) for index in range(1000)]
    assert sum(value < 10 for value in draws) == 500
    assert set(draws[:150]) == {1}  # log 2 / log 100 of them


def test_six_digits_are_kept_and_the_range_is_not_left():
    domain = Uniform(0.12345612, 0.2)
    assert domain.from_unit(0.0) == 0.12345612  # and not 0.123456, which is less
    assert domain.from_unit(0.5) == 0.161728


def test_points_of_a_grid():
    assert LogUniform(1e-4, 1.0).points(5) == [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
    assert Uniform(0.0, 1.0).points(3) == [0.0, 0.5, 1.0]
    assert Uniform(0.0, 0.3, 0.1).points(2) == [0.0, 0.1, 0.2, 0.3]
    assert Int(1, 3).points(5) == [1, 2, 3]
    assert Int(16, 256, log=True).points(5) == [16, 32, 64, 128, 256]
    assert Int(0, 100, 25).points(2) == [0, 25, 50, 75, 100]
    assert Choice((1, "x")).points(2) == [1, "x"]
    assert Fixed(7).points(4) == [7]


def test_middle():
    assert Uniform(1.0, 3.0).middle == 2.0
    assert LogUniform(1e-4, 1.0).middle == 1e-2
    assert Choice(("first", "second")).middle == "first"
    assert math.isclose(Int(1, 100, log=True).middle, 10)


@pytest.mark.parametrize("domain", KINDS, ids=repr)
def test_a_domain_contains_what_it_gives_and_nothing_else(domain):
    assert all(domain.from_unit(index / 20) in domain for index in range(21))
    assert "nonsense" not in domain
    assert False not in domain
    assert 10**400 not in domain
    assert math.nan not in domain


def test_a_range_contains_its_steps_alone():
    assert [value for value in range(12) if value in Int(2, 9, 3)] == [2, 5, 8]
    assert 0.3 in Uniform(0.0, 0.35, 0.1)
    assert 0.35 not in Uniform(0.0, 0.35, 0.1)
    assert 0.35 in Uniform(0.0, 0.35)
