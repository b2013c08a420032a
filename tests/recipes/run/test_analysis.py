"""The gradient check of a recipe: in both modes, with dropout and batch statistics."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_recipes
from keras_recipes.models import gradient_check
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.run.analysis import check_gradients, in_float64, repeatable_loss

RECIPE = """
name: small
data: {source: iris, validation: 20, test: 25, batch_size: 15}
model:
  layers:
    - dense: {units: 20, activation: tanh}
    - batch_normalization
    - dropout: {rate: 0.3}
    - gaussian_noise: {stddev: 0.1}
optimizer: sgd
learning_rate: 0.1
weight_decay: {rate: 0.01, mode: l2_loss}
epochs: 1
"""


@tf.custom_gradient
def wrong(x):
    """Itself, with a slope of 1.5 for its first column."""
    return x, lambda upstream: upstream * (1.0 + 0.5 * tf.one_hot(0, x.shape[-1], dtype=x.dtype))


class WrongInTraining(keras.layers.Layer):
    """Right in inference alone."""

    def call(self, inputs, training=False):
        return wrong(inputs) if training else inputs


def test_a_right_recipe_agrees_in_both_modes(tmp_path, capsys):
    path = tmp_path / "small.yaml"
    path.write_text(RECIPE)
    assert main(["check-gradients", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("  inference  " in line for line in lines) == 6
    assert sum("  training   " in line for line in lines) == 6
    assert lines[-1] == "12 of 12 gradients agree to 1e-05, in inference and in training"
    assert "of 10 numbers and 3 directions of all 80" in lines[0]


def test_rows_tell_their_mode():
    recipe = keras_recipes.load("digits_mlp")
    rows = check_gradients(recipe, data_of(recipe), rows=2, entries=1)
    half = len(rows) // 2
    assert [row.training for row in rows] == [False] * half + [True] * half
    assert [row.path for row in rows[:half]] == [row.path for row in rows[half:]]
    assert all(row.error < 1e-5 for row in rows)


def test_a_gradient_that_is_wrong_in_training_alone_is_found():
    random = np.random.default_rng(0)
    with in_float64():
        inputs = keras.Input((4,))
        hidden = keras.layers.Dense(6, activation="tanh", name="hidden")(inputs)
        hidden = keras.layers.Dropout(0.5)(WrongInTraining()(hidden))
        model = keras.Model(inputs, keras.layers.Dense(1, name="out")(hidden))
        model.compile("sgd", "mse")
        x, y = tf.constant(random.normal(size=(8, 4))), tf.constant(random.normal(size=(8, 1)))
        for training in (False, True):
            loss = repeatable_loss(model, x, y, training)
            rows = gradient_check(loss, model.trainable_variables, entries=30, training=training)
            bad = {row.path: row for row in rows if row.error > 1e-5}
            assert set(bad) == ({"hidden/kernel", "hidden/bias"} if training else set())
    assert all(row.index[-1] == 0 for row in bad.values())
    assert all(row.error == pytest.approx(0.2, rel=1e-4) for row in bad.values())
