"""Learning rates of single layers: the same as a learning rate of their own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.models import (
    LayerRate,
    LayerRates,
    TrainingModel,
    TrainingParts,
    WeightDecay,
    wrap,
)
from keras_recipes.models.update_rule import UpdateRule

RANDOM = np.random.default_rng(1)
START = RANDOM.normal(size=(2, 3, 2)).astype("float32")
GRADIENTS = RANDOM.normal(size=(5, 2, 3, 2)).astype("float32")
OPTIMIZERS = {
    "sgd": keras.optimizers.SGD,
    "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
    "rmsprop": keras.optimizers.RMSprop,
    "adagrad": keras.optimizers.Adagrad,
    "adam": keras.optimizers.Adam,
}


def updated(which, optimizer, multipliers=(), **parts):
    """The last values of some variables after five updates."""
    variables = [keras.Variable(START[index], name=f"v{index}") for index in which]
    rule = UpdateRule(
        TrainingParts(**parts),
        optimizer,
        variables,
        weights=variables,
        factors=[1.0] * len(variables) if parts else [],
        output=frozenset(),
        multipliers=multipliers,
    )
    for gradients in GRADIENTS:
        rule([tf.constant(gradients[index]) for index in which])
    return [variable.numpy() for variable in variables]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("decayed", [False, True], ids=["plain", "decayed"])
def test_a_multiplier_is_a_learning_rate_of_its_own(name, decayed):
    parts = {"weight_decay": WeightDecay(0.1)} if decayed else {}
    make = OPTIMIZERS[name]
    together = updated([0, 1], make(0.1), (0.25, 1.0), **parts)
    np.testing.assert_allclose(together[0], updated([0], make(0.025), **parts)[0], rtol=2e-5)
    np.testing.assert_array_equal(together[1], updated([1], make(0.1), **parts)[0])


def test_independent_decay_has_no_learning_rate_to_multiply():
    optimizer = keras.optimizers.SGD(1e-30)
    decay = WeightDecay(0.1, "independent")
    slow, frozen = updated([0, 1], optimizer, [0.5, 0.0], weight_decay=decay)
    np.testing.assert_allclose(slow, START[0] * 0.9**5, rtol=1e-6)
    # But what is frozen does not decay either.
    np.testing.assert_array_equal(frozen, START[1])


def test_zero_leaves_a_variable_as_it_is():
    first, second = updated([0, 1], keras.optimizers.Adam(0.1), (0.0, 1.0))
    np.testing.assert_array_equal(first, START[0])
    assert not np.allclose(second, START[1])


def network(**parts):
    inputs = keras.Input((4,))
    tensor = keras.layers.Dense(5, name="first")(inputs)
    tensor = keras.layers.BatchNormalization(name="norm")(tensor)
    tensor = keras.layers.Dense(5, name="second")(tensor)
    return TrainingModel(inputs, keras.layers.Dense(2, name="last")(tensor), **parts)


def test_layer_decay_counts_from_the_output_and_covers_every_variable():
    rates = LayerRates([LayerRate("second/bias", 3.0)], layer_decay=0.5)
    table = {row.path: row.multiplier for row in network(layer_rates=rates).rate_table()}
    assert table == {
        "first/kernel": 0.25,
        "first/bias": 0.25,
        "norm/gamma": 0.25,
        "norm/beta": 0.25,
        "second/kernel": 0.5,
        "second/bias": 1.5,
        "last/kernel": 1.0,
        "last/bias": 1.0,
    }


@pytest.mark.parametrize(
    "jit", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["graph", "xla"]
)
def test_a_saved_model_learns_on_at_the_same_rates(data, tmp_path, jit):
    model = network(layer_rates=LayerRates([{"match": "first", "multiplier": 0.1}]))
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "mse", jit_compile=jit)
    model.fit(*data, epochs=1, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert (
        again.training_parts.layer_rates.get_config()
        == model.training_parts.layer_rates.get_config()
    )
    for one in (model, again):
        one.fit(*data, epochs=2, shuffle=False, verbose=0)
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_rule_without_a_variable_is_reported():
    rates = LayerRates([{"match": "first", "multiplier": 0.1}, {"match": "frist", "multiplier": 2}])
    model = wrap(network(), layer_rates=rates)
    with pytest.raises(ValueError, match=r"`match: frist`, matches no variable .* first/kernel"):
        model.rate_table()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LayerRates(), "need `rules` or a `layer_decay`"),
        (lambda: LayerRates("first"), "`rules` must be a list"),
        (lambda: LayerRates([3]), r"`rules\[0\]` must be a `LayerRate`"),
        (lambda: LayerRates([{"match": "a"}]), r"`rules\[0\]` missing"),
        (lambda: LayerRates([{"match": "a", "rate": 1}]), "unexpected keyword argument 'rate'"),
        (lambda: LayerRates([{"match": "(", "multiplier": 1}]), "not a regular expression"),
        (lambda: LayerRates([{"match": "a", "multiplier": -1}]), "`multiplier` must be >= 0"),
        (lambda: LayerRates([{"match": "a", "multiplier": "1"}]), "`multiplier` must be a number"),
        (lambda: LayerRates(layer_decay=0), "`layer_decay` must be > 0"),
        (lambda: LayerRates(layer_decay=float("nan")), "`layer_decay` must be finite"),
    ],
)
def test_bad_arguments_raise_when_it_is_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("mode", ["decoupled", "independent", "l2", "l2_loss", "l1"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_multiplier_of_zero_freezes(model, fitted, mode, optimizer):
    """Bit for bit, under every mode of the decay, with a bound on the norm, and beside NaN."""
    made = model(
        weight_decay=WeightDecay(0.1, mode, max_norm=0.01),
        layer_rates=LayerRates([{"match": "hidden", "multiplier": 0.0}]),
    )
    before = [np.array(weight) for weight in made.weights]
    fitted(made, optimizer, run_eagerly=True, epochs=1)
    after = [np.array(weight) for weight in made.weights]
    for weight, one, two in zip(made.weights, before, after, strict=True):
        assert (one == two).all() == ("hidden" in weight.path), weight.path
    made.layers[-1].kernel.assign(np.full((5, 2), np.nan))
    fitted(made, run_eagerly=True, epochs=1)
    np.testing.assert_array_equal(before[0], np.array(made.weights[0]))
