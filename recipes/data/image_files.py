"""Picture files before they are decoded: what their headers claim, and whether they are whole.

A header is read here rather than by a decoder because a decoder takes memory for what it claims. No
other picture is read than PNG, JPEG, GIF and BMP, which TensorFlow decodes.
"""

import hashlib
import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from ..spec.wording import shown

# Larger pictures than those of any camera are refused, before memory is taken for them.
MOST_PIXELS = 10**8
MOST_BYTES = 1 << 28
# Files that one task of a thread reads.
CHUNK = 64
PNG, JPEG, GIFS, BMP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", (b"GIF87a", b"GIF89a"), b"BM"
# Colour types of PNG without a colour.
GREY_PNG = (0, 4)
# JPEG markers that begin a frame, and those without a length.
FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


class Header(NamedTuple):
    """What a picture file claims of itself.

    Attributes:
        grey: whether it has no colours; such a PNG or JPEG decodes to one channel.
    """

    height: int
    width: int
    grey: bool = False


class BrokenPicture(ValueError):
    """A file is no picture, or not a whole one; the message says what is wrong with it."""


@dataclass(frozen=True)
class Examined:
    """What was found of a column of pictures.

    Attributes:
        sizes: height and width (rows, 2), int32; 0 where there is a problem.
        grey: which have no colours (rows,).
        digests: SHA-256 of the content of each file (rows, 32), uint8.
        problems: row -> why it cannot be decoded.
    """

    sizes: np.ndarray
    grey: np.ndarray
    digests: np.ndarray
    problems: Mapping[int, str]

    def take(self, rows: np.ndarray) -> Self:
        """What was found of the rows of these indices."""
        bad = {
            place: self.problems[row]
            for place, row in enumerate(rows.tolist())
            if row in self.problems
        }
        return type(self)(self.sizes[rows], self.grey[rows], self.digests[rows], bad)


# A picture: the path of its file, its content, or why there is neither.
Given = str | bytes | BrokenPicture


def examined(pictures: Sequence[Given]) -> Examined:
    """Read every file once, several at a time: its header, its structure, a hash of its content."""
    count = len(pictures)
    sizes, grey = np.zeros((count, 2), "int32"), np.zeros(count, bool)
    digests = np.zeros((count, 32), "uint8")
    problems: dict[int, str] = {}

    def look(first: int) -> None:
        for row in range(first, min(first + CHUNK, count)):
            try:
                content = content_of(pictures[row])
                digests[row] = np.frombuffer(hashlib.sha256(content).digest(), "uint8")
                header = checked(content)
                sizes[row], grey[row] = header[:2], header.grey
            except BrokenPicture as error:
                problems[row] = str(error)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        list(pool.map(look, range(0, count, CHUNK)))
    return Examined(sizes, grey, digests, dict(sorted(problems.items())))


def content_of(picture: Given) -> bytes:
    """The bytes of a picture.

    Raises:
        BrokenPicture: there is no such file, or it is too large to be a picture.
    """
    if isinstance(picture, BrokenPicture):
        raise picture
    if isinstance(picture, bytes):
        return picture
    try:
        if not os.path.isfile(picture):
            # A device or a pipe has no end.
            raise BrokenPicture(
                "is no file" if os.path.exists(picture) else "there is no such file"
            )
        if os.path.getsize(picture) > MOST_BYTES:
            raise BrokenPicture(f"has more than {MOST_BYTES >> 20} MiB, too large for a picture")
        return Path(picture).read_bytes()
    except OSError as error:
        raise BrokenPicture(f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        if isinstance(error, BrokenPicture):
            raise
        raise BrokenPicture(f"cannot be read: {error}") from None


def checked(content: bytes) -> Header:
    """The header of a picture that is whole, as far as can be seen without decoding it.

    Raises:
        BrokenPicture: it is none, it is cut short, or its header claims too large a picture.
    """
    try:
        header = _read(content)
    except (struct.error, IndexError):
        raise BrokenPicture("is cut short") from None
    if header.height < 1 or header.width < 1:
        raise BrokenPicture(f"claims a size of {header.width} x {header.height} pixels")
    if header.height * header.width > MOST_PIXELS:
        raise BrokenPicture(
            f"claims {header.width:,} x {header.height:,} pixels, more than {MOST_PIXELS:,}"
        )
    return header


def _read(content: bytes) -> Header:
    if content.startswith(PNG):
        return _png(content)
    if content.startswith(JPEG):
        return _jpeg(content)
    if content.startswith(GIFS):
        return _gif(content)
    if content.startswith(BMP):
        return _bmp(content)
    if not content:
        raise BrokenPicture("is empty")
    begin = shown(content[:12].decode("latin-1"))
    raise BrokenPicture(f"is no PNG, JPEG, GIF or BMP picture; it begins {begin}")


def _png(content: bytes) -> Header:
    width, height, _, colours = struct.unpack_from(">IIBB", content, 16)
    place, kind = len(PNG), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, place)
        if place == len(PNG) and kind != b"IHDR":
            raise BrokenPicture("is a damaged PNG file: it has no header")
        (expected,) = struct.unpack_from(">I", content, place + 8 + length)
        # Decoders ignore what is wrong with a chunk whose name begins with a small letter.
        found = zlib.crc32(memoryview(content)[place + 4 : place + 8 + length])
        if kind[:1].isupper() and found != expected:
            name = shown(kind.decode("latin-1"))
            raise BrokenPicture(f"is a damaged PNG file: chunk {name} has another checksum")
        place += 12 + length
    return Header(height, width, colours in GREY_PNG)


def _jpeg(content: bytes) -> Header:
    place = 2
    while True:
        while content[place] != 0xFF:
            place += 1
        while content[place] == 0xFF:
            place += 1
        marker = content[place]
        place += 1
        if marker in ALONE:
            continue
        if marker in (0xD9, 0xDA):
            raise BrokenPicture("is a damaged JPEG file: it has no header")
        (length,) = struct.unpack_from(">H", content, place)
        if marker in FRAMES:
            _, height, width, components = struct.unpack_from(">BHHB", content, place + 2)
            if content.find(b"\xff\xd9", place + length) < 0:
                raise BrokenPicture("is cut short")
            return Header(height, width, components == 1)
        place += max(2, length)


def _gif(content: bytes) -> Header:
    """The size of all frames together: TensorFlow decodes all to give the first."""
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    place, pixels = 13 + _palette(flags), 0
    while content[place] != 0x3B:
        if content[place] == 0x21:
            place += 2
        elif content[place] == 0x2C:
            wide, high, flags = struct.unpack_from("<HHB", content, place + 5)
            pixels += wide * high
            place += 11 + _palette(flags)
        else:
            raise BrokenPicture("is a damaged GIF file")
        while content[place]:
            place += content[place] + 1
        place += 1
    if not pixels:
        raise BrokenPicture("is a GIF file without a picture")
    if pixels > MOST_PIXELS:
        raise BrokenPicture(f"claims frames of {pixels:,} pixels, more than {MOST_PIXELS:,}")
    return Header(height, width)


def _palette(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _bmp(content: bytes) -> Header:
    first, length, width, height, _, bits, packed = struct.unpack_from("<IIiiHHI", content, 10)
    height = abs(height)
    if length < 40 or bits not in (8, 24, 32) or packed not in (0, 3):
        raise BrokenPicture("is a BMP file of a kind that is not read; save it as PNG")
    if bits == 8:
        colours = np.frombuffer(content[14 + length : first], "uint8")
        colours = colours[: len(colours) // 4 * 4].reshape(-1, 4)[:, :3]
        if (colours != np.arange(len(colours))[:, None]).any():
            raise BrokenPicture("is a BMP file with a table of colours; save it as PNG")
    if len(content) < first + height * ((width * bits + 31) // 32 * 4):
        raise BrokenPicture("is cut short")
    return Header(height, width)
