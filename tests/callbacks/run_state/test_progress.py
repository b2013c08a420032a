"""Where a training is, and when a checkpoint is due."""

from dataclasses import asdict

import pytest

from keras_recipes.callbacks.run_state.progress import AUTO_MIN_SECONDS, Interval, Position


class TestInterval:
    def test_epochs(self):
        interval = Interval("3 epochs")
        assert [interval.after_epoch(epoch) for epoch in range(6)] == [False, False, True] * 2
        assert not interval.after_steps(0, 10**6)

    def test_steps_that_come_in_groups(self):
        interval = Interval("10 steps")
        assert [interval.after_steps(n, n + 7) for n in range(0, 35, 7)] == [
            False,  # 7
            True,  # 14
            True,  # 21
            False,  # 28
            True,  # 35
        ]
        assert not interval.after_epoch(0)

    def test_time(self, monkeypatch):
        now = [100.0]
        monkeypatch.setattr("time.monotonic", lambda: now[0])
        for every, seconds in (("2 minutes", 120), (2, 120), ("30 seconds", 30), (0.5, 30)):
            interval = Interval(every)
            now[0] += seconds - 0.01
            assert not interval.after_epoch(0)
            now[0] += 0.02
            assert interval.after_epoch(0)
            assert interval.after_steps(0, 1)
            interval.saved(50.0)
            assert not interval.after_epoch(0)

    def test_auto_is_one_percent_of_the_time(self, monkeypatch):
        now = [0.0]
        monkeypatch.setattr("time.monotonic", lambda: now[0])
        interval, written = Interval(), 0
        for step in range(100_000):
            now[0] += 0.01
            if interval.after_steps(step, step + 1):
                now[0] += 0.05
                written += 0.05
                interval.saved(0.05)
        assert 0.008 < written / now[0] < 0.0101
        interval.saved(1e-9)
        assert interval.seconds == AUTO_MIN_SECONDS


class TestPosition:
    def test_a_last_execution_may_be_short(self):
        place = Position(steps_per_execution=4).at_epoch(2).at_step(4, 6).at_step(8, 6)
        assert (place.step, place.total) == (6, 6)
        assert str(place) == "after step 6 of epoch 3"
        assert str(place.after_epoch(2, False)) == "after epoch 3"
        assert Position(**asdict(place)) == place

    def test_an_execution_begins_only_where_one_did(self):
        place = Position(steps_per_execution=4).at_step(4, 10)
        for steps in (1, 2, 4):
            place.check(steps)
        with pytest.raises(ValueError, match="With `steps_per_execution=3` no execution begins"):
            place.check(3)
        Position(step=10, steps=10).check(3)
