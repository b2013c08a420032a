"""Histograms that are read back from an event file, as they are added to it."""

# Protocol buffers make their classes when they are imported, which pyright cannot see.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.histogram import metadata
from tensorboard.summary.writer.record_writer import masked_crc32c
from tensorboard.util.tensor_util import make_ndarray

# A record: length of its data, checksum of the length, the data, checksum of the data.
LENGTH, CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")
HEADER = LENGTH.size + CHECKSUM.size


class NewHistograms:
    """The histograms that have been added to an event file since the last time.

    Args:
        path: the file; it need not exist yet.
    """

    def __init__(self, path: Path):
        self.path = path
        self._place = 0

    def read(self) -> dict[int, dict[str, np.ndarray]]:
        """By step, then by name: left edge, right edge and count of each bin.

        Of a step that is there twice, as a resumed training writes it, the last is read. Nothing
        is read behind a damaged record.
        """
        found: dict[int, dict[str, np.ndarray]] = {}
        for data in self._records():
            event = Event.FromString(data)
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == metadata.PLUGIN_NAME:
                    found.setdefault(event.step, {})[value.tag] = make_ndarray(value.tensor)
        return found

    def _records(self) -> Iterator[bytes]:
        try:
            with open(self.path, "rb") as file:
                file.seek(self._place)
                content = file.read()
        except FileNotFoundError:
            return
        for data in records(content):
            self._place += HEADER + len(data) + CHECKSUM.size
            yield data


def records(content: bytes) -> Iterator[bytes]:
    """The data of each record, up to the first that is cut off or damaged."""
    place = 0
    while (length := _checked(content, place, LENGTH.size)) is not None:
        data = _checked(content, place + HEADER, LENGTH.unpack(length)[0])
        if data is None:
            return
        yield data
        place += HEADER + len(data) + CHECKSUM.size


def _checked(content: bytes, start: int, length: int) -> bytes | None:
    """A part of the content whose checksum stands behind it."""
    end = start + length
    if end + CHECKSUM.size > len(content):
        return None
    part = content[start:end]
    return part if CHECKSUM.unpack_from(content, end)[0] == masked_crc32c(part) else None
