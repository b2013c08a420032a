"""Pictures as pixels without TensorFlow: decoded by Pillow, resized with TensorFlow's weights.

For files that run where TensorFlow is not. Both decoders give the same pixels. Sums of resizing are
taken in another order, which may round a pixel in thousands to the next of 255 levels.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from PIL import Image as pillow

from ..errors import DataError, first_line
from .frame import Frame, plain
from .image_feature import FittedImage, name_of, pictures_of
from .image_files import BrokenPicture, Given, content_of

FORMATS = ("PNG", "JPEG", "GIF", "BMP")
# The luminance of ITU-R 601-2 in 2 ** -16, as in `build/images.py`.
LUMINANCE = (19595, 38470, 7471)
THREADS = 4


def pixels_of(content: bytes, feature: FittedImage) -> np.ndarray:
    """The pixels (height, width, channels) of a picture, uint8, in the feature's shape.

    Raises:
        BrokenPicture: it cannot be decoded.
    """
    try:
        with pillow.open(io.BytesIO(content), formats=FORMATS) as picture:
            found = _colours(picture)
    except Exception as error:  # Pillow has no class for them all
        raise BrokenPicture(f"cannot be decoded: {first_line(error, 120)}") from None
    if found.shape[:2] != feature.size:
        found = fitted(found, feature)
    return found if feature.channels == 3 else grey(found)


def _colours(picture: pillow.Image) -> np.ndarray:
    """Red, green and blue of a picture (height, width, 3); what is transparent keeps its colour."""
    picture.load()
    if picture.mode.startswith("I"):  # 16 bits, of which TensorFlow takes the upper 8
        upper = (np.asarray(picture).astype("int64") >> 8).astype("uint8")
        return np.repeat(upper[:, :, None], 3, axis=2)
    if picture.mode == "CMYK":
        ink = 255 - np.asarray(picture).astype("int64")
        return (ink[:, :, :3] * ink[:, :, 3:] // 255).astype("uint8")
    if picture.format == "GIF" and "transparency" in picture.info:
        colours = np.asarray(picture.convert("RGBA"))
        # A first frame has black below it.
        return np.where(colours[:, :, 3:] == 0, 0, colours[:, :, :3]).astype("uint8")
    return np.asarray(picture.convert("RGB"))


def grey(pixels: np.ndarray) -> np.ndarray:
    """The luminance (height, width, 1) of pixels of red, green and blue."""
    total = (pixels.astype("int32") * np.array(LUMINANCE, "int32")).sum(axis=-1, keepdims=True)
    return ((total + (1 << 15)) >> 16).astype("uint8")


def fitted(pixels: np.ndarray, feature: FittedImage) -> np.ndarray:
    """Pixels of any size brought to the feature's size: bilinear, with antialiasing."""
    height, width = feature.size
    if feature.fit == "pad":
        found = _padded(pixels, height, width)
    else:
        part = _middle(pixels, height, width) if feature.fit == "crop" else pixels
        found = resized(part, height, width)
    return np.clip(np.rint(found), 0, 255).astype("uint8")


def _middle(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The largest part around the middle whose sides are as `height` to `width`."""
    rows, columns = pixels.shape[:2]
    high = max(1, min(rows, columns * height // width))
    wide = max(1, min(columns, rows * width // height))
    top, left = (rows - high) // 2, (columns - wide) // 2
    return pixels[top : top + high, left : left + wide]


def _padded(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pixels resized as far as they fit into the size, in the middle of black, float32."""
    # In 32 bits, as `tf.image.resize_with_pad` computes it.
    rows, columns = (np.float32(size) for size in pixels.shape[:2])
    ratio = max(columns / np.float32(width), rows / np.float32(height))
    high, wide = rows / ratio, columns / ratio
    if min(high, wide) < 1:
        size = f"{int(columns)} x {int(rows)}"
        raise BrokenPicture(f"of {size} pixels is too narrow for {width} x {height} with borders")
    small = resized(pixels, int(high), int(wide))
    top = max(0, int((np.float32(height) - high) / np.float32(2)))
    left = max(0, int((np.float32(width) - wide) / np.float32(2)))
    found = np.zeros((height, width, pixels.shape[2]), "float32")
    found[top : top + small.shape[0], left : left + small.shape[1]] = small
    return found


def resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Pixels of another size, bilinear with antialiasing, float32: `tf.image.resize`."""
    rows, columns, channels = pixels.shape
    down = weights(rows, height) @ pixels.reshape(rows, columns * channels).astype("float32")
    across = weights(columns, width) @ down.reshape(height, columns, channels)
    return across


@lru_cache(256)
def weights(size: int, new_size: int) -> np.ndarray:
    """What each of `size` pixels of a line adds to each of `new_size` (new_size, size), float32.

    A triangle as wide as two pixels of the coarser line, around the middle of each pixel.

    >>> weights(2, 4).tolist()
    [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    step = np.float32(1) / (np.float32(new_size) / np.float32(size))
    spread = max(step, np.float32(1))
    middle = (np.arange(new_size, dtype="float32") + np.float32(0.5)) * step
    places = np.arange(size, dtype="float32") + np.float32(0.5)
    apart = np.abs(places - middle[:, None]) * (np.float32(1) / spread)
    found = np.maximum(np.float32(1) - apart, 0)
    return found * (np.float32(1) / found.sum(axis=1, keepdims=True))


def gathered(feature: FittedImage, rows: Frame) -> Callable[[np.ndarray], np.ndarray]:
    """A function of indices of rows that gives their pixels (count, height, width, channels)."""
    given = pictures_of(rows, feature.name)

    def gather(chosen: np.ndarray) -> np.ndarray:
        found: list[np.ndarray] = []
        pictures = _decoded([given[row] for row in chosen.tolist()], feature)
        for row, picture in zip(chosen.tolist(), pictures, strict=True):
            if isinstance(picture, BrokenPicture):
                where = f"{rows.where}: column `{plain(feature.name)}`"
                raise DataError(f"{where}: {name_of(rows, feature.name, row)} {picture}.")
            found.append(picture)
        return np.stack(found)

    return gather


def undecodable(feature: FittedImage, rows: Frame) -> dict[int, str]:
    """Row -> why its picture cannot be decoded, of those whose header is sound."""
    found = _decoded(pictures_of(rows, feature.name), feature)
    return {
        row: f"{name_of(rows, feature.name, row)}: {picture}."
        for row, picture in enumerate(found)
        if isinstance(picture, BrokenPicture)
    }


def _decoded(given: Sequence[Given], feature: FittedImage) -> Iterator[np.ndarray | BrokenPicture]:
    """The pixels of each picture, or why there are none; several are decoded at a time."""

    def decode(picture: Given) -> np.ndarray | BrokenPicture:
        try:
            return pixels_of(content_of(picture), feature)
        except BrokenPicture as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(decode, given)
