"""Pixels: equal to what other decoders give, and the same in any batch, order and place."""

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from images import hollow, jpeg, pixels, png

from keras_recipes.recipes.build import images
from keras_recipes.recipes.build.images import PictureBlock, block, pictures, undecodable
from keras_recipes.recipes.build.preprocessing import Preprocessing
from keras_recipes.recipes.data import Split
from keras_recipes.recipes.data.evaluation import batches_of, evaluation_dataset
from keras_recipes.recipes.data.frame import Frame
from keras_recipes.recipes.data.image_feature import FittedImage, looked_at
from keras_recipes.recipes.data.order import training_dataset
from keras_recipes.recipes.errors import DataError


def table_of(folder, contents):
    names = [f"{index}" for index in range(len(contents))]
    for name, content in zip(names, contents, strict=True):
        (folder / name).write_bytes(content)
    return Frame({"p": pa.array(names)}, "t.csv", folder=str(folder))


def decoded(folder, contents, size=(12, 10), channels=3, fit="resize"):
    feature = FittedImage("p", size, channels, fit)
    return pictures(feature, looked_at(table_of(folder, contents), [feature]))


def mixed(count=7):
    """Pictures of several sizes, formats, and colours."""
    return [
        (png if seed % 2 else jpeg)(pixels(seed, 10 + seed, 14, 1 if seed % 3 else 3))
        for seed in range(count)
    ]


def test_pixels_of_pictures_of_the_size_are_those_of_the_file(tmp_path):
    arrays = [pixels(seed) for seed in range(4)]
    np.testing.assert_array_equal(
        decoded(tmp_path, [png(array) for array in arrays]), np.stack(arrays)
    )


def test_grey_pixels_of_grey_files_stay_what_they_are(tmp_path):
    arrays = [pixels(seed, channels=1) for seed in range(4)]
    contents = [png(array) for array in arrays]
    np.testing.assert_array_equal(decoded(tmp_path, contents, channels=1), np.stack(arrays))
    # Beside a picture with colours the grey ones take another way.
    found = decoded(tmp_path, [*contents, png(pixels(9))], channels=1)
    np.testing.assert_array_equal(found[:4], np.stack(arrays))


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "LA", "CMYK"])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP"])
def test_pixels_are_those_of_pillow(tmp_path, mode, form):
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "x"
    try:
        image.fromarray(pixels(3)).convert("RGB").convert(mode).save(path, form)
    except (OSError, ValueError):
        pytest.skip("the format has no such mode")
    content = path.read_bytes()
    if (form, mode) == ("BMP", "P"):
        with pytest.raises(DataError, match="a table of colours"):
            decoded(tmp_path, [content])
        return
    with image.open(path) as opened:
        expected = {3: opened.convert("RGB"), 1: opened.convert("RGB").convert("L")}
        for channels, picture in expected.items():
            found = decoded(tmp_path, [content], channels=channels)[0].astype(int)
            wanted = np.asarray(picture).reshape(found.shape)
            # The two compute the cosine transform of JPEG with other roundings.
            assert np.abs(found - wanted).max() <= (4 if form == "JPEG" else 0)


@pytest.mark.parametrize("fit", ["resize", "crop", "pad"])
def test_resized_as_tensorflow_and_keras_do(tmp_path, fit):
    array = pixels(5, 40, 25)
    found = decoded(tmp_path, [png(array)], (16, 16), fit=fit)[0].astype(float)
    if fit == "crop":
        array, fit = array[7:32], "resize"  # 25 of 40 rows around the middle
    method = tf.image.resize if fit == "resize" else tf.image.resize_with_pad
    size = ((16, 16),) if fit == "resize" else (16, 16)
    expected = np.clip(np.round(method(array, *size, antialias=True).numpy()), 0, 255)
    np.testing.assert_array_equal(found, expected)
    if fit == "pad":
        assert not found[:, :3].any()
        assert found[:, 4:-4].all()


def test_a_picture_of_one_pixel_can_be_cropped(tmp_path):
    assert decoded(tmp_path, [png(pixels(1, 1, 30))], (9, 3), fit="crop").shape == (1, 9, 3, 3)


def test_pixels_do_not_depend_on_batch_order_or_place(tmp_path, monkeypatch):
    feature = FittedImage("p", (8, 9), 3)
    rows = looked_at(table_of(tmp_path, mixed()), [feature])
    held = pictures(feature, rows)
    assert isinstance(held, np.ndarray)
    monkeypatch.setattr(images, "HELD", 0)
    read = pictures(feature, rows)
    assert isinstance(read, PictureBlock)
    assert read.shape == held.shape == (7, 8, 9, 3)
    np.testing.assert_array_equal(read[2:5], held[2:5])
    np.testing.assert_array_equal(read[:0], held[:0])
    order = np.array([6, 0, 3, 3])
    np.testing.assert_array_equal(read.gather(tf.constant(order)), held[order])
    np.testing.assert_array_equal(read.take(order)[:], held[order])
    np.testing.assert_array_equal(pictures(feature, rows.take(order))[:], held[order])
    for size in (1, 3, 7):
        found = np.concatenate([b.numpy() for b in batches_of(read, size)])
        np.testing.assert_array_equal(found, held)


def test_datasets_of_files_are_those_of_arrays(tmp_path):
    feature = FittedImage("p", (8, 9), 3)
    rows = looked_at(table_of(tmp_path, mixed()), [feature])
    y = np.arange(7)
    splits = [Split(x, y) for x in (block(feature, rows), pictures(feature, rows))]
    pairs = [[evaluation_dataset(split, 2) for split in splits]]
    for start in (0, 1):
        made = [training_dataset(s, batch_size=3, seed=1, start_step=start) for s in splits]
        pairs.append([each.dataset for each in made])
    for read, held in pairs:
        for (x, y), (other, labels) in zip(read, held, strict=True):
            assert x.dtype == other.dtype
            np.testing.assert_array_equal(x, other)
            np.testing.assert_array_equal(y, labels)


def test_bytes_are_decoded_as_files_are(tmp_path):
    feature, contents = FittedImage("p", (8, 9), 3), mixed()
    of_bytes = Frame({"p": pa.array(contents, pa.large_binary())}, "t.parquet")
    np.testing.assert_array_equal(
        pictures(feature, looked_at(of_bytes, [feature])), decoded(tmp_path, contents, (8, 9))
    )


def test_what_only_a_decoder_finds_is_named(tmp_path):
    contents = [*mixed(3), hollow(), *mixed(2)]
    feature = FittedImage("p", (8, 9), 3)
    rows = looked_at(table_of(tmp_path, contents), [feature])
    assert not rows.pictures["p"].problems
    assert list(undecodable(feature, rows)) == [3]
    with pytest.raises(DataError, match="1 picture cannot be read:\n  3: cannot be decoded: "):
        pictures(feature, rows)


def test_two_columns_of_pictures_are_refused_by_name(tmp_path):
    features = [FittedImage(name, (8, 9), 3) for name in ("front", "back")]
    prepared = Preprocessing(features)
    blocks = {
        "image_0": np.zeros((1, 8, 9, 3), "uint8"),
        "image_1": np.zeros((1, 8, 9, 3), "uint8"),
    }
    with pytest.raises(DataError, match="columns `front` and `back` are pictures"):
        prepared.head(blocks)
