"""Early stopping, the metrics file, the best checkpoint and the progress bar."""

import copy
import json
import math
import pickle

import keras
import numpy as np
import pytest

from keras_recipes.callbacks import (
    BestCheckpoint,
    EarlyStopping,
    MetricsLog,
    ProgressBar,
    ReduceOnPlateau,
)
from keras_recipes.schedules import Linear, Plateau


class Model:
    """What a callback sees of a model: weights that are the number of the epoch."""

    def __init__(self):
        self.stop_training = False
        self.weights = [keras.Variable(0.0)]


class KerasModel(Model):
    """The same for callbacks of Keras, which ask for the weights as arrays."""

    def get_weights(self):
        return [self.weights[0].numpy()]

    def set_weights(self, values):
        self.weights[0].assign(values[0])


def driven(callback, values, *, monitor="val_loss", begin=0, model=None):
    """Feed a callback one value an epoch; return the epochs that were seen."""
    model = model or Model()
    callback.set_model(model)
    callback.on_train_begin()
    seen = 0
    for epoch, value in enumerate(values, start=begin):
        model.weights[0].assign(float(epoch))
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {monitor: value, "loss": 1.0})
        seen += 1
        if model.stop_training:
            break
    callback.on_train_end()
    return seen, model


class TestEarlyStopping:
    def test_stops_after_patience_and_restores_the_best(self):
        stopper = EarlyStopping(patience=2)
        seen, model = driven(stopper, [3.0, 1.0, 2.0, 1.5, 0.5])
        assert seen == 4
        assert (stopper.best, stopper.best_epoch, stopper.stopped_epoch) == (1.0, 1, 3)
        assert float(model.weights[0]) == 1.0
        assert stopper.stop_reason == "val_loss has not improved on 1 (epoch 2) for 2 epochs"

    def test_stops_when_keras_stops(self):
        rng = np.random.default_rng(0)
        for patience in (0, 1, 3):
            for _ in range(20):
                values = rng.normal(size=30).tolist()
                theirs = keras.callbacks.EarlyStopping(patience=patience)
                ours = EarlyStopping(patience=patience, restore_best_weights=False)
                assert driven(ours, values)[0] == driven(theirs, values)[0]

    def test_a_training_that_is_not_stopped_ends_with_the_best_weights_too(self):
        seen, model = driven(EarlyStopping(patience=9), [3.0, 1.0, 2.0])
        assert seen == 3
        assert float(model.weights[0]) == 1.0

    def test_small_changes_do_not_count(self):
        assert driven(EarlyStopping(patience=2, min_delta=0.1), [1.0, 0.95, 0.91, 0.1])[0] == 3

    @pytest.mark.parametrize("monitor", ["accuracy", "val_auc", "val_precision"])
    def test_more_is_better_for_an_accuracy(self, monitor):
        stopper = EarlyStopping(monitor=monitor, patience=1)
        seen, _ = driven(stopper, [0.1, 0.5, 0.4], monitor=monitor)
        assert (seen, stopper.best) == (3, 0.5)

    def test_a_first_value_that_is_nan_does_not_block_improvement(self):
        stopper = EarlyStopping(patience=3)
        seen, _ = driven(stopper, [math.nan, 2.0, 1.0, math.nan, math.nan, math.nan])
        assert seen == 6
        assert stopper.best == 1.0

    def test_nan_alone_runs_out_of_patience(self):
        stopper = EarlyStopping(patience=2)
        assert driven(stopper, [math.nan] * 5)[0] == 2
        assert "has been NaN or infinite for 2 epochs" in stopper.stop_reason

    def test_early_epochs_can_be_left_out(self):
        stopper = EarlyStopping(patience=1, start_from_epoch=2)
        driven(stopper, [0.1, 0.2, 5.0, 4.0, 4.5])
        assert (stopper.best, stopper.stopped_epoch) == (4.0, 4)

    def test_a_baseline_must_be_beaten(self):
        assert driven(EarlyStopping(patience=2, baseline=0.5), [0.9, 0.8, 0.1])[0] == 2

    @pytest.mark.parametrize("patience", [1, 3, 30])
    @pytest.mark.parametrize("min_delta", [0.0, 0.3])
    @pytest.mark.parametrize("baseline", [-9.0, -1.0, 0.5, 9.0])
    def test_a_baseline_decides_when_to_stop_and_not_what_is_best(
        self, baseline, min_delta, patience
    ):
        values = np.random.default_rng(patience).normal(size=30).tolist()
        stopper = EarlyStopping(patience=patience, baseline=baseline, min_delta=min_delta)
        seen, model = driven(stopper, values)
        best, last = None, -1
        for epoch, value in enumerate(values):
            if best is None or value < values[best] - min_delta:
                best = epoch
                if value < baseline - min_delta:
                    last = epoch
            if epoch - last >= patience:
                break
        assert seen == epoch + 1
        assert stopper.best_epoch == best
        assert float(model.weights[0]) == best

    def test_a_baseline_out_of_reach_restores_what_keras_restores(self):
        values = [0.9, 0.7, 0.8, 0.95]
        arguments = {"patience": 3, "baseline": 0.1}
        theirs = KerasModel()
        driven(
            keras.callbacks.EarlyStopping(restore_best_weights=True, **arguments),
            values,
            model=theirs,
        )
        _, ours = driven(EarlyStopping(**arguments), values)
        assert float(ours.weights[0]) == float(theirs.weights[0]) == 1.0

    def test_a_baseline_out_of_reach_is_reported(self):
        stopper = EarlyStopping(patience=2, baseline=0.1)
        driven(stopper, [0.7, 0.6, 0.5])
        assert stopper.stop_reason == (
            "val_loss has not reached the baseline of 0.1 in 2 epochs: its best is 0.6 (epoch 2)"
        )

    def test_state_continues_where_it_was(self):
        values = [3.0, 1.0, 2.0, 1.5, 0.5]
        whole = EarlyStopping(patience=3)
        driven(whole, values)
        first, second = EarlyStopping(patience=3), EarlyStopping(patience=3)
        driven(first, values[:3])
        state = pickle.loads(pickle.dumps(first.get_state()))
        second.set_state(state)
        driven(second, values[3:], begin=3)
        assert (second.best, second.best_epoch, second.wait) == (whole.best, 4, whole.wait)

    def test_a_second_training_begins_afresh(self):
        stopper = EarlyStopping(patience=1)
        driven(stopper, [0.1, 0.2])
        assert driven(stopper, [5.0, 4.0, 4.5])[0] == 3

    def test_restores_moving_statistics_too(self):
        inputs = keras.Input((3,))
        outputs = keras.layers.Dense(1)(keras.layers.BatchNormalization(momentum=0.5)(inputs))
        model = keras.Model(inputs, outputs)
        model.compile(keras.optimizers.SGD(10.0), "mse")
        x, y = np.random.default_rng(0).normal(3, 2, (32, 3)), np.zeros((32, 1))
        stopper = EarlyStopping(patience=1)
        kept = []
        keep = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: kept.append([w.copy() for w in model.get_weights()])
        )
        model.fit(x, y, epochs=5, validation_data=(x, y), callbacks=[keep, stopper], verbose=0)
        for restored, expected in zip(model.get_weights(), kept[stopper.best_epoch], strict=True):
            np.testing.assert_array_equal(restored, expected)


@pytest.mark.parametrize("make", [EarlyStopping, lambda: BestCheckpoint("b.keras")])
def test_a_monitor_that_is_not_logged_is_an_error(make):
    with pytest.raises(ValueError, match=r"`val_loss`, which is not logged. Logged are: loss, x"):
        driven(make(), [1.0], monitor="x")


class TestMetricsLog:
    def fit(self, path, *, schedule=None, epochs=2):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        rate = schedule or 0.25
        model.compile(keras.optimizers.SGD(rate), "mse")
        x, y = np.ones((8, 2)), np.ones((8, 1))
        model.fit(x, y, batch_size=2, epochs=epochs, callbacks=[MetricsLog(str(path))], verbose=0)

    def lines(self, path):
        return [
            json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()
        ]

    def test_a_line_an_epoch(self, tmp_path):
        self.fit(tmp_path / "deep" / "m.jsonl")
        lines = self.lines(tmp_path / "deep" / "m.jsonl")
        assert [line["epoch"] for line in lines] == [1, 2]
        assert [line["step"] for line in lines] == [4, 8]
        assert [line["learning_rate"] for line in lines] == [0.25, 0.25]
        assert all(line["loss"] >= 0 and line["seconds"] >= 0 for line in lines)

    @pytest.mark.parametrize("rate", [0.25, Plateau(Linear(0.25, 20))], ids=["number", "schedule"])
    @pytest.mark.parametrize("scaled", [False, True])
    @pytest.mark.parametrize("first", [False, True])
    def test_the_rate_is_that_before_a_cut(self, tmp_path, first, scaled, rate):
        """Whichever callback comes first, a line has the rate that the last batch had."""
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        optimizer = keras.optimizers.SGD(copy.deepcopy(rate))
        if scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=2.0)
        model.compile(optimizer, "mse")
        used = []

        class Watch(keras.callbacks.Callback):
            def on_train_batch_begin(self, batch, logs=None):
                used.append(float(model.optimizer.learning_rate))

            def on_epoch_end(self, epoch, logs=None):
                logs["still"] = 1.0

        cuts = [
            ReduceOnPlateau("still", factor=0.5, patience=1),
            ReduceOnPlateau("still", factor=0.9, patience=2),
        ]
        log = MetricsLog(str(tmp_path / "m.jsonl"))
        watchers = [Watch(), log, *cuts] if first else [Watch(), *cuts, log]
        x, y = np.ones((8, 2)), np.ones((8, 1))
        model.fit(x, y, batch_size=2, epochs=4, callbacks=watchers, verbose=0)
        rates = [line["learning_rate"] for line in self.lines(tmp_path / "m.jsonl")]
        assert rates == used[3::4]
        assert len(set(rates)) > 2
        assert cuts[0].cuts == [1, 2, 3]

    def test_the_learning_rate_is_that_of_the_last_update(self, tmp_path):
        schedule = keras.optimizers.schedules.PolynomialDecay(1.0, 8, 0.0)
        self.fit(tmp_path / "m.jsonl", schedule=schedule)
        rates = [line["learning_rate"] for line in self.lines(tmp_path / "m.jsonl")]
        # Updates are numbered from 0: the fourth has step 3, the eighth step 7.
        assert rates == pytest.approx([1 - 3 / 8, 1 - 7 / 8])

    def test_continues_a_file(self, tmp_path):
        self.fit(tmp_path / "m.jsonl", epochs=1)
        self.fit(tmp_path / "m.jsonl", epochs=1)
        assert len(self.lines(tmp_path / "m.jsonl")) == 2

    def test_what_is_no_number_is_written_as_text(self, tmp_path):
        log = MetricsLog(str(tmp_path / "m.jsonl"))
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        log.set_model(model)
        log.on_train_begin()
        log.on_epoch_end(0, {"loss": math.nan, "a": math.inf, "b": -math.inf})
        log.on_train_end()
        (line,) = self.lines(tmp_path / "m.jsonl")
        assert (line["loss"], line["a"], line["b"]) == ("NaN", "Infinity", "-Infinity")


class TestBestCheckpoint:
    def model(self):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        model.compile(keras.optimizers.SGD(0.0, momentum=0.5), "mse")
        return model

    def driven(self, checkpoint, values):
        model = self.model()
        checkpoint.set_model(model)
        checkpoint.on_train_begin()
        for epoch, value in enumerate(values):
            model.layers[0].kernel.assign([[float(epoch)]])
            checkpoint.on_epoch_end(epoch, {"val_loss": value})
        before = model.get_weights()
        checkpoint.on_train_end()
        np.testing.assert_array_equal(model.get_weights(), before)
        return float(keras.models.load_model(checkpoint.path).get_weights()[0][0, 0])

    @pytest.mark.parametrize("seconds", [0.0, 1000.0])
    def test_holds_the_model_of_the_best_epoch(self, tmp_path, seconds):
        checkpoint = BestCheckpoint(str(tmp_path / "c" / "best.keras"), seconds=seconds)
        assert self.driven(checkpoint, [3.0, 2.0, 1.0, math.nan, 2.0]) == 2.0
        assert checkpoint.best_epoch == 2
        assert [path.name for path in (tmp_path / "c").iterdir()] == ["best.keras"]

    def test_a_resumed_run_does_not_replace_a_better_model(self, tmp_path):
        path = str(tmp_path / "best.keras")
        first = BestCheckpoint(path)
        self.driven(first, [3.0, 1.0])
        second = BestCheckpoint(path)
        second.set_state(first.get_state())
        assert self.driven(second, [2.0, 1.5]) == 1.0

    def test_a_failed_write_leaves_the_file_before_it(self, tmp_path, monkeypatch):
        checkpoint = BestCheckpoint(str(tmp_path / "best.keras"))
        assert self.driven(checkpoint, [1.0]) == 0.0
        model = self.model()
        checkpoint.set_model(model)

        def breaks(path):
            path.write_bytes(b"half")
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(model, "save", breaks)
        with pytest.raises(OSError, match="Input/output"):
            checkpoint.on_epoch_end(1, {"val_loss": 0.5})
        assert [path.name for path in tmp_path.iterdir()] == ["best.keras"]
        assert checkpoint.best == 1.0


class TestProgressBar:
    def printed(self, capsys, epochs, **arguments):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.125), "mse")
        bar = ProgressBar(**arguments)
        bar.set_model(model)
        bar.set_params({"epochs": epochs})
        bar.on_train_begin()
        for epoch in range(epochs):
            bar.on_epoch_end(epoch, {"loss": 0.5, "val_loss": 0.25, "gradient_norm": 3.0})
        bar.on_train_end()
        return capsys.readouterr().err

    def test_a_log_gets_plain_lines(self, capsys):
        text = self.printed(capsys, 3)
        lines = text.splitlines()
        assert len(lines) == 3
        assert lines[0].startswith("epoch 1/3  loss 0.5000  val_loss 0.2500  lr 0.125")
        assert all(char.isprintable() or char == "\n" for char in text)

    def test_a_long_training_gets_no_more_lines_than_people_read(self, capsys):
        lines = self.printed(capsys, 1000).splitlines()
        assert len(lines) <= 51
        assert lines[-1].startswith("epoch 1000/1000")

    def test_a_line_every_so_many_epochs(self, capsys):
        assert len(self.printed(capsys, 9, every=4).splitlines()) == 4


def test_state_of_another_callback_is_refused():
    with pytest.raises(ValueError, match="State of `EarlyStopping` must have"):
        EarlyStopping().set_state(MetricsLog("x").get_state())
