"""Pictures as the networks of `keras.applications` take them."""

import keras
import numpy as np
import pytest

from keras_recipes.models import pixels

ROWS = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3)).astype("float32")
# The function of Keras for each way of preprocessing, as an oracle.
KERAS = {
    pixels.signed: keras.applications.mobilenet_v2.preprocess_input,
    pixels.caffe: keras.applications.vgg16.preprocess_input,
    pixels.torch: keras.applications.densenet.preprocess_input,
}


@pytest.mark.parametrize("prepare", KERAS, ids=lambda made: made.__name__)
def test_pixels_are_those_of_keras_and_come_back_from_a_file(prepare, tmp_path):
    inputs = keras.Input((4, 5, 3))
    model = keras.Model(inputs, prepare(inputs))
    expected = KERAS[prepare](ROWS.copy())
    np.testing.assert_allclose(model(ROWS), expected, rtol=1e-4, atol=2e-5)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again(ROWS), model(ROWS))


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 3)])
def test_grey_pictures_get_three_equal_colours(shape):
    rows = np.arange(2 * np.prod(shape), dtype="float32").reshape(2, *shape)
    inputs = keras.Input(shape)
    # Before Keras 3.14 an input cannot be an output.
    outputs = keras.layers.Identity()(pixels.in_colour(inputs))
    found = np.asarray(keras.Model(inputs, outputs)(rows))
    expected = rows if shape[-1] == 3 else np.stack([rows.reshape(2, 4, 5)] * 3, axis=-1)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", [(4,), (4, 5, 2), (4, 5, 3, 3)])
def test_what_is_no_picture_is_refused(shape):
    with pytest.raises(ValueError, match="takes pictures"):
        pixels.in_colour(keras.Input(shape))
