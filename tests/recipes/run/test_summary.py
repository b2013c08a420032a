"""How large a training is, against counts by hand; when a stop may come, against the callback."""

import json

import keras
import pytest

import keras_recipes
from keras_recipes.callbacks import EarlyStopping
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.run import profile, summary

LINEAR = {"linear": {"initial_learning_rate": 0.1, "decay_steps": "50%"}}
SMALL = {
    "name": "small",
    "data": {"source": "iris", "batch_size": 10, "validation": 0.2, "test": 0.2},
    "model": {"layers": [{"dense": {"units": 5}}, "batch_normalization"]},
    "optimizer": {"sgd": {"momentum": 0.9}},
    "learning_rate": LINEAR,
    "callbacks": [{"early_stopping": {"patience": 3}}],
    "epochs": 8,
}


@pytest.fixture(scope="module")
def small():
    profile.TIMED, before = 0.0, profile.TIMED
    recipe = keras_recipes.load(SMALL)
    yield summary.summarize(recipe, data_of(recipe))
    profile.TIMED = before


def test_weights_memory_and_operations(small):
    trained, moving = 4 * 5 + 5 + 2 * 5 + 5 * 3 + 3, 2 * 5
    assert (small.trainable, small.frozen) == (trained, moving)
    # A weight, its gradient and its momentum.
    assert small.state_bytes == 4 * (3 * trained + moving)
    assert small.data_bytes == 90 * 4 * 4
    # The rows, two layers of 5 units, and the output of 3.
    assert small.batch_bytes == 4 * 10 * (4 + 5 + 5 + 3)
    assert small.step_flops == 6 * 10 * trained
    assert (small.steps, small.epochs) == (9, 8)
    assert small.epoch_seconds > 0


def test_it_is_printed_and_is_json(small):
    assert json.loads(json.dumps(small.to_json()))["trainable"] == small.trainable
    assert "53 trained, 10 not" in str(small)


def test_a_stop_before_the_schedule_ends_is_noted(small):
    assert small.notes[0] == (
        "early stopping may end the run after epoch 4, and the learning rate reaches its last "
        "value in epoch 5"
    )


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"patience": 1},
        {"patience": 4},
        {"patience": 2, "start_from_epoch": 3},
        {"start_from_epoch": 2},
    ],
    ids=str,
)
def test_the_earliest_stop_is_that_of_a_metric_that_never_improves(given):
    callback = EarlyStopping("val_loss", **given)
    callback.set_model(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    callback.on_train_begin()
    epochs, callback.model.stop_training = 0, False
    while not callback.model.stop_training:
        callback.on_epoch_end(epochs, {"val_loss": 1.0})
        epochs += 1
    recipe = keras_recipes.load({**SMALL, "callbacks": [{"early_stopping": given}]})
    assert summary.earliest_stop(recipe) == epochs


def test_a_target_without_patience_has_no_earliest_stop():
    recipe = keras_recipes.load({**SMALL, "callbacks": [{"early_stopping": {"target": 0.1}}]})
    assert summary.earliest_stop(recipe) is None


def test_json_without_summary_is_refused(capsys):
    assert main(["show", "digits_mlp", "--json"]) == 2
    assert "--json: is for `--summary`" in capsys.readouterr().err


def test_the_rows_of_a_table_count_as_the_numbers_they_become(tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "TIMED", 0.0)
    rows = "\n".join(f"{i},{i % 7},{'ab'[i % 2]}" for i in range(100))
    (tmp_path / "t.csv").write_text(f"u,v,y\n{rows}\n")
    source = {"csv": {"path": str(tmp_path / "t.csv")}}
    data = {"source": source, "target": "y", "features": {"u": "numeric", "v": "numeric"}}
    recipe = keras_recipes.load({**SMALL, "data": {**data, "validation": 0.2, "test": 0.2}})
    assert summary.summarize(recipe, data_of(recipe)).data_bytes == 60 * 2 * 4
