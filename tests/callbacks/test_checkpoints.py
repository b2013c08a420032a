"""The models of the best epochs, and one every so often."""

import json
import math

import keras
import numpy as np
import pytest

from keras_recipes.callbacks import BestCheckpoint, PeriodicCheckpoint, TopCheckpoints


@pytest.fixture
def model():
    made = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    made.compile("sgd", "mse")
    return made


def driven(checkpoint, model, values, begin=0):
    """Feed values of epochs to a model whose weight is the number of the epoch."""
    checkpoint.set_model(model)
    checkpoint.on_train_begin()
    for epoch, value in enumerate(values, start=begin):
        model.layers[0].kernel.assign([[float(epoch + 1)]])
        checkpoint.on_epoch_begin(epoch)
        checkpoint.on_epoch_end(epoch, {"val_loss": value, "accuracy": value})
    return checkpoint


def weight(path):
    return float(keras.models.load_model(path).get_weights()[0][0, 0])


class TestTop:
    def test_keeps_the_best_few(self, model, tmp_path):
        top = driven(TopCheckpoints("top", k=2), model, [3.0, 1.0, math.nan, 4.0, 2.0, 1.0])
        names = ["epoch-0002.keras", "epoch-0006.keras", "index.json"]
        assert sorted(p.name for p in (tmp_path / "top").iterdir()) == names
        assert json.loads((tmp_path / "top/index.json").read_text()) == top.kept
        assert [(row["epoch"], row["value"]) for row in top.kept] == [(2, 1.0), (6, 1.0)]
        assert [weight(tmp_path / "top" / row["file"]) for row in top.kept] == [2.0, 6.0]

    def test_more_may_be_better(self, model):
        top = driven(TopCheckpoints(k=2, monitor="accuracy"), model, [0.1, 0.3, 0.2])
        assert [row["epoch"] for row in top.kept] == [2, 3]

    def test_equals_sorting(self, model, monkeypatch):
        monkeypatch.setattr("keras_recipes.callbacks.top_checkpoints.save_whole", lambda m, p: None)
        rng = np.random.default_rng(0)
        for k in (1, 2, 5):
            values = rng.integers(0, 6, 20).astype(float).tolist()
            top = driven(TopCheckpoints(k=k), model, values)
            expected = sorted(range(20), key=lambda epoch: (values[epoch], epoch))[:k]
            assert [row["epoch"] - 1 for row in top.kept] == expected

    def test_continues_and_leaves_other_files_alone(self, model, tmp_path):
        first = driven(TopCheckpoints("top", k=1), model, [2.0])
        (tmp_path / "top/epoch-0009.keras").write_bytes(b"mine")
        second = TopCheckpoints("top", k=1)
        second.set_state(json.loads(json.dumps(first.get_state())))
        driven(second, model, [3.0, 1.0], begin=1)
        names = sorted(p.name for p in (tmp_path / "top").iterdir())
        assert names == ["epoch-0003.keras", "epoch-0009.keras", "index.json"]


class TestPeriodic:
    def names(self, folder):
        return sorted(p.name for p in folder.iterdir())

    def test_epochs(self, model, tmp_path):
        driven(PeriodicCheckpoint("c", epochs=2), model, [1.0] * 5)
        assert self.names(tmp_path / "c") == ["epoch-0002.keras", "epoch-0004.keras"]
        assert weight(tmp_path / "c/epoch-0004.keras") == 4.0

    def test_only_the_last_stay(self, model, tmp_path):
        checkpoint = driven(PeriodicCheckpoint("c", epochs=1, keep=2), model, [1.0] * 4)
        assert self.names(tmp_path / "c") == ["epoch-0003.keras", "epoch-0004.keras"]
        assert checkpoint.files == ["epoch-0003.keras", "epoch-0004.keras"]

    @pytest.mark.parametrize(("together", "expected"), [(1, [4, 8, 12]), (3, [6, 9, 12])])
    def test_steps_over_the_ends_of_epochs(self, model, tmp_path, together, expected):
        model.compile("sgd", "mse", steps_per_execution=together)
        x = np.ones((12, 1))
        checkpoint = PeriodicCheckpoint("c", steps=4)
        model.fit(x, x, batch_size=2, epochs=2, verbose=0, callbacks=[checkpoint])
        assert self.names(tmp_path / "c") == [f"step-{step:08d}.keras" for step in expected]
        assert checkpoint.step == 12

    def test_steps_go_on_from_the_state(self, model, tmp_path):
        x = np.ones((6, 1))
        first, second = PeriodicCheckpoint("c", steps=4), PeriodicCheckpoint("c", steps=4)
        model.fit(x, x, batch_size=2, verbose=0, callbacks=[first])
        second.set_state(json.loads(json.dumps(first.get_state())))
        model.fit(x, x, batch_size=2, epochs=2, initial_epoch=1, verbose=0, callbacks=[second])
        assert self.names(tmp_path / "c") == ["step-00000004.keras"]
        assert (first.step, second.step) == (3, 6)

    def test_minutes(self, model, tmp_path, monkeypatch):
        # Written at 125 s, and 130 s after that.
        seconds = iter([0.0, 50.0, 125.0, 125.0, 200.0, 255.0, 255.0])
        monkeypatch.setattr("time.monotonic", lambda: next(seconds))
        checkpoint = PeriodicCheckpoint("c", minutes=2)
        checkpoint.set_model(model)
        checkpoint.on_train_begin()
        checkpoint.on_epoch_begin(0)
        for batch in range(4):
            checkpoint.on_train_batch_end(batch)
        assert self.names(tmp_path / "c") == ["step-00000002.keras", "step-00000004.keras"]


def test_the_best_that_waits_to_be_written_is_in_the_state(model, tmp_path):
    first = BestCheckpoint("b.keras", seconds=1000.0)
    driven(first, model, [3.0, 1.0])
    assert weight(tmp_path / "b.keras") == 1.0
    second = BestCheckpoint("b.keras", seconds=1000.0)
    second.set_state(json.loads(json.dumps(first.get_state(), allow_nan=False)))
    driven(second, model, [2.0], begin=2)
    second.on_train_end()
    assert weight(tmp_path / "b.keras") == 2.0
    assert model.get_weights()[0] == 3.0
