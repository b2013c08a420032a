"""States of other callbacks: every name in the tables is one, and nothing else is touched."""

import inspect

import keras
import numpy as np
import pytest

import keras_recipes.callbacks as ours
from keras_recipes.callbacks.run_state import companions
from keras_recipes.callbacks.run_state.interval import LEAST, Interval
from keras_recipes.callbacks.run_state.packing import Arrays
from keras_recipes.callbacks.run_state.position import Position
from keras_recipes.callbacks.run_state.store import Checkpoint

MADE = {
    "ActivationMonitor": lambda: ours.ActivationMonitor(np.zeros((2, 2))),
    "ModelCheckpoint": lambda: keras.callbacks.ModelCheckpoint("a.keras", save_freq=5),
    "CSVLogger": lambda: keras.callbacks.CSVLogger("a.csv"),
    "LearningRateScheduler": lambda: keras.callbacks.LearningRateScheduler(lambda epoch: 0.1),
    "MetricsLog": lambda: ours.MetricsLog("a.jsonl"),
    "PeriodicCheckpoint": lambda: ours.PeriodicCheckpoint(epochs=1),
}


OURS = [
    name
    for name in ours.__all__
    if inspect.isclass(getattr(ours, name))
    and issubclass(getattr(ours, name), ours.StatefulCallback)
]


@pytest.mark.parametrize("name", OURS)
def test_every_name_of_a_state_is_an_attribute(name):
    callback = MADE[name]() if name in MADE else getattr(ours, name)()
    for attribute in (*callback.STATE, *callback.MID_EPOCH_STATE):
        assert hasattr(callback, attribute), attribute


@pytest.mark.parametrize("name", companions.KERAS)
def test_every_name_in_the_table_is_an_attribute(name):
    callback = getattr(keras.callbacks, name, None)
    if callback is None:
        from keras.src.callbacks import ProgbarLogger as callback
    callback = MADE[name]() if name in MADE else callback()
    if name in ("EarlyStopping", "ReduceLROnPlateau"):
        callback.set_model(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
        callback.model.compile("sgd", "mse")
        callback.on_train_begin()
    if name == "History":
        callback.on_train_begin()
    for attribute in companions.KERAS[name]:
        assert hasattr(callback, attribute), attribute


def test_min_delta_keeps_its_sign():
    """Keras turns it over in the constructor, so attributes must not be restored as a whole."""
    callback = keras.callbacks.EarlyStopping("loss", min_delta=0.1, mode="min")
    before = callback.min_delta
    arrays = Arrays()
    callback.on_train_begin()
    rows = companions.captured([callback], arrays)
    again = keras.callbacks.EarlyStopping("loss", min_delta=0.1, mode="min")
    again.on_train_begin()
    callback.best, callback.wait = 0.5, 3
    rows = companions.captured([callback], arrays)
    companions.go_on(companions.matched([again], rows), arrays)
    assert (again.best, again.wait, again.min_delta) == (0.5, 3, before)


def test_the_nth_of_a_class_gets_the_state_of_the_nth():
    first = [ours.EarlyStopping("loss", patience=1), ours.EarlyStopping("val_loss", patience=1)]
    first[0].stopped_epoch, first[1].stopped_epoch = 3, 4
    arrays = Arrays()
    rows = companions.captured(first, arrays)
    second = [ours.EarlyStopping("loss"), ours.ProgressBar(), ours.EarlyStopping("val_loss")]
    pairs = companions.matched(second, rows)
    companions.begin(pairs, Checkpoint(None, arrays, {}))
    assert [second[0].stopped_epoch, second[2].stopped_epoch] == [3, 4]
    assert companions.lost(second[:1], rows) == ["EarlyStopping"]


def test_files_of_lines_are_cut_to_what_they_were(tmp_path):
    path = tmp_path / "metrics.jsonl"
    log = ours.MetricsLog(str(path))
    path.write_text("one\n")
    rows = companions.captured([log], Arrays())
    path.write_text("one\ntwo\nhal")
    companions.begin([(log, rows[0])], Checkpoint(None, [], {}))
    assert path.read_text() == "one\n"


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
        assert interval.seconds == LEAST


class TestPosition:
    def test_a_last_execution_may_be_short(self):
        place = Position(steps_per_execution=4).at_epoch(2).at_step(4, 6).at_step(8, 6)
        assert (place.step, place.total) == (6, 6)
        assert str(place) == "after step 6 of epoch 3"
        assert str(place.after_epoch(2, False)) == "after epoch 3"
        assert Position(**place.to_json()) == place

    def test_an_execution_begins_only_where_one_did(self):
        place = Position(steps_per_execution=4).at_step(4, 10)
        for steps in (1, 2, 4):
            place.check(steps)
        with pytest.raises(ValueError, match="With `steps_per_execution=3` no execution begins"):
            place.check(3)
        Position(step=10, steps=10).check(3)
