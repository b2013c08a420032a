"""Pixels that are too many for memory: decoded once into the cache, and read from there."""

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from ... import disk
from ...messages import logger
from ..data import cache
from ..data.digested import intact
from ..data.fitted import FITTED
from ..data.image_feature import FittedImage
from .stored_block import NpyWriter, StoredBlock

FILE = "pixels.npy"


def stored_pixels(
    feature: FittedImage, digests: np.ndarray, batches: Iterable[np.ndarray]
) -> StoredBlock | None:
    """Pixels of pictures in the cache, where a run with the same pictures finds them again.

    Args:
        feature: the size, and how pictures are brought to it.
        digests: of the content of each picture (rows, 32), uint8.
        batches: the pixels in order, which are asked for unless they are there.

    Returns:
        None where they cannot be kept; some of the batches may have been taken.
    """
    shape = len(digests), *feature.shape
    place = _entry(feature, digests)
    if place is None:
        return None
    path = place / FILE
    if not intact(path) and not _written(path, shape, batches):
        return None
    cache.used(place)
    try:
        found = StoredBlock(path)
    except (OSError, ValueError):
        return None
    return found if found.shape == shape else None


def _entry(feature: FittedImage, digests: np.ndarray) -> Path | None:
    content = {
        "pictures": cache.digest_of(digests),
        "features": json.loads(FITTED.dump_json((feature,))),
        "versions": [tf.__version__],
    }
    return cache.entry("blocks", content)


def _written(path: Path, shape: tuple[int, ...], batches: Iterable[np.ndarray]) -> bool:
    size = int(np.prod(shape))
    if size > cache.MOST_BYTES or not cache.has_room(size):
        return False
    try:
        disk.write_cached(path, partial(_write, rows=shape[0], batches=batches))
    except OSError as error:
        logger.info(f"{path}: pixels could not be kept: {disk.cause(error)}.")
        return False
    logger.info(f"{shape[0]} pictures as pixels, {size / 2**30:.2f} GiB, are read from {path}.")
    cache.trim()
    return True


def _write(file: disk.Cached, rows: int, batches: Iterable[np.ndarray]) -> None:
    npy = NpyWriter(file, rows)
    for batch in batches:
        npy.add(batch)
    npy.finish()
