"""Layers that are saturated, dead or blind are called so, before training and after."""

import copy
import json

import keras
import numpy as np
import pytest

from keras_recipes.callbacks import ActivationMonitor
from keras_recipes.callbacks.activations import LayerOutputs, statistics


def kinds(model, x, **arguments):
    """What is found of the initial weights."""
    return {f.kind for f in ActivationMonitor(x, verbose=False, **arguments).measure(0, model)}


def test_large_weights_saturate(products, net):
    x, _ = products
    wide = keras.initializers.RandomNormal(stddev=5.0, seed=0)
    for activation in ("tanh", "sigmoid"):
        assert "saturated" in kinds(net(activation=activation, kernel_initializer=wide), x)
        assert kinds(net(activation=activation), x) == {"healthy"}


def test_relu_with_a_bias_of_minus_ten_is_dead(products, net):
    x, _ = products
    low = keras.initializers.Constant(-10.0)
    assert kinds(net(activation="relu", bias_initializer=low), x) == {"dead"}
    assert kinds(net(activation="relu"), x) == {"healthy"}


def test_twenty_layers_of_sigmoid_lose_the_signal(products, net):
    x, _ = products
    assert kinds(net((8,) * 20, activation="sigmoid"), x) == {"constant"}
    mended = net((32,) * 20, activation="relu", kernel_initializer="he_normal")
    assert kinds(mended, x) == {"healthy"}


def test_zero_weights_lose_the_signal(products, net):
    x, _ = products
    assert kinds(net(activation="tanh", kernel_initializer="zeros"), x) == {"constant"}


class TestNumbers:
    def test_shares_by_hand(self):
        outputs = np.array([[0.04, 0.5], [0.96, 0.94]])
        found = statistics("d", "sigmoid", outputs, margin=0.05, bins=10)
        assert found.saturated == 0.5
        assert found.dead is None
        assert (sum(found.counts), found.edges[0], found.edges[-1]) == (4, 0.0, 1.0)

    def test_the_range_of_tanh_is_two(self):
        outputs = np.array([[-0.95, 0.0], [0.89, 0.91]])
        assert statistics("d", "tanh", outputs, margin=0.05, bins=2).saturated == 0.5

    def test_a_unit_is_dead_where_it_is_zero_for_every_row_and_place(self):
        outputs = np.zeros((2, 3, 3, 4))
        outputs[1, 2, 2, 0] = 1.0
        assert statistics("c", "relu", outputs, margin=0.05, bins=2).dead == 0.75

    def test_spread_by_hand(self):
        # Mean square 5, variance over rows (1 + 0) / 2.
        outputs = np.array([[1.0, 2.0], [3.0, 2.0]])
        found = statistics("d", None, outputs, margin=0.05, bins=2)
        assert found.spread == pytest.approx(np.sqrt(0.5 / 4.5))

    def test_outputs_that_are_no_numbers(self):
        found = statistics("d", None, np.array([[np.nan, 1.0]]), margin=0.05, bins=2)
        assert sum(found.counts) == 1
        assert found.spread == 0.0


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = keras.layers.Dense(4, activation="relu", name="first")
        self.inner = keras.Sequential([keras.layers.Dense(4, activation="tanh"), self.first])
        self.last = keras.layers.Dense(1)

    def call(self, inputs):
        return self.last(self.inner(self.first(inputs)))


def test_outputs_of_a_functional_model_are_those_of_its_graph(products):
    x, _ = products
    inputs = keras.Input((8,))
    first = keras.layers.Dense(5, activation="tanh", name="first")(inputs)
    second = keras.layers.ReLU(name="second")(keras.layers.BatchNormalization(name="norm")(first))
    last = keras.layers.Dense(2, name="last")(keras.layers.Dropout(0.5, name="off")(second))
    model = keras.Model(inputs, last)
    names = ["first", "norm", "second", "off", "last"]
    graph = keras.Model(inputs, [model.get_layer(name).output for name in names])
    before = [np.array(v) for v in model.variables]
    found = list(LayerOutputs(model)(x))
    assert [name for name, _, _ in found] == names
    assert [activation for _, activation, _ in found] == ["tanh", None, "relu", None, None]
    for (_, _, outputs), expected in zip(found, graph.predict(x, verbose=0), strict=True):
        np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(np.array(variable), value)


def test_a_subclassed_model_with_a_shared_layer(products):
    x, y = products
    model = Subclassed()
    model.compile("sgd", "mse")
    x = x[:, :4]
    monitor = ActivationMonitor(x, epochs=(0, 1), verbose=False)
    model.fit(x, y, verbose=0, callbacks=[monitor])
    names = [row.layer.rpartition("/")[2] for row in monitor.outputs]
    assert [names[0], names[2]] == ["first", "first:2"]
    assert [row.activation for row in monitor.outputs] == ["relu", "tanh", "relu", None]
    assert "call" not in vars(model.first)
    expected = model.first(model.inner(model.first(x)))  # three calls, of which the last is new
    assert expected.shape == (128, 4)


def test_a_recurrent_model():
    model = keras.Sequential([keras.Input((5, 2)), keras.layers.LSTM(3), keras.layers.Dense(1)])
    x = np.random.default_rng(0).normal(size=(16, 5, 2)).astype("float32")
    assert [name.rpartition("/")[2][:4] for name, _, _ in LayerOutputs(model)(x)] == [
        "lstm",
        "dens",
    ]


def test_looks_at_the_chosen_epochs_and_writes_histograms(products, net, tmp_path, capsys):
    x, y = products
    path = tmp_path / "activations.jsonl"
    low = keras.initializers.Constant(-10.0)
    monitor = ActivationMonitor(x[:64], epochs=(0, 2), bins=5, path=str(path))
    model = net(activation="relu", bias_initializer=low)
    model.fit(x, y, epochs=3, verbose=0, callbacks=[monitor])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [0, 2]
    for layer, units in zip(lines[0]["layers"], (16, 16, 1), strict=True):
        assert sum(layer["counts"]) == 64 * units
        assert len(layer["edges"]) == 6
    text = capsys.readouterr().err
    assert text.count("Dead units: before training, 100 %") == 2
    assert "after epoch" not in text
    copy.deepcopy(monitor)


def test_nothing_to_look_at_is_reported(products, net):
    with pytest.raises(ValueError, match="needs a batch of inputs"):
        net().fit(*products, verbose=0, callbacks=[ActivationMonitor()])


def test_a_resumed_run_does_not_look_at_the_beginning_again(products, net):
    x, y = products
    monitor = ActivationMonitor(x, epochs=(0, 2), verbose=False)
    net().fit(x, y, epochs=2, initial_epoch=1, verbose=0, callbacks=[monitor])
    assert [finding.epoch for finding in monitor.findings] == [2]
