"""A state that anybody may have written: nothing in it is used that no training stores."""

import copy

import keras
import numpy as np
import pytest

import keras_recipes.callbacks as ours
from keras_recipes import disk
from keras_recipes.callbacks.codec import ArrayList, encode
from keras_recipes.callbacks.run_state import (
    Checkpoint,
    DamagedCheckpoint,
    callback_states,
    check_state,
)
from keras_recipes.callbacks.run_state.checkpoint import KeptFile
from keras_recipes.callbacks.run_state.fit import Position
from keras_recipes.callbacks.run_state.rng_state import capture_python
from keras_recipes.callbacks.run_state.training_state import Progress, capture


@pytest.fixture(scope="module")
def sound():
    """A state as a training stores it, of a model that has been fitted."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"], run_eagerly=True)
    history = model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    metrics = [("a", np.zeros(2))]
    progress = Progress(Position(1, 2, 3, 4), 1.5, capture_python(), metrics, {"loss": 0.5})
    callbacks = [history, ours.TopCheckpoints(), ours.EarlyStopping()]
    captured = capture(model, callbacks, (), progress)
    return captured.state, captured.arrays


def test_a_sound_state_passes(sound, tmp_path):
    state, arrays = sound
    check_state(Checkpoint(tmp_path, list(arrays), state))


STATES = {
    "no mapping": lambda state: [],
    "no position": lambda state: {**state, "position": None},
    "tracing of text": lambda state: {**state, "tracing": "a"},
    "tracing of another kind": lambda state: {**state, "tracing": {"python": 1, "numpy": 2}},
    "more in a position": lambda state: {**state, "position": {**state["position"], "more": 1}},
    "an epoch of text": lambda state: at(state, "position", "epoch", "1"),
    "an epoch of NaN": lambda state: at(state, "position", "epoch", float("nan")),
    "a truth value": lambda state: at(state, "position", "step", True),
    "an endless step": lambda state: at(state, "position", "step", 10**12),
    "no execution": lambda state: at(state, "position", "steps_per_execution", 0),
    "no end": lambda state: at(state, "position", "stopped", 1),
    "time that is none": lambda state: {**state, "seconds": float("nan")},
    "a rate of text": lambda state: {**state, "learning_rate": "0.1"},
    "a rate without a path": lambda state: {**state, "learning_rate": {"initial": 0.1}},
    "a path of a rate that is a number": lambda state: at(state, "learning_rate", "path", 1),
    "an initial rate of text": lambda state: at(state, "learning_rate", "initial", "0.1"),
    "no last rate": lambda state: at(state, "learning_rate", "last", None),
    "no variables": lambda state: {**state, "variables": []},
    "another group": lambda state: at(state, "variables", "more", []),
    "no group": lambda state: {**state, "variables": {"model": []}},
    "a row of text": lambda state: at(state, "variables", "model", ["a"]),
    "a value that is no array": lambda state: at(
        state, "variables", "model", [{"path": "a", "value": 1.0}]
    ),
    "a path that is no text": lambda state: at(
        state, "variables", "model", [{"path": 1, "value": {"__array__": 0}}]
    ),
    "metrics of text": lambda state: {**state, "metrics": "a"},
    "logs that are none": lambda state: {**state, "logs": {"__array__": 10**6}},
    "no generators": lambda state: {**state, "generators": {}},
    "python's of text": lambda state: at(state, "generators", "python", "a"),
    "numpy's beyond its end": lambda state: at(
        state,
        "generators",
        "numpy",
        {"__tuple__": [*state["generators"]["numpy"]["__tuple__"][:2], 10**9, 0, 0.0]},
    ),
    "tensorflow's of another shape": lambda state: at(
        state, "generators", "tensorflow", {"__array__": 0}
    ),
    "callbacks of text": lambda state: {**state, "callbacks": ["a"]},
    "a callback without a class": lambda state: {**state, "callbacks": [{"state": None}]},
    "a class that is no text": lambda state: callback(state, **{"class": 3}),
    "attributes in a list": lambda state: callback(state, named=[]),
    "files in a list": lambda state: callback(state, files=["a"]),
    "a file by text": lambda state: callback(state, files={"a": "0"}),
    "a negative file": lambda state: callback(state, files={"a": -1}),
    "a size by text": lambda state: callback(state, size="0"),
    "arrays again and again": lambda state: {**state, "logs": [{"__array__": 0}] * 10**6},
}


def at(state, section, key, value):
    state[section][key] = value
    return state


def callback(state, **values):
    state["callbacks"][0].update(values)
    return state


@pytest.mark.parametrize("name", STATES)
def test_what_no_training_stores_is_refused(sound, tmp_path, name):
    state, arrays = sound
    changed = STATES[name](copy.deepcopy(state))
    # Larger than what is spared, so that copies of it count.
    some = [np.zeros(10**4, np.int32), *arrays[1:]]
    with pytest.raises(DamagedCheckpoint, match="is not the state of a training") as error:
        check_state(Checkpoint(tmp_path, some, changed))
    assert "\n" not in str(error.value)


TOP = {"epoch": 7, "value": 0.5, "file": "epoch-0007.keras"}
CALLBACKS = [
    ("TopCheckpoints", {"kept": [{**TOP, "file": "../../keep.txt"}]}),
    ("TopCheckpoints", {"kept": [{**TOP, "file": "epoch-0008.keras"}]}),
    ("TopCheckpoints", {"kept": [{**TOP, "more": 1}]}),
    ("TopCheckpoints", {"kept": [{**TOP, "epoch": "7"}]}),
    ("TopCheckpoints", {"kept": [TOP["file"]]}),
    ("TopCheckpoints", {"kept": 3}),
    ("TopCheckpoints", {"other": []}),
    ("TopCheckpoints", [1]),
    ("PeriodicCheckpoint", {"step": 1, "files": ["/etc/passwd"]}),
    ("PeriodicCheckpoint", {"step": 1, "files": ["../epoch-0001.keras"]}),
    ("PeriodicCheckpoint", {"step": 1, "files": "epoch-0001.keras"}),
    ("PeriodicCheckpoint", {"step": "1", "files": []}),
    (
        "FitDiagnosis",
        {"findings": [{"kind": "dead"}], "training": [], "validation": [], "accuracy": []},
    ),
    ("BestCheckpoint", {"best": {"__array__": "!", "dtype": "O", "shape": 1}}),
    ("BestCheckpoint", {"best": 0.5, "best_epoch": 1, "kept": [np.zeros(2)]}),
    ("BestCheckpoint", {"best": 0.5, "best_epoch": 1, "kept": {"values": []}}),
]
MADE = {
    "FitDiagnosis": ours.FitDiagnosis,
    "TopCheckpoints": lambda: ours.TopCheckpoints("top"),
    "PeriodicCheckpoint": lambda: ours.PeriodicCheckpoint("every", epochs=1),
    "BestCheckpoint": lambda: ours.BestCheckpoint("best.keras"),
}


@pytest.mark.parametrize(("name", "state"), CALLBACKS)
def test_a_callback_takes_only_a_state_that_it_has(tmp_path, name, state):
    made = MADE[name]()
    arrays = ArrayList()
    row = {"class": name, "state": encode(state, arrays), "named": {}}
    checkpoint = Checkpoint(tmp_path, arrays, {})
    with pytest.raises(DamagedCheckpoint, match=f"the state of `{name}`"):
        callback_states.restore([(made, row)], checkpoint)
    assert made.saved_files() in ((), ("",), ("index.json",))


def test_an_attribute_takes_only_a_value_that_it_has(tmp_path):
    row = {"class": "FitDiagnosis", "state": None, "named": {"waiting": 5}}
    checkpoint = Checkpoint(tmp_path, [], {})
    diagnosis = ours.FitDiagnosis(path=str(tmp_path / "fit.jsonl"))
    with pytest.raises(DamagedCheckpoint, match="the state of `FitDiagnosis`"):
        callback_states.restore_attributes([(diagnosis, row)], checkpoint)


def test_only_files_that_a_callback_writes_are_restored(tmp_path):
    (tmp_path / "file-000000").write_text("planted")
    kept = KeptFile(tmp_path / "file-000000", disk.hashed(tmp_path / "file-000000"))
    checkpoint = Checkpoint(tmp_path, [], {}, (kept,))
    for name in ("../result.json", str(tmp_path / "planted"), "epoch-0001.keras", "", "a/b"):
        row = {"class": "TopCheckpoints", "state": None, "named": {}, "files": {name: 0}}
        with pytest.raises(DamagedCheckpoint, match="is no file of `TopCheckpoints`"):
            callback_states.restore([(ours.TopCheckpoints(str(tmp_path / "top")), row)], checkpoint)
    row["files"] = {"index.json": 1}
    with pytest.raises(DamagedCheckpoint, match="holds no file file-000001"):
        callback_states.restore([(ours.TopCheckpoints(str(tmp_path / "top")), row)], checkpoint)
    assert [path.name for path in tmp_path.iterdir()] == ["file-000000"]
