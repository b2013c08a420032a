"""Arrays in one file, in NumPy's own format: what is read takes no more memory than the file."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np

# NumPy's headers have some hundred bytes.
MOST_HEADER = 1 << 16


def write_arrays(file: BinaryIO, arrays: Sequence[np.ndarray]) -> None:
    """As `numpy.savez`, to a file that cannot seek."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for index, array in enumerate(arrays):
            with archive.open(_name(index), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)


def read_arrays(content: bytes) -> list[np.ndarray]:
    """What `write_arrays` wrote.

    Raises:
        ValueError, zipfile.BadZipFile: it is something else, such as a packed archive that unfolds
            to more than it holds.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        infos = archive.infolist()
        if [info.filename for info in infos] != [_name(index) for index in range(len(infos))]:
            raise ValueError("the arrays are not numbered in order")
        return [_read(archive, info) for info in infos]


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    stored = info.compress_type == zipfile.ZIP_STORED and info.file_size == info.compress_size
    if not stored or info.file_size > archive.start_dir:
        raise ValueError(f"{info.filename} is packed, or larger than the archive")
    with archive.open(info) as entry:
        head = io.BytesIO(entry.read(MOST_HEADER))
    shape, dtype = _header(head)
    size = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or min(shape, default=0) < 0 or head.tell() + size != info.file_size:
        raise ValueError(f"{info.filename} is no array of {info.file_size} bytes")
    with archive.open(info) as entry:
        return np.lib.format.read_array(entry, allow_pickle=False)


def _header(file: BinaryIO) -> tuple[tuple[int, ...], Any]:
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise ValueError(f"arrays of the format {version} are none of ours")
    shape, _, dtype = read[version](file)
    return shape, dtype


def _name(index: int) -> str:
    return f"{index:06d}.npy"
