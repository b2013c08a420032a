"""TFRecord files: what TensorFlow wrote is read, and what is damaged is named."""

import gzip
import struct

import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.recipes.data.sources import SOURCES
from keras_recipes.recipes.errors import DataError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (5000, 4, 3), dtype="uint8")
VECTORS = RNG.normal(size=(5000, 2)).astype("float32")
NAMES = [f"그림 {n}" for n in range(5000)]
FEATURES = {
    "image": {"shape": [4, 3], "dtype": "uint8"},
    "vector": {"shape": [2]},
    "name": {"dtype": "string"},
    "age": {"dtype": "int64"},
    "weight": {},
}


def feature(value):
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    if isinstance(value, int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    return tf.train.Feature(float_list=tf.train.FloatList(value=np.ravel(value)))


def example(values):
    features = {name: feature(value) for name, value in values.items() if value is not None}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def records(count=5000):
    for n in range(count):
        missing = n % 7 == 3
        values = {"image": IMAGES[n].tobytes(), "vector": VECTORS[n], "name": NAMES[n].encode()}
        values |= {"age": None if missing else n, "weight": None if missing else n / 4}
        yield example(values)


def write(path, serialized, packed=""):
    with tf.io.TFRecordWriter(str(path), packed) as writer:
        for record in serialized:
            writer.write(record)
    return str(path)


@pytest.mark.parametrize("packed", ["", "GZIP"])
def test_features_become_columns(tmp_path, packed):
    frame = SOURCES["tfrecord"](write(tmp_path / "a", records(), packed), FEATURES)
    assert len(frame) == 5000
    np.testing.assert_array_equal(frame["image"], IMAGES)
    np.testing.assert_array_equal(frame["vector"], VECTORS)
    assert frame["name"].to_pylist() == NAMES
    whole = [None if n % 7 == 3 else n for n in range(5000)]
    assert frame["age"].to_pylist() == whole
    assert frame["weight"].to_pylist() == [None if n is None else n / 4 for n in whole]


def test_several_files_and_a_described_part_of_the_features(tmp_path):
    for name in ("b", "a"):
        write(tmp_path / f"{name}.tfrecord", records(3))
    frame = SOURCES["tfrecord"](str(tmp_path / "*.tfrecord"), {"age": {"dtype": "int64"}})
    assert frame["age"].to_pylist() == [0, 1, 2, 0, 1, 2]
    assert frame.locate(4) == f"{tmp_path}/b.tfrecord, record 1 (from 0)"


def damaged(path, change):
    content = bytearray(path.read_bytes())
    path.write_bytes(bytes(change(content)))


def record_at(content, number):
    at = 0
    for _ in range(number):
        at += 16 + struct.unpack("<Q", content[at : at + 8])[0]
    return at


def flipped(content):
    content[record_at(content, 2) + 14] ^= 1
    return content


def long(content):
    content[record_at(content, 2) + 6] = 1
    return content


DAMAGE = {
    "a byte of the data": (flipped, r"record 2 \(from 0\) is damaged: its checksum is wrong"),
    "a length": (long, r"its first 3 records claim .* or record 2 \(from 0\) is damaged"),
    "cut in the data": (lambda c: c[: record_at(c, 2) + 20], r"record 2 \(from 0\) is cut short"),
    "cut in a length": (lambda c: c[: record_at(c, 2) + 5], r"record 2 \(from 0\) is cut short"),
    "nothing": (lambda c: b"", "has no records"),
    "something else": (lambda c: b"a,b\n1,2\n" * 9, "is damaged|is cut short"),
    "packed and cut": (lambda c: gzip.compress(bytes(c))[:-40], "is a damaged gzip file"),
    "packed and flipped": (lambda c: gzip.compress(bytes(flipped(c))), "record 2 .* is damaged"),
}


@pytest.mark.parametrize(("change", "reason"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_record_is_named(tmp_path, change, reason):
    path = tmp_path / "a.tfrecord"
    write(path, records(5))
    damaged(path, change)
    with pytest.raises(DataError, match=reason) as found:
        SOURCES["tfrecord"](str(path), FEATURES)
    assert str(found.value).startswith(str(path))


WRONG = {
    "another size": ({"vector": {"shape": [3]}}, r"record 0 .* `vector` has 2 values; expected 3"),
    "several values": ({"vector": {}}, r"record 0 .* `vector` has 2 values; expected 1"),
    "other bytes": ({"image": {"shape": [5, 3], "dtype": "uint8"}}, r"12 bytes; expected 15"),
    "another type": ({"name": {"dtype": "int64"}}, r"record 0 .* `name` that are stored as int64"),
    "no text": ({"image": {"dtype": "string"}}, "bytes that are no UTF-8 text"),
    "not there": ({"other": {"shape": [2]}}, r"record 0 .* `other` has 0 values; expected 2"),
    "words with a shape": ({"name": {"shape": [1], "dtype": "string"}}, "words have no shape"),
}


@pytest.mark.parametrize(("features", "reason"), WRONG.values(), ids=WRONG.keys())
def test_features_that_are_not_as_described(tmp_path, features, reason):
    with pytest.raises(DataError, match=reason):
        SOURCES["tfrecord"](write(tmp_path / "a", records(3)), features)


def test_records_that_are_no_examples(tmp_path):
    path = write(tmp_path / "a", [example({"age": 1}), b"\xff\xff\xff"])
    with pytest.raises(DataError, match=r"record 1 \(from 0\) is no `tf.train.Example`"):
        SOURCES["tfrecord"](path, {"age": {"dtype": "int64"}})


def test_a_list_that_claims_more_than_its_record_holds(tmp_path):
    """TensorFlow's own parser of examples allocates 4 GiB for it, and may end the process."""

    def message(tag, content, claimed=None):
        length, size = b"", len(content) if claimed is None else claimed
        while size > 127:
            length, size = length + bytes([size & 127 | 128]), size >> 7
        return bytes([tag << 3 | 2]) + length + bytes([size]) + content

    numbers = message(2, message(1, bytes(8), claimed=(1 << 32) - 8))
    record = message(1, message(1, message(1, b"x") + message(2, numbers)))
    write(tmp_path / "rows.tfrecord", [example({"x": 1.0}), record])
    with pytest.raises(DataError, match=r"record 1 \(from 0\) is no `tf.train.Example`"):
        SOURCES["tfrecord"](str(tmp_path / "rows.tfrecord"), {"x": {}})
