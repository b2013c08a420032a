"""The proof as a metadata buffer of a LiteRT file, a FlatBuffer.

References in a FlatBuffer are distances forward, so the file as it was stays as it is, bit for bit,
behind a new root table. The new root refers to what the old one referred to, and has one more
buffer and one more entry of metadata.
"""

import struct
from collections.abc import Callable
from pathlib import Path

from ... import disk
from .carried import MOST_PROOF, NAME, Carried, damaged, whole, without

IDENTIFIER = b"TFL3"
# Fields of the tables `Model`, `Metadata` and `Buffer`; see schema.fbs of LiteRT.
VERSION, BUFFERS, METADATA, MODEL_FIELDS = 0, 4, 6, 8
META_NAME, META_BUFFER = 0, 1
BUFFER_DATA = 0
# Weights are aligned to 16 bytes; the old file is moved by a multiple of more.
ALIGNMENT = 64
# SHA-256 as it is before it is known; it has the same length.
UNKNOWN = "0" * 64


def read(path: Path) -> Carried:
    """Find the proof of a LiteRT file.

    Raises:
        RequestError: it is no LiteRT file.
    """
    content = whole(path)
    try:
        place = _place(content)
    except (struct.error, ValueError, IndexError) as error:
        raise damaged(path, f"is no LiteRT model: {error}") from None
    first, last = place or (len(content), len(content))
    proof = None if place is None else content[first:last]
    return Carried(proof, without(content, first, last), content)


def attach(path: Path, make: Callable[[str], bytes]) -> None:
    """Write the proof into a new root table in front of the model.

    Args:
        make: the proof from the SHA-256 of all the rest; always of the same length.
    """
    old = path.read_bytes()
    blank = make(UNKNOWN)
    content, first = _with_metadata(old, blank)
    proof = make(without(content, first, first + len(blank)))
    if len(proof) != len(blank):
        raise AssertionError("a proof changed its length with its digests")
    changed = content[:first] + proof + content[first + len(blank) :]
    disk.write_whole(path, lambda beside: beside.write_bytes(changed))


def _u32(data: bytes, place: int) -> int:
    if place < 0:
        raise ValueError("a reference leads in front of it")
    return struct.unpack_from("<I", data, place)[0]


def _root(data: bytes) -> int:
    if data[4:8] != IDENTIFIER:
        raise ValueError("it does not begin as one")
    return _u32(data, 0)


def _field(data: bytes, table: int, index: int) -> int | None:
    """Where a field of a table stands; None where it is left out."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    if vtable < 0:
        raise ValueError("a table has no description")
    size = struct.unpack_from("<H", data, vtable)[0]
    slot = 4 + 2 * index
    if slot + 2 > size:
        return None
    offset = struct.unpack_from("<H", data, vtable + slot)[0]
    return table + offset if offset else None


def _target(data: bytes, table: int, index: int) -> int | None:
    """What a field of a table refers to."""
    place = _field(data, table, index)
    return None if place is None else place + _u32(data, place)


def _elements(data: bytes, vector: int | None) -> list[int]:
    """Where the tables of a vector are."""
    if vector is None:
        return []
    count = _u32(data, vector)
    if count > (len(data) - vector) // 4:
        raise ValueError(f"a vector claims {count} elements")
    places = range(vector + 4, vector + 4 + 4 * count, 4)
    return [place + _u32(data, place) for place in places]


def _place(data: bytes) -> tuple[int, int] | None:
    """First and last byte of the proof; None where there is none."""
    root = _root(data)
    buffers = _elements(data, _target(data, root, BUFFERS))
    for entry in _elements(data, _target(data, root, METADATA)):
        name, number = _target(data, entry, META_NAME), _field(data, entry, META_BUFFER)
        if name is None or data[name + 4 : name + 4 + _u32(data, name)] != NAME.encode():
            continue
        index = 0 if number is None else _u32(data, number)
        vector = _target(data, buffers[index], BUFFER_DATA)
        if vector is None:
            return None
        size = _u32(data, vector)
        if size > min(MOST_PROOF, len(data) - vector - 4):
            raise ValueError(f"its proof claims {size} bytes")
        return vector + 4, vector + 4 + size
    return None


class _Layout:
    """Places in the new front of the file, one after the other."""

    def __init__(self) -> None:
        self.end = 4 + len(IDENTIFIER)

    def take(self, size: int, ahead: int = 0, align: int = 4) -> int:
        """A place of `size` bytes whose byte `ahead` is aligned."""
        place = self.end + -(self.end + ahead) % align
        self.end = place + size
        return place


def _with_metadata(old: bytes, proof: bytes) -> tuple[bytes, int]:
    """A file with one more entry of metadata, and where the proof begins in it."""
    root = _root(old)
    buffers = _elements(old, _target(old, root, BUFFERS))
    entries = _elements(old, _target(old, root, METADATA))
    layout = _Layout()
    vtable = layout.take(4 + 2 * MODEL_FIELDS)
    model = layout.take(4 + 4 * MODEL_FIELDS)
    buffer_list, entry_list = (layout.take(8 + 4 * len(each)) for each in (buffers, entries))
    buffer_vtable, entry_vtable = layout.take(6), layout.take(8)
    buffer, entry, name = layout.take(8), layout.take(12), layout.take(5 + len(NAME))
    data = layout.take(4 + len(proof), ahead=4, align=16)
    shift = layout.end + -layout.end % ALIGNMENT
    new = bytearray(shift)

    def put(form: str, place: int, *values: int) -> None:
        struct.pack_into(f"<{form}", new, place, *values)

    def refer(place: int, target: int) -> None:
        put("I", place, target - place)

    new[4 : 4 + len(IDENTIFIER)] = IDENTIFIER
    refer(0, model)
    present = [index in (BUFFERS, METADATA) or _field(old, root, index) for index in range(8)]
    offsets = [(4 + 4 * index) * bool(there) for index, there in enumerate(present)]
    put("HH8H", vtable, 4 + 2 * MODEL_FIELDS, 4 + 4 * MODEL_FIELDS, *offsets)
    put("i", model, model - vtable)
    for index, offset in enumerate(offsets):
        found, target = _field(old, root, index), None
        if index == VERSION and found is not None:
            put("I", model + offset, _u32(old, found))
        elif index in (BUFFERS, METADATA):
            target = buffer_list if index == BUFFERS else entry_list
        elif found is not None:
            target = shift + found + _u32(old, found)
        if target is not None:
            refer(model + offset, target)
    for vector, each, last in ((buffer_list, buffers, buffer), (entry_list, entries, entry)):
        put("I", vector, len(each) + 1)
        for number, target in enumerate([*(shift + place for place in each), last]):
            refer(vector + 4 + 4 * number, target)
    put("HHH", buffer_vtable, 6, 8, 4)
    put("HHHH", entry_vtable, 8, 12, 4, 8)
    put("i", buffer, buffer - buffer_vtable)
    refer(buffer + 4, data)
    put("i", entry, entry - entry_vtable)
    refer(entry + 4, name)
    put("I", entry + 8, len(buffers))
    put("I", name, len(NAME))
    new[name + 4 : name + 4 + len(NAME)] = NAME.encode()
    put("I", data, len(proof))
    new[data + 4 : data + 4 + len(proof)] = proof
    return bytes(new) + old, data + 4
