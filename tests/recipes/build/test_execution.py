"""How many steps run at once: many of a small network, few of a large one."""

import keras
import pytest

from keras_recipes.models import GradientNoise, wrap
from keras_recipes.recipes.build.execution import jit_compile, step_seconds, steps_per_execution


def model(*layers):
    return keras.Sequential(list(layers))


SMALL = model(keras.Input((4,)), keras.layers.Dense(3))


def test_a_number_that_was_asked_for_is_taken():
    assert steps_per_execution(7, 5, SMALL, 32) == 7


def test_a_small_network_runs_many_steps_and_no_more_than_an_epoch():
    assert steps_per_execution("auto", 1000, SMALL, 32) == 128
    assert steps_per_execution("auto", 12, SMALL, 32) == 12


def test_a_large_network_returns_to_python_after_a_step():
    large = model(keras.Input((4000,)), keras.layers.Dense(4000))
    assert steps_per_execution("auto", 1000, large, 1024) == 1


def test_a_convolution_uses_its_kernel_at_every_pixel():
    # 3 * 3 * 2 * 5 weights and 5 biases, at 8 x 8 pixels, 6 operations, a batch of 10.
    net = model(keras.Input((8, 8, 2)), keras.layers.Conv2D(5, 3, padding="same"))
    assert step_seconds(net, 10) == pytest.approx(95 * 64 * 6 * 10 / 5e10)


def test_a_recurrent_layer_uses_its_kernel_at_every_step():
    net = model(keras.Input((20, 2)), keras.layers.SimpleRNN(3))
    assert step_seconds(net, 1) == pytest.approx((6 + 9 + 3) * 20 * 6 / 5e10)


def test_xla_compiles_large_networks_of_dense_layers_alone():
    dense = model(keras.Input((400,)), keras.layers.Dense(200, activation="relu"))
    dropout = model(keras.Input((400,)), keras.layers.Dense(200), keras.layers.Dropout(0.5))
    assert jit_compile("auto", dense)
    assert not jit_compile("auto", dropout)
    assert not jit_compile("auto", SMALL)
    assert jit_compile(True, dropout)
    assert not jit_compile(False, dense)


def test_xla_loops_over_rows_in_memory_where_an_epoch_has_many_steps():
    enough = {"looped": True, "steps_per_epoch": 250}
    assert jit_compile("auto", SMALL, **enough)
    assert not jit_compile("auto", SMALL, **{**enough, "steps_per_epoch": 249})
    assert not jit_compile("auto", SMALL, **{**enough, "looped": False})
    pictures = model(keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3), keras.layers.Flatten())
    assert not jit_compile("auto", pictures, **enough)
    idle = model(keras.Input((9,)), keras.layers.Dropout(0.0), keras.layers.Dense(1))
    assert jit_compile("auto", idle, **enough)


def test_xla_does_not_draw_the_numbers_of_a_step():
    enough = {"looped": True, "steps_per_epoch": 250}
    dropout = model(keras.Input((9,)), keras.layers.Dropout(0.5), keras.layers.Dense(1))
    assert not jit_compile("auto", dropout, **enough)
    layers = keras.Input((400,)), keras.layers.Dense(200)
    assert jit_compile("auto", wrap(model(*layers)))
    assert not jit_compile("auto", wrap(model(*layers), gradient_transforms=GradientNoise()))
