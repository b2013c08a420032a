"""A model that computes as in inference inside of one that trains."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.models.inference import compute_inference

ROWS = np.random.default_rng(0).random((8, 6, 4), "float32")


def inner(*layers):
    return keras.Sequential([keras.Input((6, 4)), *layers], name="inner")


def attention():
    x = keras.Input((6, 4))
    return keras.Model(x, keras.layers.MultiHeadAttention(2, 2, dropout=0.5)(x, x), name="inner")


MODELS = {
    "dropout": lambda: inner(keras.layers.Dropout(0.5)),
    "normalization": lambda: inner(keras.layers.BatchNormalization()),
    "recurrent": lambda: inner(keras.layers.GRU(4, dropout=0.5, return_sequences=True)),
    "inside of another": lambda: inner(MODELS["dropout"]()),
    "attention": attention,
}


def around(model):
    x = keras.Input((6, 4))
    return keras.Model(x, keras.layers.Dense(2)(model(x)))


@pytest.mark.parametrize("name", MODELS)
def test_training_makes_no_difference_to_it(name):
    model = MODELS[name]()
    outer = around(model)
    assert np.abs(np.asarray(outer(ROWS, training=True)) - outer(ROWS)).max() > 1e-3
    plain = np.asarray(outer(ROWS))  # now that batch normalization has seen a batch
    compute_inference(model)
    for compute in (outer, tf.function(outer)):
        np.testing.assert_allclose(compute(ROWS, training=True), plain, rtol=1e-6, atol=1e-7)


def test_what_follows_it_trains_as_in_training():
    model = inner(keras.layers.Dropout(0.5))
    compute_inference(model)
    x = keras.Input((6, 4))
    outer = keras.Model(x, keras.layers.Dropout(0.5)(model(x)))
    kept = np.asarray(outer(ROWS, training=True)) / ROWS
    np.testing.assert_allclose(np.unique(kept.round(3)), [0, 2])


def test_its_weights_train_and_its_statistics_stay():
    model = inner(keras.layers.Dense(4), keras.layers.BatchNormalization())
    compute_inference(model)
    outer = around(model)
    before = [np.asarray(weight) for weight in model.weights]
    outer.compile("sgd", "mse")
    outer.fit(ROWS, np.ones((8, 6, 2)), epochs=1, verbose=0)
    changed = {
        weight.path.split("/")[-1]: bool((np.asarray(weight) != old).any())
        for weight, old in zip(model.weights, before, strict=True)
    }
    assert changed == {
        "kernel": True, "bias": True, "gamma": True, "beta": True,
        "moving_mean": False, "moving_variance": False,
    }  # fmt: skip


def test_a_saved_model_is_that_without(tmp_path):
    model = MODELS["dropout"]()
    outer = around(model)
    config = outer.to_json()
    compute_inference(model)
    assert outer.to_json() == config
    outer.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    np.testing.assert_allclose(loaded(ROWS), outer(ROWS), rtol=1e-6)
