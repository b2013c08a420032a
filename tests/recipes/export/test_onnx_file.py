"""ONNX files, sound and hostile, as bytes: no library writes or reads them here."""

from contextlib import suppress

import pytest

from keras_recipes.recipes.errors import RequestError
from keras_recipes.recipes.export import onnx_file, wire
from keras_recipes.recipes.export.wire import field, written


def number(index, value):
    return written(index << 3) + written(value)


def tensor(*sizes, data=b"", more=b""):
    return b"".join(number(1, size) for size in sizes) + field(9, data) + more


def model(graph=b""):
    return number(1, 8) + field(7, graph)


def file(tmp_path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    return path


def test_the_proof_is_behind_the_model_and_outside_of_its_digest(tmp_path):
    content = model(field(5, tensor(2, 3, data=bytes(24))))
    path = file(tmp_path, content)
    before = onnx_file.read(path)
    digests = []

    def make(body):
        digests.append(body)
        return b'{"a": 1}'

    onnx_file.attach(path, make)
    after = onnx_file.read(path)
    assert before.proof is None
    assert after.proof == b'{"a": 1}'
    assert before.body == after.body == digests[0]
    assert path.read_bytes().startswith(content)


@pytest.mark.parametrize("place", range(0, 30, 3))
def test_a_flipped_byte_of_the_model_changes_its_digest(tmp_path, place):
    path = file(tmp_path, model(field(5, tensor(2, 3, data=bytes(24)))))
    body = onnx_file.read(path).body
    content = bytearray(path.read_bytes())
    content[-1 - place] ^= 1
    path.write_bytes(content)
    with suppress(RequestError):  # where it is no message any more
        assert onnx_file.read(path).body != body


def inside(content):
    """A tensor in an attribute of a node of a graph in an attribute of a node."""
    node = field(5, field(5, content))
    graph = field(1, node)
    return model(field(1, field(5, field(6, graph))))


ELSEWHERE = tensor(2, more=field(13, field(1, b"location") + field(2, b"../../etc/passwd")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (model(field(5, ELSEWHERE)), "another file"),
        (inside(ELSEWHERE), "another file"),
        (model(field(5, tensor(2, more=number(14, 1)))), "another file"),
        (model(field(5, tensor(10**12, 10**6, data=bytes(8)))), "tensor of shape"),
        (inside(tensor(1 << 62, data=b"")), "tensor of shape"),
        (model(field(5, field(1, written(1 << 40) + written(1 << 40)))), "tensor of shape"),
        (model()[:-1] + b"\x7f", "is no ONNX model"),
        (number(1, 8), "has no graph"),
        (b"\x00", "is no ONNX model"),
        (b"\xff" * 40, "is no ONNX model"),
        (b"", "has no graph"),
    ],
    ids=["outside", "deep", "location", "huge", "deep-huge", "packed", "cut", "none", "zero",
         "varint", "empty"],
)  # fmt: skip
def test_a_hostile_file_is_refused(tmp_path, content, message):
    with pytest.raises(RequestError, match=message):
        onnx_file.read(file(tmp_path, content))


def test_graphs_nest_no_deeper_than_a_bound(tmp_path):
    content = b""
    for _ in range(200):
        content = field(1, field(5, field(6, content)))
    with pytest.raises(RequestError, match="nested too deeply"):
        onnx_file.read(file(tmp_path, model(content)))


def test_numbers_are_written_as_they_are_read():
    for value in (0, 1, 127, 128, 300, (1 << 64) - 1):
        content = written(value)
        assert wire.varint(memoryview(content), 0, len(content)) == (value, len(content))
