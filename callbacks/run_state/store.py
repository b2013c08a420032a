"""Checkpoints in a folder: each whole, checked by its hashes, the last few kept."""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import disk
from ..base import at_least
from .arrays import read_arrays, write_arrays

ARRAYS, STATE, FILES = "arrays.npz", "state.json", "files.json"
FORMAT = 1
NAME = re.compile(r"state-([0-9]{8,})")
# Whatever a damaged file can make a reader raise.
UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    LookupError,
    EOFError,
    RecursionError,
    MemoryError,
    zipfile.BadZipFile,
)


class DamagedCheckpoint(Exception):
    """A checkpoint that is not what was written."""


@dataclass(frozen=True)
class Checkpoint:
    """What was stored.

    Attributes:
        path: its folder.
        arrays: in order.
        state: plain data.
    """

    path: Path
    arrays: list[np.ndarray]
    state: dict[str, Any]

    def file(self, index: int) -> Path:
        """Where a file is that was kept with it."""
        return self.path / _kept(index)


@dataclass(frozen=True)
class Search:
    """What a look for checkpoints has found.

    Attributes:
        newest: the newest that is sound, or None.
        damaged: one sentence for each newer one, with its name and what is wrong.
    """

    newest: Checkpoint | None
    damaged: list[str]


class CheckpointStore:
    """A folder of checkpoints.

    A checkpoint is a folder `state-00000007` of three files: `arrays.npz` (numpy's own format,
    without pickle), `state.json`, and `files.json` with size and SHA-256 of all others. Further
    files, such as the best model so far, can be kept with it under a second name. It is written
    beside its place, flushed to disk and moved there in one step, and read back before an
    older one is removed. So a process that dies, or a disk that fails, at any moment leaves every
    checkpoint that was there as it was.

    Args:
        folder: made when the first checkpoint is written.
        keep: how many stay, >= 1.

    Raises:
        ValueError: a bad argument.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = CheckpointStore(folder, keep=2)
    ...     for step in range(3):
    ...         path = store.save([np.arange(step)], {"step": step})
    ...     [path.name for path in store.paths()], store.search().newest.state
    (['state-00000002', 'state-00000003'], {'step': 2})
    """

    def __init__(self, folder: str | os.PathLike, keep: int = 3):
        self.folder = Path(folder)
        self.keep = int(at_least("keep", keep, 1, whole=True))
        # Hashes of files that do not change, by what tells one from another.
        self._known: dict[tuple[int, ...], disk.Written] = {}

    def paths(self) -> list[Path]:
        """Folders of the checkpoints, sound or not, the oldest first."""
        try:
            found = [path for path in self.folder.iterdir() if NAME.fullmatch(path.name)]
        except FileNotFoundError:
            return []
        return sorted(found, key=_number)

    def paths_or_none(self) -> list[Path]:
        """As `paths`, and none where the folder cannot be read."""
        try:
            return self.paths()
        except OSError:
            return []

    def save(
        self, arrays: Sequence[np.ndarray], state: Mapping[str, Any], files: Sequence[Path] = ()
    ) -> Path:
        """Write a checkpoint.

        Args:
            arrays: of numbers or booleans.
            state: what JSON can hold.
            files: whole files, which others replace but never change, to keep as they are now.

        Raises:
            OSError: it could not be written; those that were there are as they were.
            DamagedCheckpoint: what can be read is not what was written.
        """
        text = json.dumps(state, allow_nan=False).encode()
        paths = self.paths()
        number = _number(paths[-1]) + 1 if paths else 1
        path = self.folder / f"state-{number:08d}"
        with disk.new_folder(path) as folder:
            written = {
                ARRAYS: disk.write_new(folder / ARRAYS, lambda file: write_arrays(file, arrays)),
                STATE: disk.write_new(folder / STATE, lambda file: file.write(text)),
            }
            for index, file in enumerate(files):
                disk.keep_also(file, folder / _kept(index))
                written[_kept(index)] = self._hash_of(folder / _kept(index))
            listed = {name: [found.size, found.sha256] for name, found in written.items()}
            content = json.dumps({"format": FORMAT, "files": listed}, indent=1).encode() + b"\n"
            disk.write_new(folder / FILES, lambda file: file.write(content))
        _checked(path, thorough=False)
        self.prune()
        return path

    def _hash_of(self, path: Path) -> disk.Written:
        found = os.stat(path)
        key = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
        if key not in self._known:
            self._known[key] = disk.hashed(path)
        return self._known[key]

    def search(self) -> Search:
        """The newest checkpoint that is sound, and what is wrong with newer ones."""
        damaged = []
        for path in reversed(self.paths()):
            try:
                return Search(read(path), damaged)
            except DamagedCheckpoint as error:
                damaged.append(str(error))
        return Search(None, damaged)

    def prune(self, keep: int | None = None) -> None:
        """Remove the oldest checkpoints, and what killed writers have left."""
        for path in self.paths_or_none()[: -(keep or self.keep)]:
            disk.remove_folder(path)
        disk.remove_remains(self.folder)

    def clear(self) -> None:
        """Remove all checkpoints."""
        for path in self.paths_or_none():
            disk.remove_folder(path)
        disk.remove_remains(self.folder)


def read(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        DamagedCheckpoint: with its name and what is wrong with it.
    """
    contents = _checked(path)
    try:
        state = json.loads(contents[STATE])
        return Checkpoint(path, read_arrays(contents[ARRAYS]), state)
    except UNREADABLE as error:
        raise DamagedCheckpoint(f"{path}: {error}") from None


def _checked(path: Path, *, thorough: bool = True) -> dict[str, bytes]:
    """Arrays and state of a checkpoint, if each file of it is what was written.

    Args:
        thorough: whether files that are only kept are read too.
    """
    try:
        listed = json.loads((path / FILES).read_bytes())
        names = [ARRAYS, STATE, *(_kept(index) for index in range(len(listed["files"]) - 2))]
        if listed["format"] != FORMAT or list(listed["files"]) != names:
            raise DamagedCheckpoint(f"{path}: {FILES} is of another format")
        contents = {name: (path / name).read_bytes() for name in (ARRAYS, STATE)}
        for name, (size, sha256) in listed["files"].items():
            if name in contents:
                content = contents[name]
                found = disk.Written(len(content), hashlib.sha256(content).hexdigest())
            elif thorough:
                found = disk.hashed(path / name)
            else:
                continue
            if found.size != size:
                raise DamagedCheckpoint(f"{path}: {name} has {found.size} bytes of {size}")
            if found.sha256 != sha256:
                raise DamagedCheckpoint(f"{path}: {name} is not what was written")
        return contents
    except FileNotFoundError as error:
        raise DamagedCheckpoint(f"{path}: {Path(error.filename).name} is missing") from None
    except UNREADABLE as error:
        raise DamagedCheckpoint(f"{path}: cannot be read: {error}") from None


def _kept(index: int) -> str:
    return f"file-{index:06d}"


def _number(path: Path) -> int:
    return int(path.name.rpartition("-")[2])
