"""States of other callbacks: every name in the tables is one, and nothing else is touched."""

import inspect

import keras
import numpy as np
import pytest

import keras_recipes.callbacks as ours
from keras_recipes.callbacks.codec import ArrayList
from keras_recipes.callbacks.run_state import callback_attributes, callback_states
from keras_recipes.callbacks.run_state.checkpoint import Checkpoint

MADE = {
    "ActivationMonitor": lambda: ours.ActivationMonitor(np.zeros((2, 2))),
    "ModelCheckpoint": lambda: keras.callbacks.ModelCheckpoint("a.keras", save_freq=5),
    "CSVLogger": lambda: keras.callbacks.CSVLogger("a.csv"),
    "LearningRateScheduler": lambda: keras.callbacks.LearningRateScheduler(lambda epoch: 0.1),
    "MetricsLog": lambda: ours.MetricsLog("a.jsonl"),
    "PeriodicCheckpoint": lambda: ours.PeriodicCheckpoint(epochs=1),
    "Phases": lambda: ours.Phases([ours.Phase(1)]),
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


@pytest.mark.parametrize("name", callback_attributes.KERAS)
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
    for attribute in callback_attributes.KERAS[name]:
        assert hasattr(callback, attribute), attribute


def test_min_delta_keeps_its_sign():
    """Keras turns it over in the constructor, so attributes must not be restored as a whole."""
    callback = keras.callbacks.EarlyStopping("loss", min_delta=0.1, mode="min")
    before = callback.min_delta
    arrays = ArrayList()
    callback.on_train_begin()
    rows = callback_states.capture([callback], arrays)
    again = keras.callbacks.EarlyStopping("loss", min_delta=0.1, mode="min")
    again.on_train_begin()
    callback.best, callback.wait = 0.5, 3
    rows = callback_states.capture([callback], arrays)
    pairs = callback_states.match([again], rows)
    callback_states.restore_attributes(pairs, Checkpoint(None, arrays, {}))
    assert (again.best, again.wait, again.min_delta) == (0.5, 3, before)


def test_the_nth_of_a_class_gets_the_state_of_the_nth():
    first = [ours.EarlyStopping("loss", patience=1), ours.EarlyStopping("val_loss", patience=1)]
    first[0].stopped_epoch, first[1].stopped_epoch = 3, 4
    arrays = ArrayList()
    rows = callback_states.capture(first, arrays)
    second = [ours.EarlyStopping("loss"), ours.ProgressBar(), ours.EarlyStopping("val_loss")]
    pairs = callback_states.match(second, rows)
    callback_states.restore(pairs, Checkpoint(None, arrays, {}))
    assert [second[0].stopped_epoch, second[2].stopped_epoch] == [3, 4]
    pairs = callback_states.match(second[:1], rows)
    assert callback_states.unmatched(pairs, rows) == ["EarlyStopping"]


def test_files_of_lines_are_cut_to_what_they_were(tmp_path):
    path = tmp_path / "metrics.jsonl"
    log = ours.MetricsLog(str(path))
    path.write_text("one\n")
    rows = callback_states.capture([log], ArrayList())
    path.write_text("one\ntwo\nhal")
    callback_states.restore([(log, rows[0])], Checkpoint(None, [], {}))
    assert path.read_text() == "one\n"
