"""Plain data comes back exactly, and nothing is read that was never written."""

import io
import json
import zipfile

import ml_dtypes
import numpy as np
import pytest

from keras_recipes.callbacks.codec import (
    ArrayList,
    EncodeError,
    decode,
    encode,
    read_arrays,
    write_arrays,
)
from keras_recipes.callbacks.run_state import CheckpointStore

PLAIN = [
    None,
    True,
    7,
    -1.5e-320,
    float("inf"),
    "ü",
    (1, (2, [3, ()])),
    {"a": {"b": []}},
    {1: "one", (2, 3): "pair"},
    {"__array__": 1},
    np.float32(0.1),
    np.bool_(True),
]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_data_comes_back_as_it_was(value):
    arrays = ArrayList()
    found = decode(json.loads(json.dumps(encode(value, arrays), allow_nan=False)), arrays)
    assert found == value
    assert type(found) is type(value)


def test_arrays_come_back_bit_for_bit(tmp_path):
    store = CheckpointStore(tmp_path)
    weird = np.array([np.nan, -0.0, 1e-45], "float32")
    half = np.arange(6).reshape(2, 3).astype(ml_dtypes.bfloat16)
    arrays = ArrayList()
    encoded = encode({"weird": weird, "half": half, "again": weird, "none": np.array(3)}, arrays)
    assert len(arrays) == 3, "the same array is stored once"
    store.save(arrays, encoded)
    newest = store.search().newest
    found = decode(newest.state, newest.arrays)
    assert found["weird"].tobytes() == found["again"].tobytes() == weird.tobytes()
    assert found["half"].dtype == half.dtype
    assert found["half"].tobytes() == half.tobytes()
    assert found["none"].shape == ()


@pytest.mark.parametrize("value", [object(), {1, 2}, [lambda: 0], np.array([object()])])
def test_what_is_not_plain_data_is_refused(value):
    with pytest.raises(EncodeError, match="not plain data"):
        encode(value, ArrayList())


VALUES = {
    "an array before the first": {"__array__": -1},
    "an array beyond the last": {"__array__": 2},
    "an array by a truth value": {"__array__": True},
    "an array by text": {"__array__": "0"},
    "an array and more": {"__array__": 0, "other": 1},
    "an array of objects": {"__array__": 1, "dtype": "O", "shape": [1]},
    "an array of texts": {"__array__": 1, "dtype": "U2", "shape": [1]},
    "an array of structures": {"__array__": 1, "dtype": "i4,i4", "shape": [1]},
    "an array of floats": {"__array__": 1, "dtype": "float32", "shape": [2]},
    "an array of nothing": {"__array__": 1, "dtype": None, "shape": [8]},
    "a negative shape": {"__array__": 1, "dtype": "bfloat16", "shape": [-4]},
    "a huge shape": {"__array__": 1, "dtype": "bfloat16", "shape": [10**15]},
    "a shape of text": {"__array__": 1, "dtype": "bfloat16", "shape": "4"},
    "bytes that are none": {"__array__": 0, "dtype": "bfloat16", "shape": [4]},
    "code": {"__number__": "1+1"},
    "a number as such": {"__number__": 1.0},
    "a scalar of text": {"__scalar__": "a", "dtype": "float32"},
    "a scalar of a list": {"__scalar__": [1], "dtype": "float32"},
    "a scalar of objects": {"__scalar__": 1, "dtype": "object"},
    "a scalar of time": {"__scalar__": 1, "dtype": "datetime64"},
    "a scalar without a type": {"__scalar__": 1},
    "a scalar too large": {"__scalar__": 10**400, "dtype": "int64"},
    "a tuple of text": {"__tuple__": "abc"},
    "pairs of one": {"__pairs__": [[1]]},
    "pairs of text": {"__pairs__": ["ab"]},
    "a list for a key": {"__pairs__": [[[1], 2]]},
    "an array for a key": {"__pairs__": [[{"__array__": 0}, 2]]},
    "a record of nothing": {"__record__": None, "fields": {}},
    "a record of a list": {"__record__": [1], "fields": {}},
    "an unknown record": {"__record__": "object", "fields": {}},
    "a record without fields": {"__record__": "Finding"},
    "a record of other fields": {"__record__": "Finding", "fields": {"a": 1}},
    "a record of other types": {
        "__record__": "Finding",
        "fields": {
            "kind": 1, "epoch": 1, "layer": None, "value": 0.0, "message": "", "remedy": "",
        },
    },
    "two marks": {"__array__": 0, "__tuple__": []},
}  # fmt: skip
ARRAYS = [np.zeros(3), np.zeros(8, np.uint8)]


@pytest.mark.parametrize("name", VALUES)
def test_what_is_never_encoded_is_refused(name):
    for value in (VALUES[name], [VALUES[name]], {"a": {"__tuple__": [VALUES[name]]}}):
        with pytest.raises(ValueError, match=r"\S"):
            decode(value, ARRAYS)


def test_depth_is_bounded():
    deep: list = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(ValueError, match="nested more than 60 deep"):
        decode(deep, [])
    with pytest.raises(ValueError, match="nested more than 60 deep"):
        decode({"__pairs__": [[1, deep]]}, [])


def test_arrays_take_no_more_than_their_file():
    file = io.BytesIO()
    write_arrays(file, [np.arange(3), np.float32(2), np.zeros((0, 2))])
    found = read_arrays(file.getvalue())
    assert [array.shape for array in found] == [(3,), (), (0, 2)]
    one = io.BytesIO()
    np.lib.format.write_array(one, np.zeros(3))
    content = one.getvalue()
    objects = io.BytesIO()
    np.lib.format.write_array(objects, np.array([{}], dtype=object))
    huge = content.replace(b"(3,), }" + b" " * 8, b"(300000000,), }")
    cases = [
        ("000000.npy", huge, zipfile.ZIP_STORED),
        ("000000.npy", content.replace(b"(3,)", b"(-3,)"), zipfile.ZIP_STORED),
        ("000000.npy", bytes(10**6), zipfile.ZIP_DEFLATED),
        ("000000.npy", objects.getvalue(), zipfile.ZIP_STORED),
        ("000000.npy", content + b"more", zipfile.ZIP_STORED),
        ("000001.npy", content, zipfile.ZIP_STORED),
        ("../000000.npy", content, zipfile.ZIP_STORED),
    ]  # fmt: skip
    for name, data, pack_as in cases:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", pack_as) as target:
            target.writestr(name, data)
        with pytest.raises(ValueError, match=r"\S"):
            read_arrays(archive.getvalue())
