"""A training that its caller pauses, or that ends for another reason, says why and can go on."""

import json

import keras
import pytest
from small_runs import SMALL, train_small

import keras_recipes
from keras_recipes.recipes.record.directory import RunDirectory, read_result
from keras_recipes.recipes.record.result import StopReason
from keras_recipes.recipes.run.reproduce import compare_runs
from keras_recipes.recipes.run.stop import Interrupted, StopRequest
from keras_recipes.recipes.run.train import train

pytestmark = pytest.mark.usefixtures("eager")


class PauseAfter(keras.callbacks.Callback):
    def __init__(self, epoch, stop):
        super().__init__()
        self.epoch, self.stop = epoch, stop

    def get_state(self):
        return {}

    def set_state(self, state):
        pass

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == self.epoch:
            self.stop.pause()


def test_a_paused_training_ends_as_one_that_was_not(tmp_path):
    whole = train_small(tmp_path / "whole")
    assert whole.stop_reason is StopReason.ALL_EPOCHS
    stop = StopRequest()
    recipe = keras_recipes.load(SMALL)
    paused = train(
        recipe, out=tmp_path / "run", progress=False, callbacks=[PauseAfter(1, stop)], stop=stop
    )
    assert (paused.status, paused.stop_reason, paused.epochs) == (
        "interrupted",
        StopReason.PAUSED,
        1,
    )
    assert paused.signal is None
    assert json.loads((tmp_path / "run/result.json").read_text())["stop_reason"] == "paused"
    assert read_result(RunDirectory(tmp_path / "run")).stop_reason is StopReason.PAUSED
    result = train(
        recipe,
        out=tmp_path / "run",
        progress=False,
        resume=True,
        callbacks=[PauseAfter(9, StopRequest())],
    )
    assert result.stop_reason is StopReason.ALL_EPOCHS
    found = compare_runs(RunDirectory(tmp_path / "whole"), RunDirectory(tmp_path / "run"))
    assert found == []


def test_early_stopping_and_errors_have_their_reasons(tmp_path):
    stopping = [{"early_stopping": {"monitor": "loss", "patience": 1, "min_delta": 9.0}}]
    stopped = train_small(tmp_path / "stopped", callbacks=stopping, epochs=4)
    assert stopped.stop_reason is StopReason.EARLY_STOPPING

    class Breaks(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise ZeroDivisionError if epoch else KeyError("absent")

    recipe = keras_recipes.load(SMALL)
    broken = train(recipe, out=tmp_path / "broken", progress=False, callbacks=[Breaks()])
    assert (broken.status, broken.stop_reason) == ("failed", StopReason.ERROR)
    assert "(traceback: " in broken.reason


def test_a_signal_is_immediate_where_nothing_is_left_to_store():
    stop = StopRequest()
    with pytest.raises(Interrupted, match="SIGTERM"), stop.immediate():
        stop.receive(15)
    assert stop.reason is StopReason.SIGNAL
    with pytest.raises(Interrupted, match="SIGTERM"), stop.immediate():
        pytest.fail("must not begin")
