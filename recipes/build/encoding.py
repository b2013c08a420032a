"""Tables as blocks of numbers: kept in the cache, and read from there where memory is too small."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ... import disk
from ...messages import logger
from ..data import Data, Split, cache
from ..data.background import wait_for, write_behind
from ..data.columns import PickedColumns
from ..data.digested import intact
from ..data.fitted import FITTED
from ..data.frame import Frame
from ..data.image_feature import FittedImage
from ..data.npz import memory
from ..data.stored import MOST_OF_MEMORY
from ..errors import DataError
from . import windows
from .feature_blocks import Blocks
from .hub_text import Tokenizer
from .images import decodable
from .preprocessing import Numbers, Preprocessing
from .stored_block import NpyWriter, StoredBlock, read_header

# Rows that become numbers at a time: a multiple of what the processor computes at once, whose
# results may differ in the last bit from those of single numbers.
PIECE = 1 << 14
# Fewer bytes of numbers are not cached: it takes some milliseconds to make them again.
MOST_UNCACHED = 4 << 20


@dataclass(frozen=True)
class Encoder:
    """Makes the blocks of tables, or finds them in the cache.

    Attributes:
        prepared: makes numbers of columns.
        fingerprint: of all data that the tables are parts of.
        large: whether no more than a part of the numbers may be in memory.
    """

    prepared: Preprocessing
    fingerprint: str
    large: bool

    def blocks(self, rows: Frame) -> Blocks[Numbers]:
        """The blocks of a table, or of some of its rows: arrays, or `StoredBlock`s."""
        worthwhile = self.large or size_of(self.prepared, rows)
        place = self.entry(rows) if worthwhile and not _has_pictures(self.prepared) else None
        if place is None:
            return self.prepared.encoded(rows)
        found = self.found(place, rows)
        if found is None and self.large:
            self.write(place, rows)
            found = self.found(place, rows)
        if found is not None:
            cache.used(place)
            return found
        if self.large:
            raise DataError(f"{place}: the numbers of the table were lost. Start again.")
        made = self.prepared.encoded(rows)
        self.keep(place, made)
        return made

    def entry(self, rows: Frame) -> Path | None:
        """Where the blocks of a table are kept; None without a cache."""
        columns = rows.columns
        chosen = columns.indices if isinstance(columns, PickedColumns) else np.arange(len(rows))
        content = {
            "data": self.fingerprint,
            "rows": cache.digest_of(np.ascontiguousarray(chosen, "int64")),
            "features": json.loads(FITTED.dump_json(self.prepared.features)),
            "versions": [keras.__version__, tf.__version__, metadata.version("numpy")],
        }
        tokenizer = self.prepared.tokenizer
        if tokenizer is not None:
            content["tokenizer"] = tokenizer.digest
        return cache.entry("blocks", content)

    def found(self, place: Path, rows: Frame) -> Blocks[Numbers] | None:
        """The blocks in a folder of the cache; None where one is missing or damaged."""
        wait_for(place)
        names = self.prepared.names
        paths = {name: place / cache.file_name(name, "npy") for name in names}
        if not all(intact(path) for path in paths.values()):
            return None
        try:
            blocks = {name: self._opened(path, len(rows)) for name, path in paths.items()}
        except (OSError, ValueError):
            return None
        return blocks[names[0]] if len(names) == 1 else blocks

    def _opened(self, path: Path, rows: int) -> np.ndarray | StoredBlock:
        with open(path, "rb") as file:
            shape, dtype, first = read_header(file)
        if shape[0] != rows:
            raise ValueError(f"{shape[0]} rows")
        if self.large:
            return StoredBlock(path)
        # Copy on write, and nothing writes to it: no page is copied.
        return np.asarray(np.memmap(path, dtype, "c", first, shape))

    def keep(self, place: Path, blocks: Blocks[Numbers]) -> None:
        """Keep blocks that are in memory, if there is room for them."""
        named = blocks if isinstance(blocks, Mapping) else {self.prepared.names[0]: blocks}
        arrays = {name: each for name, each in named.items() if isinstance(each, np.ndarray)}
        size = sum(array.nbytes for array in arrays.values())
        if len(arrays) == len(named) and cache.has_room(size):
            write_behind(place, partial(self._write_whole, place, arrays), size)

    def _write_whole(self, place: Path, arrays: Mapping[str, np.ndarray]) -> None:
        with suppress(OSError):
            for name, block in arrays.items():
                disk.write_cached(
                    place / cache.file_name(name, "npy"),
                    lambda file, block=block: NpyWriter(file, len(block)).whole(block),
                )
            cache.used(place)
            cache.trim()

    def write(self, place: Path, rows: Frame) -> None:
        """Make the blocks of a table some rows at a time, each into a file."""
        try:
            with ExitStack() as stack:
                files: dict[str, tuple[disk.Cached, NpyWriter]] = {}
                for name in self.prepared.names:
                    file = disk.Cached(place / cache.file_name(name, "npy"))
                    stack.callback(file.discard)
                    files[name] = file, NpyWriter(file, len(rows))
                for blocks in self._pieces(rows):
                    for name, block in blocks.items():
                        files[name][1].add(block[:])
                for file, npy in files.values():
                    npy.finish()
                    file.finish()
        except OSError as error:
            raise DataError(
                f"{rows.where}: its numbers do not fit into memory, {memory() / 2**30:.1f} GiB, "
                f"and could not be kept in {place.parent}: {disk.cause(error)}. Name a folder on a "
                f"larger disk in the environment variable `{cache.FOLDER}`."
            ) from None
        logger.info(f"{rows.where}: {len(rows)} rows as numbers are read from {place}.")
        cache.used(place)
        cache.trim()

    def _pieces(self, rows: Frame) -> Iterator[Mapping[str, Numbers]]:
        known = self.prepared.known(rows)
        for first in range(0, len(rows), PIECE):
            piece = rows.take(np.arange(first, min(first + PIECE, len(rows))))
            blocks = self.prepared.encoded(piece, known)
            yield blocks if isinstance(blocks, Mapping) else {self.prepared.names[0]: blocks}


def encoded(data: Data, tokenizer: Tokenizer | None = None) -> tuple[Data, Preprocessing | None]:
    """Data with the columns of a table as blocks of numbers, and what makes them; else as it is.

    Args:
        tokenizer: of texts that enter as tokens.
    """
    if not data.features:
        return data, None
    window = None if data.forecasting is None else data.forecasting.options
    prepared = Preprocessing(data.features, window, tokenizer)
    if window is not None:
        return windows.encoded(data, data.features, prepared.encoded), prepared
    data = decodable(data)
    tables = [each.x for each in (data.train, data.validation, data.test) if each is not None]
    size = sum(size_of(prepared, rows) for rows in tables)
    large = size > MOST_OF_MEMORY * memory() and cache.has_room(size)
    # Pictures are kept one column at a time: see `stored_pixels`.
    large = large and not _has_pictures(prepared)
    encoder = Encoder(prepared, data.fingerprint, large)

    def numbers(split: Split | None) -> Split | None:
        return None if split is None else Split(encoder.blocks(split.x), split.y)

    train = numbers(data.train) or data.train
    every = data.unlabelled
    return (
        replace(
            data,
            train=train,
            validation=numbers(data.validation),
            test=numbers(data.test),
            unlabelled=None if every is None else encoder.blocks(every),
        ),
        prepared,
    )


def _has_pictures(prepared: Preprocessing) -> bool:
    return any(isinstance(feature, FittedImage) for feature in prepared.features)


def size_of(prepared: Preprocessing, rows: Frame) -> int:
    """Bytes of the numbers of a table; 0 where they are too few to be kept."""
    size = 4 * sum(feature.width for feature in prepared.features) * len(rows)
    return size if size >= MOST_UNCACHED else 0
