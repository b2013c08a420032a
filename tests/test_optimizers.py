"""What an optimizer leaves behind in a process that trains one model after another."""

import gc
from contextlib import nullcontext

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.models import wrap
from keras_recipes.optimizers import updating
from keras_recipes.pretraining import RBM, ConvRBM

ROWS = np.random.default_rng(0).random((16, 4)).astype("float32")


def dense(optimizer):
    layers = [keras.Input((4,)), keras.layers.Dense(2)]
    model = wrap(keras.Sequential(layers))
    model.compile(optimizer, "mse")
    model.fit(ROWS, ROWS[:, :2], batch_size=8, verbose=0)


def rbm(optimizer):
    model = RBM(3)
    model.compile(optimizer)
    model.fit(ROWS, batch_size=8, verbose=0)


def convolutional(optimizer):
    model = ConvRBM(2, 2, pool=1)
    model.compile(optimizer)
    model.fit(ROWS.reshape(16, 2, 2, 1), batch_size=8, verbose=0)


def graphs():
    """The number of graphs in memory: each is of a function that TensorFlow has traced."""
    keras.backend.clear_session()
    gc.collect()
    return sum(isinstance(found, tf.Graph) for found in gc.get_objects())


@pytest.mark.parametrize("train", [dense, rbm, convolutional])
def test_a_training_that_has_ended_leaves_no_graph_behind(train):
    """A sweep trains hundreds of models in a process."""

    def left():
        train(keras.optimizers.SGD(0.1))
        return graphs()

    left()
    assert left() == left()


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, keras.optimizers.Adam])
def test_an_update_is_that_of_keras(optimizer):
    values = []
    for block in (updating, lambda optimizer: nullcontext()):
        variable, made = keras.Variable(np.ones(3, "float32")), optimizer(0.1)
        made.build([variable])
        with block(made):
            made.apply([tf.constant([1.0, -2.0, 0.5])], [variable])
        values.append(np.array(variable))
        assert "_all_reduce_sum_gradients" not in vars(made)
    np.testing.assert_array_equal(*values)
