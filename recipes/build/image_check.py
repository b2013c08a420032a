"""What may be wrong with pictures: unreadable files, and pictures that stand in two splits."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..data import Data, Split
from ..data.data_finding import DataFinding
from ..data.frame import Frame, counted
from ..data.image_feature import FittedImage, name_of
from .images import block, decodable, picture_features

# Findings about single files; of more the number is said.
MOST_FILES = 100
# Grey pixels to which a picture is reduced before its hash is computed.
HEIGHT, WIDTH = 16, 18
# Bits of the hash that may differ between near-duplicates, and how alike they must be beyond it:
# the hash alone takes different pictures with the same outline for one another.
MOST_BITS, CORRELATION = 4, 0.998
# Pictures of one split that are compared with all of another at a time.
CHUNK = 512


def picture_findings(data: Data) -> list[DataFinding]:
    """Unreadable pictures, and those of the other splits that repeat training pictures.

    Args:
        data: read with `skip_pictures`, so that unreadable ones are left out and reported.
    """
    data = decodable(data)
    return [*_unreadable(data.unreadable), *_repeated(data)]


def _unreadable(problems: tuple[str, ...]) -> Iterator[DataFinding]:
    mend = "Mend or remove it, or skip such rows: `image: {corrupt: skip}` below `features`."
    for message in problems[:MOST_FILES]:
        place, _, problem = message.partition(": ")
        yield DataFinding("unreadable image", place, problem, mend)
    if len(problems) > MOST_FILES:
        count = len(problems) - MOST_FILES
        yield DataFinding("unreadable image", "the data", f"{count} more cannot be read.", mend)


def _repeated(data: Data) -> Iterator[DataFinding]:
    for feature in picture_features(data.features):
        train, looks = data.train.x, _looks(feature, data.train.x)
        for name, split in (("validation", data.validation), ("test", data.test)):
            if split is None:
                continue
            same = exact(feature.name, train, split.x)
            if same:
                yield _finding("repeated images", "are also in", feature, data, split, same, name)
            alike = near(looks, _looks(feature, split.x))
            alike = {row: other for row, other in alike.items() if row not in same}
            if alike:
                yield _finding(
                    "near-duplicate images", "look like one in", feature, data, split, alike, name
                )


def _finding(
    kind: str,
    verb: str,
    feature: FittedImage,
    data: Data,
    split: Split,
    pairs: dict[int, int],
    name: str,
) -> DataFinding:
    row, other = next(iter(pairs.items()))
    first = name_of(split.x, feature.name, row), name_of(data.train.x, feature.name, other)
    return DataFinding(
        kind,
        f"{name} split",
        f"{len(pairs)} of {counted(len(split), 'picture')} {verb} the training split; the first is "
        f"{first[0]}, like {first[1]}.",
        "Remove them, or keep what belongs together in one split: `split_by: {group: COLUMN}`.",
    )


def exact(name: str, train: Frame, rows: Frame) -> dict[int, int]:
    """Row -> the training row whose file has the same content, of those where there is one."""
    known = {digest.tobytes(): row for row, digest in enumerate(train.pictures[name].digests)}
    digests = (digest.tobytes() for digest in rows.pictures[name].digests)
    return {row: known[digest] for row, digest in enumerate(digests) if digest in known}


def _looks(feature: FittedImage, rows: Frame) -> np.ndarray:
    """Small grey pictures (rows, HEIGHT, WIDTH), float32."""
    small = replace(feature, size=(HEIGHT, WIDTH), channels=1, fit="resize")
    return np.concatenate([*block(small, rows).batches()])[..., 0].astype("float32")


def difference_hash(looks: np.ndarray) -> np.ndarray:
    """The dHash of small pictures (rows, 64): +1 where a pixel is brighter than its left one.

    The picture is averaged to 8 x 9 pixels first. The others are -1, so that the product of two
    hashes is 64 minus twice the number of bits that differ.
    """
    count = len(looks)
    few = looks.reshape(count, HEIGHT // 2, 2, WIDTH // 2, 2).mean(axis=(2, 4))
    bits = few[:, :, 1:] > few[:, :, :-1]
    return np.where(bits, 1, -1).astype("float32").reshape(count, 64)


def near(train: np.ndarray, rows: np.ndarray) -> dict[int, int]:
    """Row -> the first training row that is nearly the same picture, where there is one.

    Their hashes differ in few bits, and their pixels are correlated.
    """
    hashes, known = difference_hash(rows), difference_hash(train)
    units, known_units = _units(rows), _units(train)
    found: dict[int, int] = {}
    for first in range(0, len(rows), CHUNK):
        close = hashes[first : first + CHUNK] @ known.T >= 64 - 2 * MOST_BITS
        row, other = np.nonzero(close)
        for start in range(0, len(row), 1 << 16):
            some = slice(start, start + (1 << 16))
            a, b = units[first + row[some]], known_units[other[some]]
            alike = np.flatnonzero(np.einsum("ij,ij->i", a, b) >= CORRELATION)
            for index in alike.tolist():
                found.setdefault(first + int(row[some][index]), int(other[some][index]))
    return found


def _units(looks: np.ndarray) -> np.ndarray:
    """Pictures as vectors of mean 0 and length 1, whose product is their correlation.

    A picture of one shade is like no other.
    """
    flat = looks.reshape(len(looks), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.divide(flat, length, out=np.zeros_like(flat), where=length > flat.shape[1] ** 0.5)
