"""Who holds a trial, and until when."""

import pytest

from keras_recipes.recipes.sweep.run.leases import Leases


def test_a_lease_ends_after_silence_and_not_before(clock):
    leases = Leases(30.0, clock=clock)
    leases.give("1", "a")
    clock.now = 30.0
    assert leases.expired() == []
    clock.now = 30.1
    assert leases.expired() == ["1"]


def test_a_sign_of_life_counts_from_then(clock):
    leases = Leases(30.0, clock=clock)
    leases.give("1", "a")
    leases.give("2", "b")
    clock.now = 20.0
    leases.renew("1")
    clock.now = 40.0
    assert leases.expired() == ["2"]
    assert leases.holder("1") == "a"
    assert leases.of("a") == ["1"]


def test_deaths_count_only_while_the_trial_gets_no_further(clock):
    leases = Leases(clock=clock)
    assert [leases.died("1", epochs) for epochs in (0, 0, 2, 2, 2)] == [1, 2, 1, 2, 3]


@pytest.mark.parametrize("seconds", [0, -1, True, "30", float("nan")])
def test_a_lease_has_a_length(seconds):
    with pytest.raises(ValueError, match="Argument `seconds` must be > 0"):
        Leases(seconds)
