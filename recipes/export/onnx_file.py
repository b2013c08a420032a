"""The proof as a metadata property of an ONNX file, and what is refused before it is run.

Messages of protocol buffers are concatenated by concatenating their bytes, so the proof is written
behind the model, whose bytes stay as they are.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

from ... import disk
from . import wire
from .carried import MOST_PROOF, NAME, Carried, damaged, whole, without

# Fields of `ModelProto` and of the messages in it that may lead to a tensor; see onnx.proto.
PROPERTIES = 14
MODEL, GRAPH, NODE, ATTRIBUTE, TENSOR, SPARSE, FUNCTION, TRAINING = range(8)
INNER: Mapping[int, Mapping[int, int]] = {
    MODEL: {7: GRAPH, 20: TRAINING, 25: FUNCTION},
    GRAPH: {1: NODE, 5: TENSOR, 15: SPARSE},
    NODE: {5: ATTRIBUTE},
    ATTRIBUTE: {5: TENSOR, 6: GRAPH, 10: TENSOR, 11: GRAPH, 22: SPARSE, 23: SPARSE},
    SPARSE: {1: TENSOR, 2: TENSOR},
    FUNCTION: {7: NODE, 11: ATTRIBUTE},
    TRAINING: {1: GRAPH, 2: GRAPH},
    TENSOR: {},
}
DIMS, EXTERNAL, LOCATION = 1, 13, 14
# Fields of a tensor that hold numbers: floats, ints, words, bytes.
NUMBERS = (4, 5, 6, 7, 9, 10, 11)
# The smallest numbers have 4 bits; several words may be empty.
PER_BYTE = 2
DEEPEST = 64


def read(path: Path) -> Carried:
    """Look through an ONNX file, and find its proof.

    Raises:
        RequestError: it is no ONNX file, keeps tensors in other files, or claims more than it has.
    """
    content = whole(path)
    try:
        proof, first, last = _looked_through(path, memoryview(content))
    except ValueError as error:
        raise damaged(path, f"is no ONNX model: {error}") from None
    return Carried(proof, without(content, first, last), content)


def attach(path: Path, make: Callable[[str], bytes]) -> None:
    """Write the proof behind the model.

    Args:
        make: the proof from the SHA-256 of all the rest.
    """
    content = path.read_bytes()
    proof = make(without(content, len(content), len(content)))
    entry = wire.field(1, NAME.encode()) + wire.field(2, proof)
    disk.write_whole(
        path, lambda beside: beside.write_bytes(content + wire.field(PROPERTIES, entry))
    )


def _looked_through(path: Path, data: memoryview) -> tuple[bytes | None, int, int]:
    """The proof and its place; of several the last, so that the others count as changes."""
    found: tuple[bytes | None, int, int] = (None, len(data), len(data))
    graphs = 0
    for field in wire.fields(data):
        if field.number == PROPERTIES:
            pair = {f.number: f for f in wire.fields(data, field.first, field.last)}
            key, value = pair.get(1), pair.get(2)
            if key and value and bytes(data[key.first : key.last]) == NAME.encode():
                if value.last - value.first > MOST_PROOF:
                    raise ValueError(f"its proof is larger than {MOST_PROOF >> 20} MiB")
                found = (bytes(data[value.first : value.last]), field.start, field.last)
        graphs += field.number == 7
    if not graphs:
        raise ValueError("it has no graph")
    _check(path, data)
    return found


def _check(path: Path, data: memoryview) -> None:
    """Check every tensor of the model, at whatever depth."""
    waiting: list[tuple[int, int, int, int]] = [(MODEL, 0, len(data), 0)]
    while waiting:
        kind, first, last, depth = waiting.pop()
        if depth > DEEPEST:
            raise ValueError("its graphs are nested too deeply")
        inner, tensor = INNER[kind], kind == TENSOR
        sizes: list[int] = []
        held = 0
        for field in wire.fields(data, first, last):
            if field.number in inner:
                waiting.append((inner[field.number], field.first, field.last, depth + 1))
            elif tensor and (
                field.number == EXTERNAL or (field.number == LOCATION and field.value)
            ):
                raise damaged(path, "keeps a tensor in another file, which is not read")
            elif tensor and field.number == DIMS:
                sizes.extend(_dims(data, field))
            elif tensor and field.number in NUMBERS:
                held += max(field.last - field.first, 1)
        if tensor and sizes and math.prod(sizes) > max(held, 1) * PER_BYTE:
            raise damaged(path, f"has a tensor of shape {_shown(sizes)} with {held} bytes")


def _dims(data: memoryview, field: wire.WireField) -> list[int]:
    if field.value is not None:
        return [field.value]
    found, place = [], field.first
    while place < field.last:
        value, place = wire.varint(data, place, field.last)
        found.append(value)
    return found


def _shown(sizes: list[int]) -> str:
    return "x".join(map(str, sizes[:8])) + "..." * (len(sizes) > 8)
