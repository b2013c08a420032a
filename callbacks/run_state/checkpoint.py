"""One checkpoint in its folder: what it holds, read and checked by hashes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import disk
from ..codec import read_arrays

ARRAYS, STATE, FILES = "arrays.npz", "state.json", "files.json"
FORMAT = 1
KEPT = re.compile(r"file-[0-9]{6,}")
# Whatever a damaged file can make a reader raise; KeyError is a LookupError.
UNREADABLE = (
    *(OSError, ValueError, TypeError, LookupError, EOFError, RecursionError, MemoryError),
    zipfile.BadZipFile,
)


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


def verify(path: Path) -> None:
    """Check that arrays and state of a checkpoint are what was written.

    Raises:
        DamagedCheckpoint: they are not.
    """
    with _refusing_damage(path):
        _contents(path, _listed(path))


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
    names = [ARRAYS, STATE, *(copy_name(index) for index in range(len(listed["files"]) - 2))]
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
        present = disk.Written(size, hashlib.sha256(content).hexdigest())
        problem = _difference(present, listed[name])
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


def _difference(present: disk.Written, written: disk.Written) -> str | None:
    if present.size != written.size:
        return f"has {present.size} bytes of {written.size}"
    return None if present == written else "is not what was written"


def is_checkpoint_file(name: str) -> bool:
    """Whether a file of this name is written into a checkpoint."""
    return name in (ARRAYS, STATE, FILES) or KEPT.fullmatch(name) is not None


def copy_name(index: int) -> str:
    return f"file-{index:06d}"
