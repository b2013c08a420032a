"""Checkpoints in a folder: complete or absent, checked by hashes, the last few kept."""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import disk
from ...arguments import check_int
from ..codec import read_arrays, write_arrays

ARRAYS, STATE, FILES = "arrays.npz", "state.json", "files.json"
FORMAT = 1
KEPT = re.compile(r"file-[0-9]{6,}")
NAME = re.compile(r"state-([0-9]{8,})")
# Whatever a damaged file can make a reader raise; KeyError is a LookupError.
UNREADABLE = (
    *(OSError, ValueError, TypeError, LookupError, EOFError, RecursionError, MemoryError),
    zipfile.BadZipFile,
)
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


class DamagedCheckpoint(Exception):
    """A checkpoint that is not what was written."""


@dataclass(frozen=True)
class KeptFile:
    """A file that was stored with a checkpoint, such as the best model so far.

    Attributes:
        path: the copy.
        written: what it held.
        problem: what is wrong with the copy, or None.
    """

    path: Path
    written: disk.Written
    problem: str | None = None

    def restore(self, target: Path) -> str | None:
        """Replace `target` by what was stored, in one step.

        Returns:
            None, or what is wrong with the copy; then `target` stays as it is.
        """
        with suppress(OSError):
            if disk.hashed(target) == self.written:
                return None
        if self.problem is not None:
            return self.problem
        disk.when_there_is_space(
            lambda: disk.write_whole(target, lambda beside: disk.copy_new(self.path, beside))
        )
        return None


@dataclass(frozen=True)
class Checkpoint:
    """What was stored.

    Attributes:
        path: its folder.
        arrays: in order.
        state: plain data.
        files: copies of files, in order.
    """

    path: Path
    arrays: list[np.ndarray]
    state: dict[str, Any]
    files: tuple[KeptFile, ...] = ()


@dataclass(frozen=True)
class Search:
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
            found = [path for path in self.folder.iterdir() if NAME.fullmatch(path.name)]
        except FileNotFoundError:
            return []
        return sorted(found, key=_number)

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
                kept[_kept(index)] = self._copy(file, identity, folder / _kept(index))
                copy = _identity(folder / _kept(index))
                copies[identity] = Copy(path / _kept(index), copy, kept[_kept(index)])
            copied()
            written = {
                ARRAYS: disk.write_new(folder / ARRAYS, lambda file: write_arrays(file, arrays)),
                STATE: disk.write_new(folder / STATE, lambda file: file.write(text)),
                **kept,
            }
            listed = {name: [found.size, found.sha256] for name, found in written.items()}
            content = json.dumps({"format": FORMAT, "files": listed}, indent=1).encode() + b"\n"
            disk.write_new(folder / FILES, lambda file: file.write(content))
        self._copies = copies
        with _refusing_damage(path):
            _contents(path, _listed(path))
        self.prune()
        return path

    def _copy(self, file: Path, identity: Identity, target: Path) -> disk.Written:
        """Store a file: a second name for the copy of the last checkpoint, or a new copy."""
        last = self._copies.get(identity)
        if last is not None and last.link(target):
            return last.written
        return disk.copy_new(file, target)

    def search(self) -> Search:
        """The newest checkpoint that is intact, and what is wrong with newer ones."""
        damaged: list[str] = []
        incomplete: Search | None = None
        for path in reversed(self.paths()):
            try:
                found = read(path)
            except DamagedCheckpoint as error:
                damaged.append(str(error))
                continue
            problems = [file.problem for file in found.files if file.problem is not None]
            if not problems:
                return Search(found, damaged)
            incomplete = incomplete or Search(found, list(damaged))
            damaged.extend(problems)
        return incomplete or Search(None, damaged)

    def prune(self, keep: int | None = None) -> None:
        """Remove the oldest checkpoints, and unfinished ones of processes that were killed."""
        self._remove(self.paths_or_none()[: -(keep or self.keep)])

    def clear(self) -> None:
        """Remove all checkpoints."""
        self._remove(self.paths_or_none())

    def _remove(self, paths: Sequence[Path]) -> None:
        for path in paths:
            disk.remove_folder(path, _is_ours)
        disk.remove_remains(self.folder, lambda name: NAME.fullmatch(name) is not None, _is_ours)


def read(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        DamagedCheckpoint: with its name and what is wrong with it.
    """
    with _refusing_damage(path):
        listed = _listed(path)
        contents = _contents(path, listed)
        state, arrays = json.loads(contents[STATE]), read_arrays(contents[ARRAYS])
    copies = [name for name in listed if name not in contents]
    return Checkpoint(path, arrays, state, tuple(_kept_file(path / n, listed[n]) for n in copies))


@contextmanager
def _refusing_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise DamagedCheckpoint(f"{path}: {Path(error.filename).name} is missing") from None
    except UNREADABLE as error:
        raise DamagedCheckpoint(f"{path}: cannot be read: {error}") from None


def _listed(path: Path) -> dict[str, disk.Written]:
    """What each file of a checkpoint held when it was written."""
    if os.path.islink(path):
        raise DamagedCheckpoint(f"{path}: is a link, which a checkpoint never is")
    listed = json.loads((path / FILES).read_bytes())
    names = [ARRAYS, STATE, *(_kept(index) for index in range(len(listed["files"]) - 2))]
    if listed["format"] != FORMAT or list(listed["files"]) != names:
        raise DamagedCheckpoint(f"{path}: {FILES} is of another format")
    return {name: disk.Written(*row) for name, row in listed["files"].items()}


def _contents(path: Path, listed: Mapping[str, disk.Written]) -> dict[str, bytes]:
    """Arrays and state of a checkpoint, if they are what was written."""
    contents = {}
    for name in (ARRAYS, STATE):
        with open(path / name, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            # A file whose size has changed is not read.
            content = file.read(size) if size == listed[name].size else b""
        found = disk.Written(size, hashlib.sha256(content).hexdigest())
        problem = _difference(found, listed[name])
        if problem is not None:
            raise DamagedCheckpoint(f"{path}: {name} {problem}")
        contents[name] = content
    return contents


def _kept_file(path: Path, written: disk.Written) -> KeptFile:
    try:
        problem = _difference(disk.hashed(path), written)
    except FileNotFoundError:
        problem = "is missing"
    except OSError as error:
        problem = f"cannot be read: {disk.cause(error)}"
    return KeptFile(
        path, written, None if problem is None else f"{path.parent}: {path.name} {problem}"
    )


def _difference(found: disk.Written, written: disk.Written) -> str | None:
    if found.size != written.size:
        return f"has {found.size} bytes of {written.size}"
    return None if found == written else "is not what was written"


def _identity(path: Path) -> Identity:
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _is_ours(name: str) -> bool:
    """Whether a file of this name is written into a checkpoint."""
    return name in (ARRAYS, STATE, FILES) or KEPT.fullmatch(name) is not None


def _kept(index: int) -> str:
    return f"file-{index:06d}"


def _number(path: Path) -> int:
    return int(path.name.rpartition("-")[2])
