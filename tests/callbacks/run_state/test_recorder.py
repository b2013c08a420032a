"""When a checkpoint is due."""

from keras_recipes.callbacks.run_state.recorder import AUTO_MIN_SECONDS, Interval


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
