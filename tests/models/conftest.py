"""What the tests of the training step share: a rule to feed gradients to, and a small network."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.models import TrainingModel, TrainingParts
from keras_recipes.models.update_rule import UpdateRule


@pytest.fixture
def drive():
    """Feeds gradients to an update rule: the values of the variables after each of them."""

    def run(start, gradients, optimizer=None, *, factors=None, output=(), rows=None, **parts):
        variables = [
            keras.Variable(np.asarray(value, "float32"), name=f"v{index}")
            for index, value in enumerate(start)
        ]
        decay = parts.get("weight_decay")
        if factors is None:
            factors = [] if decay is None else decay.factors(variables, {})
        rule = UpdateRule(
            TrainingParts(**parts),
            optimizer or keras.optimizers.SGD(0.1, momentum=0.9),
            variables,
            weights=variables,
            factors=factors,
            output=frozenset(id(variables[index]) for index in output),
        )
        values = []
        for gradient in gradients:
            rule([None if g is None else tf.constant(g, tf.float32) for g in gradient])
            values.append([variable.numpy() for variable in variables])
            if rows is not None:
                rows.append({k: float(v) for k, v in rule.statistics.result().items()})
                rule.statistics.reset_state()
        return values, rule

    return run


@pytest.fixture(scope="session")
def data():
    """32 rows of 4 numbers, and 2 targets."""
    random = np.random.default_rng(0)
    return (
        random.normal(size=(32, 4)).astype("float32"),
        random.normal(size=(32, 2)).astype("float32"),
    )


@pytest.fixture
def model():
    """A model of two layers, always with the same initial weights."""

    def make(cls=TrainingModel, **parts):
        keras.utils.set_random_seed(3)
        inputs = keras.Input((4,))
        hidden = keras.layers.Dense(5, activation="tanh", name="hidden")(inputs)
        return cls(inputs, keras.layers.Dense(2, name="out")(hidden), **parts)

    return make


@pytest.fixture
def fitted(data):
    """A model after two epochs of four batches, and its history."""

    def fit(made, optimizer=None, *, epochs=2, batch_size=8, **compiled):
        made.compile(optimizer or keras.optimizers.SGD(0.1, momentum=0.9), "mse", **compiled)
        history = made.fit(
            *data, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0
        ).history
        return made, history

    return fit
