"""Arrays as PNG pictures that stand inside a page."""

import base64
import struct
import zlib

import numpy as np

from .markup import text


def image(pixels: np.ndarray, words: str, width: int) -> str:
    """An element with a picture.

    Args:
        pixels: uint8 (height, width) or (height, width, 3).
        words: what it shows, as plain text.
        width: in pixels of the page, at least that of the picture.
    """
    wide = max(width, pixels.shape[1])
    high = round(wide * pixels.shape[0] / pixels.shape[1])
    source = base64.b64encode(png(pixels)).decode()
    size = f'width="{wide}" height="{high}"'
    return f'<img src="data:image/png;base64,{source}" alt="{text(words)}" {size}>'


def png(pixels: np.ndarray) -> bytes:
    """A PNG file (ISO/IEC 15948) of grey or RGB pixels, uint8.

    >>> png(np.zeros((2, 2), "uint8"))[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    height, width = pixels.shape[:2]
    kind = 2 if pixels.ndim == 3 else 0
    flat = np.ascontiguousarray(pixels, "uint8").reshape(height, -1)
    lines = np.concatenate([np.zeros((height, 1), "uint8"), flat], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 9)
    parts = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)
