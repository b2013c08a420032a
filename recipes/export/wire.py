"""The wire format of protocol buffers, as far as an ONNX file is looked through before it is run.

A message is a list of fields: a number, a type, and a whole number or a stretch of bytes. No
library is needed, and nothing is allocated that the bytes claim to have.
"""

from collections.abc import Iterator
from dataclasses import dataclass

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_SIZES = {FIXED64: 8, FIXED32: 4}


@dataclass(frozen=True)
class WireField:
    """A field of a message.

    Attributes:
        number: of the field.
        value: of a whole number; of other types None.
        start: where the field begins, its number included.
        first: where its content begins.
        last: where it ends.
    """

    number: int
    value: int | None
    start: int
    first: int
    last: int


def fields(data: memoryview, first: int = 0, last: int | None = None) -> Iterator[WireField]:
    """The fields of a message in `data[first:last]`.

    Raises:
        ValueError: the bytes are no message.
    """
    place, end = first, len(data) if last is None else last
    while place < end:
        start = place
        tag, place = varint(data, place, end)
        number, kind = tag >> 3, tag & 7
        if not number:
            raise ValueError(f"has no field at byte {start}")
        value = None
        content = place
        if kind == VARINT:
            value, place = varint(data, place, end)
        elif kind == BYTES:
            size, content = varint(data, place, end)
            place = content + size
        elif kind in _SIZES:
            place += _SIZES[kind]
        else:
            raise ValueError(f"has a field of type {kind} at byte {start}")
        if place > end:
            raise ValueError(f"ends within the field at byte {start}")
        yield WireField(number, value, start, content, place)


def varint(data: memoryview, place: int, end: int) -> tuple[int, int]:
    """A whole number, and where it ends."""
    found = 0
    for shift in range(0, 70, 7):
        if place >= end:
            raise ValueError("ends within a number")
        byte = data[place]
        place += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return found & (1 << 64) - 1, place
    raise ValueError(f"has a number without end at byte {place}")


def written(number: int) -> bytes:
    """A whole number."""
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def field(number: int, content: bytes) -> bytes:
    """A field of bytes."""
    return written(number << 3 | BYTES) + written(len(content)) + content
