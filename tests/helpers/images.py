"""Made-up pictures: folders of classes that differ in their colour, and files that are broken."""

import struct
import zlib
from pathlib import Path

import numpy as np
import tensorflow as tf


def pixels(seed, height=12, width=10, channels=3):
    """Random pixels that are no noise: a decoder of JPEG gives about the same again."""
    draw = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    waves = [np.sin(x * a + y * b + c) for a, b, c in draw.uniform(0, 0.6, (channels, 3))]
    return (np.stack(waves, axis=-1) * 60 + draw.integers(70, 180)).astype("uint8")


def png(array):
    return tf.io.encode_png(array).numpy()


def jpeg(array):
    return tf.io.encode_jpeg(array, quality=95).numpy()


def write_folder(
    folder, classes=("cats", "dogs"), count=12, parts=("",), size=(12, 10), channels=3
):
    """A picture for each class and number, in turn PNG and JPEG; a class has a shade of its own.

    Args:
        size: height and width; None for a different one for each.
    """
    seed = 0
    for part in parts:
        for number, name in enumerate(classes):
            where = Path(folder) / part / name
            where.mkdir(parents=True)
            for index in range(count):
                seed += 1
                height, width = size or (8 + seed % 7, 9 + seed % 5)
                array = pixels(seed, height, width, channels) // 2 + 100 * number // len(classes)
                write = png if index % 2 else jpeg
                end = "png" if index % 2 else "jpg"
                (where / f"{index:02d}.{end}").write_bytes(write(array.astype("uint8")))
    return folder


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(width=60_000, height=60_000):
    """A PNG of some hundred bytes that claims to unfold to gigabytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", body), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def hollow(height=12, width=10):
    """A PNG with sound checksums whose pixels are missing: only a decoder finds that out."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
