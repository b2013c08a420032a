"""When a checkpoint is due, and its writing while training continues."""

import threading

import numpy as np
import pytest

from keras_recipes import disk
from keras_recipes.callbacks.run_state.checkpoint import read
from keras_recipes.callbacks.run_state.fit import Position
from keras_recipes.callbacks.run_state.recorder import AUTO_MIN_SECONDS, Interval, Recorder
from keras_recipes.callbacks.run_state.store import CheckpointStore
from keras_recipes.callbacks.run_state.training_state import Captured


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


class Slow:
    """Holds each writing of arrays until it may go on."""

    def __init__(self, monkeypatch):
        self.may = threading.Event()
        self.before = threading.Event()
        real = disk.write_new

        def write_new(path, save, *mode):
            if path.name == "arrays.npz":
                self.before.set()
                assert self.may.wait(60)
            return real(path, save, *mode)

        monkeypatch.setattr(disk, "write_new", write_new)


@pytest.fixture
def slow(monkeypatch):
    found = Slow(monkeypatch)
    yield found
    found.may.set()


class TestBackground:
    def recorder(self, folder, every):
        return Recorder(CheckpointStore(folder / "state"), Interval(every))

    def test_what_is_stored_is_what_was_when_it_was_captured(self, slow, tmp_path):
        recorder = self.recorder(tmp_path, "1 steps")
        array, model = np.arange(4.0), tmp_path / "best.keras"
        model.write_bytes(b"first")
        captured = Captured({"step": 1}, [array], [model])
        recorder.write(lambda: captured, Position(), background=True)
        # Training continues, in place, while nothing of it is on the disk yet.
        assert recorder.store.paths() == []
        array += 100
        model.write_bytes(b"other")
        slow.may.set()
        recorder.finish()
        (path,) = recorder.store.paths()
        found = read(path)
        np.testing.assert_array_equal(found.arrays[0], np.arange(4.0))
        assert found.files[0].path.read_bytes() == b"first"
        assert recorder.problems == []

    @pytest.mark.parametrize(("every", "count"), [("1 steps", 3), ("0.001 seconds", 1)])
    def test_one_that_is_due_while_another_is_written(self, slow, tmp_path, every, count):
        """By steps it waits for the other; by time it is left out."""
        recorder = self.recorder(tmp_path, every)
        threading.Timer(0.2, slow.may.set).start()
        for step in range(3):
            state = {"step": step}
            recorder.write(lambda s=state: Captured(s, []), Position(), background=True)
        recorder.finish()
        assert [read(p).state["step"] for p in recorder.store.paths()] == list(range(count))

    def test_one_in_the_foreground_follows_the_other(self, slow, tmp_path):
        recorder = self.recorder(tmp_path, "0.001 seconds")
        threading.Timer(0.2, slow.may.set).start()
        recorder.write(lambda: Captured({"step": 0}, []), Position(), background=True)
        recorder.write(lambda: Captured({"step": 1}, []), Position())
        assert [read(p).state["step"] for p in recorder.store.paths()] == [0, 1]

    def test_a_failure_is_logged_and_any_other_error_is_raised(self, tmp_path, monkeypatch):
        recorder = self.recorder(tmp_path, "1 steps")

        def refuse(*arguments, **named):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(recorder.store, "save", refuse)
        recorder.write(lambda: Captured({}, []), Position(), background=True)
        recorder.finish()
        assert "No space left on device" in recorder.problems[0]
        monkeypatch.setattr(recorder.store, "save", lambda *a, **k: 1 / 0)
        recorder.write(lambda: Captured({}, []), Position(), background=True)
        with pytest.raises(ZeroDivisionError):
            recorder.finish()
        recorder.finish()
