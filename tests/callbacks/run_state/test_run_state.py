"""A training that is interrupted anywhere ends as one that never was, bit for bit."""

import copy
import errno
import json
import os
import time
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes import disk
from keras_recipes.callbacks.run_state import DamagedCheckpoint, RunState
from keras_recipes.callbacks.run_state.training_state import restore
from keras_recipes.disk import waiting


def every(count):
    """A `stop` that is true at one of a number of calls."""
    asks = [0]

    def stop():
        asks[0] += 1
        return asks[0] == count

    return stop


def lines(path):
    """A file of JSON lines without times."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in found]


def files(folder):
    """The files of callbacks: lines without times, tables, and names of models."""
    found = {path.name: lines(path) for path in folder.glob("*.jsonl")}
    found.update({path.name: path.read_text() for path in folder.glob("*.csv")})
    found["models"] = sorted(str(p.relative_to(folder)) for p in folder.rglob("*.keras"))
    return found


@pytest.fixture
def within(tmp_path, monkeypatch):
    """Run in a folder of its own."""

    def run(name, training, **options):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        return training.run(folder / "state", **options)

    return run


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("averaged", 2),
        ("phased", 2),
        pytest.param("plain", 1, marks=pytest.mark.slow),
        pytest.param("averaged", 1, marks=pytest.mark.slow),
        pytest.param("accumulated", 1, marks=pytest.mark.slow),
    ],
)
def test_interrupted_at_every_second_place(training, within, tmp_path, kind, steps):
    """Each process makes a step or two, and there are places in steps, validation and between."""
    made = training(kind, steps_per_execution=steps)
    whole = within("whole", made)
    places = []
    for _ in range(60):
        left = within("killed", made, stop=every(2))
        if not isinstance(left, str):
            break
        places.append(left)
    assert len(places) >= 6
    assert any("step" in place for place in places)
    assert left == whole
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("eager", [True, False])
@pytest.mark.parametrize("kind", ["plain", "averaged", "accumulated", "phased"])
def test_interrupted_once_at_each_place(training, within, tmp_path, kind, eager):
    made = training(kind, steps_per_execution=1 if eager else 2, eager=eager)
    whole = within("whole", made)
    # A phase is compiled anew each time.
    for place in range(1, 100, 1 if eager or kind != "phased" else 4):
        name = f"killed-{place}"
        if not isinstance(within(name, made, stop=every(place)), str):
            break
        assert within(name, made) == whole
        assert files(tmp_path / name) == files(tmp_path / "whole")
    assert place > 10


def pipeline(x, y):
    return tf.data.Dataset.from_tensor_slices((x, y)).shuffle(22, seed=3).batch(8)


DATA = {
    "shuffled": lambda x, y: ((pipeline(x, y),), {}),
    "length_not_known": lambda x, y: ((pipeline(x, y).filter(lambda *_: True),), {}),
    "without_end": lambda x, y: ((pipeline(x, y).repeat(),), {"steps_per_epoch": 3}),
    "in_order": lambda x, y: ((x, y), {"batch_size": 8, "shuffle": False}),
}


@pytest.mark.parametrize(
    "name",
    [
        "shuffled",
        *(pytest.param(name, marks=pytest.mark.slow) for name in DATA if name != "shuffled"),
    ],
)
@pytest.mark.filterwarnings("ignore:Your input ran out of data", "ignore:`shuffle=True` was passed")
def test_the_data_continues_where_it_was(training, within, name):
    made = training(data=DATA[name], epochs=3)
    whole = within("whole", made)
    for place in (1, 6, 7):
        assert isinstance(within(f"killed-{place}", made, stop=every(place)), str)
        assert within(f"killed-{place}", made) == whole


def test_data_that_can_begin_anywhere_begins_at_its_step(training, within, rows):
    started = []

    def data(x, y):
        return (tf.data.Dataset.from_tensor_slices((x, y)).batch(8),), {}

    def rest(step):
        started.append(step)
        return data(x, y)[0][0].skip(step)

    x, y = rows
    made = training(data=data, epochs=3)
    whole = within("whole", made, ordered=False)
    for place, step in ((1, 1), (7, 2), (9, 3)):
        options = {"ordered": False, "from_step": rest}
        within(f"killed-{place}", made, stop=every(place), **options)
        started.clear()
        assert within(f"killed-{place}", made, **options) == whole
        assert started == [step]


def test_the_compiled_step_too(training, within):
    made = training("averaged", steps_per_execution=2, eager=False, epochs=3)
    whole = within("whole", made)
    assert within("killed", made, stop=every(5)) == "after step 2 of epoch 2"
    assert within("killed", made) == whole


def test_a_finished_training_is_not_trained_on(training, within, tmp_path):
    made = training()
    whole = within("whole", made)
    state = within("whole", made)
    assert state == whole
    longer = training(epochs=6)
    assert len(within("whole", longer)["epochs"]) >= len(whole["epochs"])


def test_more_epochs_are_as_if_asked_for_in_the_beginning(training, within):
    data = DATA["in_order"]
    whole = within("whole", training("accumulated", epochs=4, data=data))
    within("longer", training("accumulated", epochs=2, data=data))
    assert within("longer", training("accumulated", epochs=4, data=data)) == whole


@pytest.mark.parametrize("every", ["1 epochs", "2 steps", "0.001 seconds"])
def test_checkpoints_are_written_when_they_are_due(training, within, tmp_path, every, monkeypatch):
    # One that is due by time while another is written is left out; here each is written at once.
    write = RunState._write

    def at_once(state, **options):
        write(state, **options)
        state.finish_writing()
        time.sleep(0.002)

    monkeypatch.setattr(RunState, "_write", at_once)
    made = training(epochs=2)
    whole = within("whole", made)
    assert within("other", made, every=every) == whole
    names = [path.name for path in (tmp_path / "other" / "state").iterdir()]
    # 3 steps an epoch: one after each epoch; or after steps 2, 4, 6 and the last epoch; or always.
    count = {"1 epochs": 2, "2 steps": 4, "0.001 seconds": 8}[every]
    assert max(int(name.rpartition("-")[2]) for name in names) == count


def test_a_full_disk_does_not_stop_training(training, within, tmp_path, monkeypatch, capsys):
    """It is logged once, and the last good checkpoint stays."""
    # The last checkpoint waits for space; tests/recipes/run/test_full_disk.py shows that.
    monkeypatch.setattr(waiting, "PATIENCE", 0.1)
    made = training(epochs=3)
    whole = within("whole", made)
    real, writes = disk.write_new, []

    def full(path, save):
        writes.append(path)
        if len(writes) > 3:
            raise OSError(28, "No space left on device")
        return real(path, save)

    monkeypatch.setattr(disk, "write_new", full)
    assert within("other", made, every="1 steps") == whole
    reported = capsys.readouterr().err
    assert reported.count("No space left on device") == 1
    assert "Training continues" in reported
    assert "state-00000001" in reported
    state = tmp_path / "other" / "state"
    assert [path.name for path in state.iterdir()] == ["state-00000001"]
    monkeypatch.undo()
    assert within("other", made) == whole


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_taken(
    training, within, tmp_path, capsys
):
    made = training(epochs=3)
    whole = within("whole", made)
    within("other", made, every="1 steps", stop=every(5))
    state = tmp_path / "other" / "state"
    newest = sorted(state.iterdir())[-1]
    (newest / "arrays.npz").write_bytes(b"")
    assert within("other", made) == whole
    assert f"{newest.name}: arrays.npz has 0 bytes" in capsys.readouterr().err


def test_checkpoints_of_which_none_is_sound_are_an_error(training, within, tmp_path):
    made = training(epochs=2)
    within("other", made, every="1 steps", stop=every(3))
    for path in (tmp_path / "other" / "state").iterdir():
        (path / "state.json").unlink()
    with pytest.raises(DamagedCheckpoint, match=r"All checkpoints are damaged: .*0003.*0001"):
        within("other", made)


class Dense(keras.callbacks.Callback):
    """A callback of one's own without a word about its state."""

    def __init__(self):
        super().__init__()
        self.seen = []


class Recorded(Dense):
    """One that gives its state."""

    def get_state(self):
        return {"seen": self.seen}

    def set_state(self, state):
        self.seen = list(state["seen"])

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append((epoch, float(logs["loss"])))


def fitted(folder, *watchers, shape=4, epochs=2, **options):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((shape,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    state = RunState(folder, **options)
    x = np.ones((8, shape), "float32")
    model.fit(x, x[:, :1], epochs=epochs, verbose=0, callbacks=[*watchers, state])
    return state


def test_what_cannot_be_restored_is_said(tmp_path, capsys):
    fitted(tmp_path, Dense(), Recorded())
    reported = capsys.readouterr().err
    assert "start afresh when this training is resumed" in reported
    assert "Dense" in reported
    assert "Recorded" not in reported


def test_callbacks_of_ones_own_keep_their_state(tmp_path):
    first, second = Recorded(), Recorded()
    fitted(tmp_path, first)
    fitted(tmp_path, second, epochs=4)
    assert [epoch for epoch, _ in second.seen] == [0, 1, 2, 3]
    assert second.seen[:2] == first.seen


def test_a_state_that_cannot_be_stored_is_reported_at_once(tmp_path):
    class Odd(Recorded):
        def get_state(self):
            return {"seen": object()}

    with pytest.raises(
        ValueError, match="state of `Odd` cannot be stored: a value of type `object`"
    ):
        fitted(tmp_path, Odd())


def test_another_model_is_refused(tmp_path):
    fitted(tmp_path)
    with pytest.raises(ValueError, match="it is of another model or optimizer"):
        fitted(tmp_path, shape=5)


class Halved(keras.callbacks.Callback):
    """Halves the learning rate after each epoch, as a plateau would."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate = self.model.optimizer.learning_rate / 2


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0.5, 0.5, 0.5 / 16),
        (0.5, 0.4, 0.4 / 4),
        (keras.optimizers.schedules.ExponentialDecay(0.5, 1, 1.0), 0.4, 0.4 / 4),
    ],
    ids=["the same number", "another number", "a number for a schedule"],
)
def test_a_changed_rate_counts_and_a_reduced_one_is_restored(tmp_path, before, after, expected):
    for rate, epochs in ((before, 2), (after, 4)):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(rate), "mse", run_eagerly=True)
        x = np.ones((8, 4), "float32")
        # A schedule cannot be halved.
        halved = [Halved()] if isinstance(rate, float) else []
        callbacks = [*halved, RunState(tmp_path)]
        model.fit(x, x[:, :1], epochs=epochs, verbose=0, callbacks=callbacks)
    assert float(np.asarray(model.optimizer.learning_rate)) == pytest.approx(expected, rel=1e-6)
    assert int(model.optimizer.iterations) == 4


def test_a_state_without_a_rate_is_restored_whole(tmp_path):
    """States of earlier versions do not say which rate training began with."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.5), "mse", run_eagerly=True)
    x = np.ones((8, 4), "float32")
    state = RunState(tmp_path)
    model.fit(x, x[:, :1], verbose=0, callbacks=[state])
    checkpoint = state.store.search().newest
    earlier = {k: v for k, v in checkpoint.state.items() if k != "learning_rate"}
    model.optimizer.learning_rate = 0.1
    restore(model, (), replace(checkpoint, state=earlier), 0.1)
    assert float(np.asarray(model.optimizer.learning_rate)) == 0.5


def test_a_model_without_weights_is_refused(tmp_path):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"finds no weights .* call it on a batch first"):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0, callbacks=[RunState(tmp_path)])


def test_generators_outside_of_the_model_can_be_stored(tmp_path):
    drawn = keras.random.SeedGenerator(5)
    fitted(tmp_path, tracked=[drawn])
    for _ in range(3):
        drawn.next()
    fitted(tmp_path, tracked=[drawn])
    np.testing.assert_array_equal(np.asarray(drawn.state), [5, 0])
    with pytest.raises(ValueError, match="Argument `tracked` must be variables"):
        fitted(tmp_path / "other", tracked=["x"])


def test_random_generators_of_the_process_go_on(tmp_path):
    import random

    fitted(tmp_path, epochs=2)
    expected = random.random(), np.random.random(), float(keras.random.uniform(()))
    random.seed(3)
    np.random.seed(3)
    fitted(tmp_path, epochs=2)
    assert (random.random(), np.random.random(), float(keras.random.uniform(()))) == expected


def test_time_is_counted_over_all_processes(tmp_path):
    first = fitted(tmp_path, epochs=1)
    second = fitted(tmp_path, epochs=2)
    assert second.spent() >= first.seconds
    assert second.seconds > 0
    assert str(second.resumed) == "after epoch 1"


def test_it_can_be_copied_after_training(tmp_path):
    state = fitted(tmp_path, every="3 epochs", keep=2)
    again = copy.deepcopy(state)
    assert (again.interval.every, again.store.keep) == ("3 epochs", 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every": "often"}, "Argument `every` must be `auto`"),
        ({"every": "0 epochs"}, "Argument `every` must be `auto`"),
        ({"every": "1.5 steps"}, "whole number of steps"),
        ({"every": -1}, "Argument `every` must be"),
        ({"every": float("nan")}, "Argument `every` must be"),
        ({"every": True}, "Argument `every` must be"),
        ({"every": None}, "Argument `every` must be"),
        ({"keep": 0}, "Argument `keep` must be >= 1"),
        ({"ordered": 1}, "Argument `ordered` must be True or False"),
        ({"verbose": "no"}, "Argument `verbose` must be True or False"),
    ],
)
def test_a_bad_argument_is_reported(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        RunState(tmp_path, **arguments)


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
DENIED = OSError(errno.EACCES, os.strerror(errno.EACCES))


@pytest.fixture
def saves(tmp_path, monkeypatch):
    """Train an epoch for each of some results of a write: an error, or None for success."""

    def run(state, *results):
        remaining = iter(results)

        def save(*arguments, copied):
            error = next(remaining)
            if error is not None:
                raise error

        monkeypatch.setattr(state.store, "save", save)
        monkeypatch.setattr(waiting, "PATIENCE", 0.0)
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=True)
        x = np.ones((2, 1), "float32")
        model.fit(x, x, epochs=len(results), verbose=0, callbacks=[state])

    return run


def test_each_cause_of_a_failed_write_is_logged_once_a_training(tmp_path, saves, capsys):
    state = RunState(tmp_path / "state", every="1 epochs")
    saves(state, FULL, FULL, DENIED)
    saves(state, DENIED)
    logged = capsys.readouterr().err.splitlines()
    assert ["No space left" in line for line in logged] == [True, False, False]
    assert ["Permission denied" in line for line in logged] == [False, True, True]
    assert logged == state.problems


def test_the_first_write_after_a_failed_one_is_logged(tmp_path, saves, capsys):
    saves(RunState(tmp_path / "state", every="1 epochs"), None, FULL, None, None)
    lines = capsys.readouterr().err.splitlines()
    assert [line.count("written again") for line in lines] == [0, 1]
