"""Nets that fail in known ways, the same nets mended, and callbacks driven without a net."""

import keras
import numpy as np
import pytest

from keras_recipes.models import TrainingModel


class Model:
    """What most callbacks see of a model: weights that are the number of the epoch."""

    def __init__(self):
        self.stop_training = False
        self.weights = [keras.Variable(0.0)]


@pytest.fixture
def drive():
    """Feed a callback the logs of each epoch; give the number of epochs seen, and the model."""

    def driven(callback, epochs, *, begin=0, end=True):
        model = Model()
        callback.set_model(model)
        callback.on_train_begin()
        seen = 0
        for epoch, logs in enumerate(epochs, start=begin):
            model.weights[0].assign(float(epoch))
            callback.on_epoch_begin(epoch)
            callback.on_epoch_end(epoch, logs)
            seen += 1
            if model.stop_training:
                break
        if end:
            callback.on_train_end()
        return seen, model

    return driven


@pytest.fixture(scope="session")
def products():
    """128 rows of eight numbers; whether the product of the first two is positive."""
    x = np.random.default_rng(0).normal(size=(128, 8)).astype("float32")
    return x, (x[:, :1] * x[:, 1:2] > 0).astype("float32")


@pytest.fixture
def net():
    """A net of dense layers for `products`, compiled."""

    def made(
        units=(16, 16),
        rate=0.1,
        model=keras.Model,
        loss="binary_crossentropy",
        output="glorot_uniform",
        **arguments,
    ):
        keras.utils.set_random_seed(1)
        inputs = hidden = keras.Input((8,))
        for count in units:
            hidden = keras.layers.Dense(count, **arguments)(hidden)
        last = "sigmoid" if loss == "binary_crossentropy" else None
        outputs = keras.layers.Dense(1, activation=last, kernel_initializer=output)(hidden)
        made = model(inputs, outputs)
        # Nothing is asked of Keras's own step: it need not be compiled.
        made.compile(keras.optimizers.SGD(rate), loss, run_eagerly=model is keras.Model)
        return made

    return made


@pytest.fixture(params=[keras.Model, TrainingModel], ids=["plain", "training_model"])
def kind(request):
    """Keras's model, and ours."""
    return request.param
