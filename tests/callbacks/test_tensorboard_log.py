"""What TensorBoard reads: parsed with TensorFlow, and with TensorBoard itself."""

import errno

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes import disk
from keras_recipes.callbacks import TensorBoardLog
from keras_recipes.callbacks.event_records import flat


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """The folder of a short training, its history and the model."""
    folder = tmp_path_factory.mktemp("run") / "logs"
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="first")])
    model.compile(keras.optimizers.SGD(0.25), "mse")
    x, y = np.ones((8, 2)), np.ones((8, 3))
    values = {"units": 3, "rate": 0.25, "act": "linear", "bias": True, "net": {"deep": [1, 2]}}
    log = TensorBoardLog(str(folder), histograms=2, hyperparameters=values)
    history = model.fit(x, y, epochs=4, validation_data=(x, y), verbose=0, callbacks=[log])
    return folder, history.history, model


def records(folder):
    """Step, tag, plugin, class and tensor of each record of a run."""
    found = []
    for path in sorted(folder.glob("events*")):
        for raw in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(raw)
            for value in event.summary.value:
                plugin = value.metadata.plugin_data
                tensor = tf.make_ndarray(value.tensor)
                found.append((event.step, value.tag, plugin, value.metadata.data_class, tensor))
    return found


def test_curves(logs):
    folder, history, _ = logs
    for run, prefix in (("train", ""), ("validation", "val_")):
        rows = [r for r in records(folder / run) if r[1] == "loss"]
        assert [(step, kind) for step, _, _, kind, _ in rows] == [(e, 1) for e in (1, 2, 3, 4)]
        assert {plugin.plugin_name for _, _, plugin, _, _ in rows} == {"scalars"}
        np.testing.assert_allclose([r[4] for r in rows], history[f"{prefix}loss"], rtol=1e-6)
    rates = [r[4] for r in records(folder / "train") if r[1] == "learning_rate"]
    assert rates == [0.25] * 4


def test_histograms(logs):
    folder, _, model = logs
    rows = [r for r in records(folder / "train") if r[2].plugin_name == "histograms"]
    assert [(r[0], r[1].rpartition("/")[2]) for r in rows] == [
        (2, "kernel"), (2, "bias"), (4, "kernel"), (4, "bias"),
    ]  # fmt: skip
    table, kernel = rows[2][4], model.get_weights()[0]
    assert table.shape == (30, 3)
    assert table[:, 2].sum() == kernel.size
    assert (table[0, 0], table[-1, 1]) == pytest.approx((kernel.min(), kernel.max()), rel=1e-6)


def test_hyperparameters_as_tensorboard_reads_them(logs):
    plugin_data = pytest.importorskip("tensorboard.plugins.hparams.plugin_data_pb2")
    begin, end = (r[2] for r in records(logs[0]))
    assert {begin.plugin_name, end.plugin_name} == {"hparams"}
    started = plugin_data.HParamsPluginData.FromString(begin.content).session_start_info
    assert {
        name: getattr(value, value.WhichOneof("kind")) for name, value in started.hparams.items()
    } == {"units": 3.0, "rate": 0.25, "act": "linear", "bias": True, "net.deep": "[1, 2]"}
    ended = plugin_data.HParamsPluginData.FromString(end.content).session_end_info
    assert ended.status == 1
    assert ended.end_time_secs >= started.start_time_secs > 1.6e9


def test_it_is_read_by_tensorboard(logs):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = accumulator.EventAccumulator(str(logs[0] / "train"))
    run.Reload()
    assert sorted(run.PluginTagToContent("scalars")) == ["learning_rate", "loss"]
    assert len(run.PluginTagToContent("histograms")) == 2
    assert [point.step for point in run.Tensors("loss")] == [1, 2, 3, 4]


def test_a_value_that_is_not_finite_is_a_gap(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.full((4, 1), np.nan)
    log = TensorBoardLog(str(tmp_path / "l"), histograms=1, hyperparameters={"a": 1})
    model.fit(x, x, verbose=0, callbacks=[log])
    # A loss that is no number is a gap; so are weights that are none.
    tags = [r[1] for r in records(tmp_path / "l/train")]
    assert "loss" not in tags
    assert "learning_rate" in tags


def test_flat_refuses_what_has_no_form():
    assert dict(flat({"a": None, "b": {}})) == {"a": "null"}
    with pytest.raises(ValueError, match="must be numbers, strings, lists or mappings"):
        dict(flat({"a": {"b": object()}}))


def test_a_resumed_training_says_which_points_it_replaces(tmp_path):
    """TensorBoard drops the points of a killed run from the step of a session's start on."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 1))
    for first, last in ((0, 3), (2, 5)):
        log = TensorBoardLog(str(tmp_path))
        model.fit(x, x, initial_epoch=first, epochs=last, verbose=0, callbacks=[log])
    (path,) = (tmp_path / "train").iterdir()
    events = [
        tf.compat.v1.Event.FromString(raw)
        for raw in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]
    # TensorFlow and tensorboard each have the message; START is 1 in both.
    starts = [event.step for event in events if event.session_log.status == 1]
    assert starts == [1, 3]


def test_a_full_disk_is_waited_for(tmp_path, monkeypatch):
    def refuse(path, content, *, durable=True):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    log, model = TensorBoardLog(str(tmp_path)), keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    log.set_model(model)
    log.on_train_begin()
    with monkeypatch.context() as patch:
        patch.setattr(disk, "append", refuse)
        log.on_epoch_end(0, {"loss": 2.0})
        assert list(tmp_path.iterdir()) == []
    log.on_epoch_end(1, {"loss": 1.0})
    found = {(step, tag): float(value) for step, tag, *_, value in records(tmp_path / "train")}
    assert {key: found[key] for key in found if key[1] == "loss"} == {
        (1, "loss"): 2.0,
        (2, "loss"): 1.0,
    }
