"""Pixels in the cache are those that the decoder gives, and are decoded once."""

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from images import jpeg, pixels, png

from keras_recipes import disk
from keras_recipes.recipes.build import images
from keras_recipes.recipes.build.images import PictureBlock, pictures
from keras_recipes.recipes.build.stored_block import StoredBlock
from keras_recipes.recipes.data import Split, cache
from keras_recipes.recipes.data.frame import Frame
from keras_recipes.recipes.data.image_feature import FittedImage, looked_at
from keras_recipes.recipes.data.order import training_dataset

FEATURE = FittedImage("p", (8, 9), 3)
COUNT = 7


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """Rows of pictures of several sizes, with no room for them in memory."""
    monkeypatch.setattr(images, "HELD", 0)
    monkeypatch.setenv("KERAS_RECIPES_CACHE", str(tmp_path / "cache"))
    return looked(tmp_path / "files")


def looked(folder, first=0, feature=FEATURE):
    folder.mkdir(exist_ok=True)
    names = [f"{index}" for index in range(COUNT)]
    for index, name in enumerate(names):
        array = pixels(first + index, 10 + index, 14)
        (folder / name).write_bytes((png if index % 2 else jpeg)(array))
    return looked_at(Frame({"p": pa.array(names)}, "t.csv", folder=str(folder)), [feature])


@pytest.fixture
def decodings(monkeypatch):
    """How often all pictures of a block were decoded."""
    found, batches = [], PictureBlock.batches

    def counted(block):
        # A generator: it counts when the first batch is asked for.
        found.append(len(block))
        yield from batches(block)

    monkeypatch.setattr(PictureBlock, "batches", counted)
    return found


def test_they_are_those_of_the_decoder_and_decoded_once(rows, decodings):
    expected = pictures(FEATURE, rows)
    assert isinstance(expected, PictureBlock)
    decodings.clear()
    for _ in range(2):
        found = pictures(FEATURE, rows, store=True)
        assert isinstance(found, StoredBlock)
        assert (found.shape, found.dtype) == ((COUNT, *FEATURE.shape), "uint8")
    assert decodings == [COUNT]
    np.testing.assert_array_equal(found[:], expected[:])
    order = np.array([6, 0, 3, 3])
    np.testing.assert_array_equal(found.gather(tf.constant(order)), expected[:][order])
    np.testing.assert_array_equal(found.take(order)[:], expected[:][order])


def test_a_batch_of_training_is_the_same(rows):
    y = np.arange(COUNT)
    sides = [
        training_dataset(Split(x, y), batch_size=3, seed=1).dataset
        for x in (pictures(FEATURE, rows), pictures(FEATURE, rows, store=True))
    ]
    for (x, labels), (other, others) in zip(*sides, strict=True):
        np.testing.assert_array_equal(x, other)
        np.testing.assert_array_equal(labels, others)


def test_the_content_and_the_size_decide_which_they_are(rows, tmp_path, decodings):
    pictures(FEATURE, rows, store=True)
    moved = looked(tmp_path / "elsewhere")
    pictures(FEATURE, moved, store=True)
    assert decodings == [COUNT]
    for others, feature in (
        (looked(tmp_path / "files", first=1), FEATURE),
        (rows, FittedImage("p", (9, 8), 3)),
        (rows.take(np.array([1, 0])), FEATURE),
    ):
        decodings.clear()
        found = pictures(feature, others, store=True)
        assert isinstance(found, StoredBlock)
        assert len(decodings) == 1
        np.testing.assert_array_equal(found[:], pictures(feature, others)[:])


def test_a_damaged_file_is_made_again(rows, decodings):
    path = pictures(FEATURE, rows, store=True).path
    content = bytearray(path.read_bytes())
    content[-50] ^= 1
    path.write_bytes(content)
    np.testing.assert_array_equal(
        pictures(FEATURE, rows, store=True)[:], pictures(FEATURE, rows)[:]
    )
    assert bytes(content) != path.read_bytes()


def refuse(*_):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "prevent",
    [
        lambda patch: patch.setenv("KERAS_RECIPES_CACHE", "off"),
        lambda patch: patch.setattr(cache, "has_room", lambda size: False),
        lambda patch: patch.setattr(cache, "MOST_BYTES", 100),
        lambda patch: patch.setattr(disk.Cached, "write", refuse),
    ],
    ids=["no cache", "no room", "larger than the cache", "a disk that fills"],
)
def test_without_a_place_they_are_decoded_as_they_are_read(rows, monkeypatch, prevent, tmp_path):
    prevent(monkeypatch)
    found = pictures(FEATURE, rows, store=True)
    assert isinstance(found, PictureBlock)
    assert found[:].shape == (COUNT, *FEATURE.shape)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
