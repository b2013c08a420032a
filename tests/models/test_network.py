"""The network builder and the losses."""

import keras
import numpy as np
import pytest

from keras_recipes.models import (
    LayerError,
    Residual,
    RootMeanSquaredError,
    SumOfSquares,
    build_network,
)


def dense(units, **arguments):
    return keras.layers.Dense(units, **arguments)


def test_layers_are_connected_in_order():
    inputs, outputs = build_network(
        (4,), [dense(3), dense(2)], dense(1), scaling=keras.layers.Rescaling(0.5)
    )
    model = keras.Model(inputs, outputs)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["InputLayer", "Rescaling", "Dense", "Dense", "Dense"]
    assert model.output_shape == (None, 1)


def test_a_residual_block_adds_its_input():
    inner = dense(4, kernel_initializer="zeros")
    inputs, outputs = build_network((4,), [Residual([inner])])
    x = np.arange(8.0).reshape(2, 4).astype("float32")
    np.testing.assert_array_equal(keras.Model(inputs, outputs)(x), x)


def test_a_projection_brings_the_input_to_the_shape():
    _, outputs = build_network((4,), [Residual([dense(6)], shortcut="projection")])
    assert outputs.shape == (None, 6)


def test_a_projection_follows_the_strides_of_a_convolution():
    block = Residual([keras.layers.Conv2D(6, 3, strides=2, padding="same")], shortcut="projection")
    _, outputs = build_network((9, 9, 2), [block])
    assert outputs.shape == (None, 5, 5, 6)


@pytest.mark.parametrize(
    ("layers", "path", "message"),
    [
        ([dense(3), Residual([dense(5)])], ("layers", 1), "shortcut: projection"),
        ([keras.layers.Conv2D(3, 3)], ("layers", 0), "does not take input of shape"),
        (
            [Residual([dense(4), keras.layers.Conv1D(3, 3)])],
            ("layers", 0, "residual", 1),
            "`Conv1D` does not take input of shape",
        ),
    ],
)
def test_a_layer_that_does_not_fit_is_named(layers, path, message):
    with pytest.raises(LayerError, match=message) as caught:
        build_network((4,), layers)
    assert caught.value.index_path == path


def test_sum_of_squares():
    truth = np.array([[0.0, 0.0], [1.0, 1.0]])
    predicted = np.array([[3.0, 4.0], [1.0, 3.0]])
    # Rows: (9 + 16) / 2 and 4 / 2; their mean.
    assert float(SumOfSquares()(truth, predicted)) == pytest.approx((12.5 + 2.0) / 2)


def test_root_mean_squared_error():
    truth, predicted = np.zeros((4, 1)), np.array([[1.0], [2.0], [3.0], [4.0]])
    assert float(RootMeanSquaredError()(truth, predicted)) == pytest.approx(np.sqrt(30 / 4))
    weights = np.array([1.0, 0.0, 0.0, 1.0])
    assert float(RootMeanSquaredError()(truth, predicted, weights)) == pytest.approx(
        np.sqrt(17 / 2)
    )


@pytest.mark.parametrize("loss", [SumOfSquares, RootMeanSquaredError])
def test_a_loss_trains_and_comes_back_from_a_saved_model(loss, tmp_path):
    inputs, outputs = build_network((2,), [], dense(1))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.05), loss())
    x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    y = x @ np.array([[2.0], [-1.0]])
    history = model.fit(x, y, epochs=40, verbose=0).history["loss"]
    assert history[-1] < 0.2 * history[0]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.evaluate(x, y, verbose=0) == pytest.approx(
        model.evaluate(x, y, verbose=0), rel=1e-5
    )


def test_what_comes_beside_an_image_is_joined_behind_its_convolutions():
    image, numbers = keras.Input((8, 8, 1)), keras.Input((3,))
    layers = [keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(4)]
    _, tensor = build_network((), layers, start=((image, numbers), image), beside=numbers)
    assert tensor.shape == (None, 4)
    assert layers[2].kernel.shape == (6 * 6 * 2 + 3, 4)
    with pytest.raises(LayerError, match="Put `flatten` or a global pooling layer"):
        build_network((), layers[:1], start=((image, numbers), image), beside=numbers)
