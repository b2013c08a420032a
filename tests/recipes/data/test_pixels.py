"""Pixels without TensorFlow, beside those that TensorFlow makes of the same files."""

import io

import numpy as np
import pytest
import tensorflow as tf
from images import hollow, pixels
from PIL import Image

from keras_recipes.recipes.build.images import PictureBlock
from keras_recipes.recipes.data import pixels as light
from keras_recipes.recipes.data.image_feature import FittedImage
from keras_recipes.recipes.data.image_files import BrokenPicture, checked
from keras_recipes.recipes.data.python_columns import from_columns

DRAW = np.random.default_rng(0)
NOISE = DRAW.integers(0, 256, (32, 40, 4)).astype("uint8")
DEEP = DRAW.integers(0, 1 << 16, (32, 40, 4)).astype("uint16")
SMOOTH = Image.fromarray(pixels(1, 32, 40))


def encoded(picture, form, **options):
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def few(count):
    """Noise in some number of colours."""
    return Image.fromarray(NOISE[:, :, :3]).quantize(count)


def by_tensorflow(content, feature):
    header = checked(content)
    same = (header.height, header.width) == feature.size
    cells = tf.constant([content])
    block = PictureBlock(feature, cells, files=False, grey=header.grey, same=same)
    return block.decoded(cells[0]).numpy()


RGB, GREY = Image.fromarray(NOISE[:, :, :3]), Image.fromarray(NOISE[:, :, 0])
EXACT = {
    "png": lambda: encoded(RGB, "PNG"),
    "png_grey": lambda: encoded(GREY, "PNG"),
    "png_alpha": lambda: encoded(Image.fromarray(NOISE, "RGBA"), "PNG"),
    "png_grey_alpha": lambda: tf.io.encode_png(NOISE[:, :, :2]).numpy(),
    "png_1_bit": lambda: encoded(Image.fromarray(NOISE[:, :, 0] > 99), "PNG"),
    "png_palette": lambda: encoded(few(200), "PNG"),
    "png_palette_transparent": lambda: encoded(few(12), "PNG", transparency=3, bits=4),
    "png_16": lambda: tf.io.encode_png(DEEP[:, :, :3]).numpy(),
    "png_16_grey": lambda: tf.io.encode_png(DEEP[:, :, :1]).numpy(),
    "png_16_alpha": lambda: tf.io.encode_png(DEEP).numpy(),
    "png_16_grey_alpha": lambda: tf.io.encode_png(DEEP[:, :, :2]).numpy(),
    "gif": lambda: encoded(few(200), "GIF"),
    "gif_transparent": lambda: encoded(few(20), "GIF", transparency=3),
    "gif_frames": lambda: encoded(few(20), "GIF", save_all=True, append_images=[few(9)]),
    "bmp": lambda: encoded(RGB, "BMP"),
    "bmp_grey": lambda: encoded(GREY, "BMP"),
    "bmp_alpha": lambda: encoded(Image.fromarray(NOISE, "RGBA"), "BMP"),
    "jpeg": lambda: encoded(RGB, "JPEG", quality=50, subsampling=0),
    "jpeg_subsampled": lambda: encoded(SMOOTH, "JPEG", quality=95, subsampling=2),
    "jpeg_best": lambda: encoded(RGB, "JPEG", quality=100),
    "jpeg_progressive": lambda: encoded(SMOOTH, "JPEG", progressive=True),
    "jpeg_grey": lambda: encoded(GREY, "JPEG"),
    "jpeg_inks": lambda: encoded(RGB.convert("CMYK"), "JPEG"),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", EXACT)
def test_both_decode_the_same_pixels(name, channels):
    content, feature = EXACT[name](), FittedImage("a", (32, 40), channels)
    wanted = by_tensorflow(content, feature)
    np.testing.assert_array_equal(light.pixels_of(content, feature), wanted)


@pytest.mark.parametrize("fit", ["resize", "crop", "pad"])
@pytest.mark.parametrize("size", [(16, 20), (96, 96), (7, 33), (3, 2), (61, 5)], ids=str)
def test_resized_pixels_are_those_of_tensorflow(fit, size):
    content, feature = encoded(RGB, "PNG"), FittedImage("a", size, 3, fit)
    wanted = by_tensorflow(content, feature).astype(int)
    apart = np.abs(light.pixels_of(content, feature).astype(int) - wanted)
    assert apart.max() <= 1
    assert (apart > 0).mean() < 1e-2


def test_weights_of_a_line_that_keeps_its_length_are_the_identity():
    np.testing.assert_array_equal(light.weights(5, 5), np.eye(5))
    np.testing.assert_allclose(light.weights(37, 11).sum(axis=1), 1, rtol=1e-6)


def test_what_cannot_be_decoded_is_named():
    feature = FittedImage("photo", (12, 10), 3)
    rows = from_columns({"photo": [encoded(RGB, "PNG"), hollow()]}, "rows")
    found = light.undecodable(feature, rows)
    assert list(found) == [1]
    assert "cannot be decoded" in found[1]
    with pytest.raises(BrokenPicture, match="cannot be decoded"):
        light.pixels_of(b"\x89PNG\r\n\x1a\n", feature)
    with pytest.raises(BrokenPicture, match="of 40 x 32 pixels is too narrow for 1 x 1"):
        light.pixels_of(encoded(RGB, "PNG"), FittedImage("photo", (1, 1), 3, "pad"))
    assert light.gathered(feature, rows)(np.array([0])).shape == (1, 12, 10, 3)
