"""Folders that are complete or absent, and that are not made anew on another disk."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import FolderGone
from .paths import beside

# A new name is on disk only once its folder was flushed; some systems lack these flags.
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
_IN_USE: set[str] = set()


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """For the time of the block, do not make a folder anew if it goes away.

    The next files would land on another disk, in a folder without the others.
    """
    path = os.path.abspath(folder)
    added = path not in _IN_USE
    _IN_USE.add(path)
    try:
        yield
    finally:
        if added:
            _IN_USE.discard(path)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, unless they are there.

    Raises:
        FolderGone: one of them is `in_use`.
    """
    if os.path.isdir(path):
        return
    whole = os.path.abspath(path)
    # A copy: other threads may enter and leave blocks meanwhile.
    for folder in tuple(_IN_USE):
        if Path(whole).is_relative_to(folder) and not os.path.isdir(folder):
            raise FolderGone(folder)
    os.makedirs(path, exist_ok=True)


def flush_folder(path: Path) -> None:
    """Flush the names in a folder to disk."""
    folder = os.open(path, _DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which is renamed to `path` at the end of the block.

    If anything fails, it is removed.
    """
    make_folder(path.parent)
    temporary = beside(path)
    number = 1
    while os.path.lexists(temporary):
        # An earlier process may have had the same number.
        number += 1
        temporary = beside(path, f".{number}")
    os.mkdir(temporary)
    try:
        yield temporary
        flush_folder(temporary)
        os.rename(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    flush_folder(path.parent)


@contextmanager
def replaced_files(folder: Path, pattern: str) -> Iterator[Path]:
    """A new folder to fill, whose files replace those in `folder` that match a pattern.

    Everything else in `folder` stays.

    Raises:
        OSError: `folder` is a link, which is not followed.
    """
    if folder.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder))
    temporary = beside(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    make_folder(temporary)
    try:
        yield temporary
        make_folder(folder)
        for old in folder.glob(pattern):
            os.unlink(old)
        for new in temporary.iterdir():
            os.replace(new, folder / new.name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
