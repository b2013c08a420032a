"""A training with any layer of Keras is resumed exactly, in the middle of its validation too.

What a layer keeps outside of its trainable weights (seeds, states, random choices made while the
step is traced) must be in the checkpoint or made anew alike; each layer of the catalog shows it.
"""

import inspect

import keras
import numpy as np
import pytest

from keras_recipes.callbacks.run_state import RunState, TrainingInterrupted
from keras_recipes.recipes.spec import catalog

# Places at which `RunState` asks whether to stop: after each of three training steps, after each of
# two batches of validation, after the epoch.
STEP, VALIDATION, BETWEEN = 2, 4, 6
SHAPES = ((6,), (6, 4), (6, 6, 3), (4, 6, 6, 3))
# Arguments that have no default, or whose default leaves a layer without randomness.
VALUES = {
    "units": 4, "filters": 4, "kernel_size": 2, "rate": 0.3, "stddev": 0.3, "dropout": 0.3,
    "recurrent_dropout": 0.3, "factor": 0.2, "n": 2, "output_size": 2, "size": 2, "height": 6,
    "width": 6, "height_factor": 0.2, "width_factor": 0.2, "x_factor": 0.2, "y_factor": 0.2,
    "target_shape": [-1], "dims": [1], "num_bins": 5, "input_dim": 8, "output_dim": 3,
    "value_range": [0, 1], "activation": "relu", "groups": 1, "intermediate_dim": 4,
    "num_heads": 2, "vocabulary_size": 8, "sequence_length": 6, "embedding_dim": 3,
}  # fmt: skip
MAY_BE_LEFT_OUT = {
    "dropout", "recurrent_dropout", "factor", "height_factor", "width_factor", "x_factor",
    "y_factor", "value_range",
}  # fmt: skip
LAYERS = {
    name: getattr(keras.layers, entry.class_path.rpartition(".")[2])
    for name, entry in catalog.tables()["layers"].items()
    if hasattr(keras.layers, entry.class_path.rpartition(".")[2])
}
HUB = {name: entry for name, entry in catalog.tables()["layers"].items() if entry.of_hub}


def layer(name):
    inner = {
        "bidirectional": lambda: keras.layers.LSTM(3, dropout=0.3, recurrent_dropout=0.3),
        "time_distributed": lambda: keras.layers.Dropout(0.3),
        "spectral_normalization": lambda: keras.layers.Dense(4),
    }
    if name == "stateful_gru":
        return keras.layers.GRU(3, stateful=True)
    if name == "normalization":
        return keras.layers.Normalization(mean=0.0, variance=1.0)
    if name in inner:
        return LAYERS[name](inner[name]())
    given = {
        parameter.name: VALUES[parameter.name]
        for parameter in inspect.signature(LAYERS[name]).parameters.values()
        if parameter.name in VALUES
        and (parameter.default is parameter.empty or parameter.name in MAY_BE_LEFT_OUT)
    }
    return LAYERS[name](**given)


def network(name, shape):
    inputs = keras.Input(shape, batch_size=4)
    outputs = layer(name)(inputs)
    outputs = outputs[0] if isinstance(outputs, (list, tuple)) else outputs
    if len(outputs.shape) != 2:
        outputs = keras.layers.Flatten()(outputs)
    return keras.Model(inputs, keras.layers.Dense(1)(outputs))


class EvaluationCounter(keras.callbacks.Callback):
    """A state that changes in evaluations."""

    def __init__(self):
        super().__init__()
        self.batches = 0

    def on_test_batch_end(self, batch, logs=None):
        self.batches += 1

    def get_state(self):
        return {"batches": self.batches}

    def set_state(self, state):
        self.batches = state["batches"]


def trained(name, shape, folder, stop_at=0, eager=False):
    """What a training of two epochs leaves; None where it was interrupted."""
    keras.backend.clear_session(free_memory=False)
    keras.utils.set_random_seed(3)
    model = network(name, shape)
    model.compile("adam", "mse", run_eagerly=eager)
    rng = np.random.default_rng(0)
    x, y = rng.random((12, *shape), "float32"), rng.random((12, 1), "float32")
    asked, counter = [0], EvaluationCounter()

    def stop():
        asked[0] += 1
        return asked[0] == stop_at

    state = RunState(folder, every="1000 epochs", verbose=False, stop=stop)
    data = {"validation_data": (x[:8], y[:8]), "validation_batch_size": 4, "batch_size": 4}
    try:
        history = model.fit(x, y, epochs=2, verbose=0, callbacks=[counter, state], **data)
    except TrainingInterrupted:
        return None
    variables = [*model.variables, *model.optimizer.variables]
    return [np.asarray(v).tobytes() for v in variables], history.history, counter.batches


def fitting_shape(name):
    """The first input shape that a layer takes; None where it cannot stand alone."""
    for shape in SHAPES:
        keras.backend.clear_session(free_memory=False)
        try:
            outputs = network(name, shape)(np.zeros((4, *shape), "float32"), training=True)
        except Exception:  # each layer refuses in its own way
            continue
        if outputs.shape == (4, 1):
            return shape
    return None


@pytest.mark.parametrize(
    ("name", "shape", "eager"),
    [
        ("lstm", (6, 4), True),
        ("stateful_gru", (6, 4), True),
        ("aug_mix", (6, 6, 3), False),
    ],
)
def test_what_an_evaluation_or_a_trace_changes(tmp_path, name, shape, eager):
    expected = trained(name, shape, tmp_path / "uninterrupted", eager=eager)
    assert trained(name, shape, tmp_path / "stopped", VALIDATION, eager) is None
    assert trained(name, shape, tmp_path / "stopped", eager=eager) == expected


@pytest.mark.slow
def test_every_layer_of_the_catalog(tmp_path):
    assert resumed([*LAYERS, "stateful_gru"], tmp_path) > 100


@pytest.mark.slow
def test_every_layer_of_keras_hub(tmp_path, monkeypatch):
    hub = pytest.importorskip("keras_hub", reason="needs `pip install 'keras-recipes[hub]'`")
    for name, entry in HUB.items():
        monkeypatch.setitem(LAYERS, name, getattr(hub.layers, entry.class_path.split(".")[-1]))
    assert resumed(HUB, tmp_path) == len(HUB)


def resumed(names, tmp_path):
    """How many layers can stand alone; each is interrupted at three places, and resumed alike."""
    tried, different = 0, []
    for name in names:
        shape = fitting_shape(name)
        if shape is None:
            continue
        tried += 1
        expected = trained(name, shape, tmp_path / name)
        for place in (STEP, VALIDATION, BETWEEN):
            folder = tmp_path / f"{name}-{place}"
            assert trained(name, shape, folder, place) is None
            if trained(name, shape, folder) != expected:
                different.append((name, place))
    assert different == []
    return tried
