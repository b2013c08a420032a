"""Checkpoints in a folder: complete or absent, checked by hashes, the last few kept."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ... import disk
from ...arguments import check_int
from ..codec import write_arrays
from .checkpoint import (
    ARRAYS,
    FILES,
    FORMAT,
    STATE,
    Checkpoint,
    DamagedCheckpoint,
    copy_name,
    is_checkpoint_file,
    read,
    verify,
)

NAME = re.compile(r"state-([0-9]{8,})")
# Device, inode, time of the last change and size.
Identity = tuple[int, int, int, int]


@dataclass(frozen=True)
class Copy:
    """A copy of a file in the last checkpoint."""

    path: Path
    identity: Identity
    written: disk.Written

    def link(self, target: Path) -> bool:
        """Give the copy a second name; False where it has been changed, or that cannot be done."""
        with suppress(OSError):
            return _identity(self.path) == self.identity and disk.linked(self.path, target)
        return False


@dataclass(frozen=True)
class CheckpointSearch:
    """The result of a search for checkpoints.

    Attributes:
        newest: the newest that is intact, or None. One whose copies of files are damaged is used
            only where there is no other.
        damaged: for each newer one, its name and what is wrong with it.
    """

    newest: Checkpoint | None
    damaged: list[str]


class CheckpointStore:
    """A folder of checkpoints.

    A checkpoint is a folder `state-00000007` of three files: `arrays.npz` (NumPy's format, without
    pickle), `state.json`, and `files.json` with size and SHA-256 of all others. Copies of further
    files, such as the best model so far, can be stored with it; checkpoints share a copy as long as
    the file does not change. A checkpoint is written under a temporary name, flushed to disk,
    renamed, and read back before an older one is removed. So a process that dies, or a disk that
    fails, at any moment leaves every earlier checkpoint as it was. Only files of these names are
    removed, and no link is followed to remove one.

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
        self.keep = check_int("keep", keep, ge=1)
        # The last copy of each file, by identity.
        self._copies: dict[Identity, Copy] = {}

    def paths(self) -> list[Path]:
        """Folders of the checkpoints, damaged or not, the oldest first."""
        try:
            checkpoints = [path for path in self.folder.iterdir() if NAME.fullmatch(path.name)]
        except FileNotFoundError:
            return []
        return sorted(checkpoints, key=_number)

    def paths_or_none(self) -> list[Path]:
        """As `paths`; empty where the folder cannot be read."""
        try:
            return self.paths()
        except OSError:
            return []

    def save(
        self,
        arrays: Sequence[np.ndarray],
        state: Mapping[str, object],
        files: Sequence[Path] = (),
        *,
        copied: Callable[[], None] = lambda: None,
    ) -> Path:
        """Write a checkpoint.

        Args:
            arrays: of numbers or booleans.
            state: what JSON can hold.
            files: files to store as they are now.
            copied: called when the files are stored, before all else is written.

        Raises:
            OSError: it could not be written; those that were there are as they were.
            DamagedCheckpoint: what was read back is not what was written.
        """
        text = json.dumps(state, allow_nan=False).encode()
        paths = self.paths()
        number = _number(paths[-1]) + 1 if paths else 1
        path = self.folder / f"state-{number:08d}"
        with disk.new_folder(path) as folder:
            kept, copies = {}, {}
            for index, file in enumerate(files):
                identity = _identity(file)
                kept[copy_name(index)] = self._copy(file, identity, folder / copy_name(index))
                copy = _identity(folder / copy_name(index))
                copies[identity] = Copy(path / copy_name(index), copy, kept[copy_name(index)])
            copied()
            written = {
                ARRAYS: disk.write_new(folder / ARRAYS, lambda file: write_arrays(file, arrays)),
                STATE: disk.write_new(folder / STATE, lambda file: file.write(text)),
                **kept,
            }
            listed = {name: [entry.size, entry.sha256] for name, entry in written.items()}
            content = json.dumps({"format": FORMAT, "files": listed}, indent=1).encode() + b"\n"
            disk.write_new(folder / FILES, lambda file: file.write(content))
        self._copies = copies
        verify(path)
        self.prune()
        return path

    def _copy(self, file: Path, identity: Identity, target: Path) -> disk.Written:
        """Store a file: a second name for the copy of the last checkpoint, or a new copy."""
        last = self._copies.get(identity)
        if last is not None and last.link(target):
            return last.written
        return disk.copy_new(file, target)

    def search(self) -> CheckpointSearch:
        """The newest checkpoint that is intact, and what is wrong with newer ones."""
        damaged: list[str] = []
        incomplete: CheckpointSearch | None = None
        for path in reversed(self.paths()):
            try:
                checkpoint = read(path)
            except DamagedCheckpoint as error:
                damaged.append(str(error))
                continue
            problems = [file.problem for file in checkpoint.files if file.problem is not None]
            if not problems:
                return CheckpointSearch(checkpoint, damaged)
            incomplete = incomplete or CheckpointSearch(checkpoint, list(damaged))
            damaged.extend(problems)
        return incomplete or CheckpointSearch(None, damaged)

    def prune(self, keep: int | None = None) -> None:
        """Remove the oldest checkpoints, and unfinished ones of processes that were killed."""
        self._remove(self.paths_or_none()[: -(keep or self.keep)])

    def clear(self) -> None:
        """Remove all checkpoints."""
        self._remove(self.paths_or_none())

    def _remove(self, paths: Sequence[Path]) -> None:
        for path in paths:
            disk.remove_folder(path, is_checkpoint_file)
        disk.remove_remains(
            self.folder, lambda name: NAME.fullmatch(name) is not None, is_checkpoint_file
        )


def _identity(path: Path) -> Identity:
    stat = os.stat(path)
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size


def _number(path: Path) -> int:
    return int(path.name.rpartition("-")[2])
