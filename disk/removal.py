"""Removes what is ours, and nothing else; what cannot be removed stays and does no harm."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .paths import TEMPORARY, UNFINISHED


def remove_file(path: Path) -> None:
    """Remove a regular file if that is possible; links and folders stay."""
    with suppress(OSError):
        if stat.S_ISREG(os.lstat(path).st_mode):
            os.unlink(path)


def remove_files(folder: Path, is_ours: Callable[[str], bool]) -> None:
    """Remove the regular files of a folder whose names are ours, and the folder if it is empty."""
    with suppress(OSError):
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            return
        for name in os.listdir(folder):
            if is_ours(name):
                remove_file(folder / name)
        os.rmdir(folder)


def remove_folder(path: Path, is_ours: Callable[[str], bool]) -> None:
    """Remove a folder of files of ours, after it was renamed: it is never there in part.

    If there is anything else in it, only the files that are ours are removed.
    """
    # What cannot be removed now may be removed later, and does no harm.
    with suppress(OSError):
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            return
        if all(is_ours(name) for name in os.listdir(path)):
            gone = path.with_name(f"{TEMPORARY}gone-{path.name}")
            remove_files(gone, is_ours)
            os.rename(path, gone)
            path = gone
        remove_files(path, is_ours)


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, after it was renamed; no link is followed."""
    with suppress(OSError):
        if stat.S_ISDIR(os.lstat(path).st_mode):
            gone = path.with_name(f"{TEMPORARY}gone-{path.name}")
            shutil.rmtree(gone, ignore_errors=True)
            os.rename(path, gone)
            shutil.rmtree(gone, ignore_errors=True)


def remove_remains(
    folder: Path, is_ours: Callable[[str], bool], inner: Callable[[str], bool] = lambda name: False
) -> None:
    """Remove what killed processes were writing into a folder.

    Args:
        is_ours: whether a file or a folder of this name is written there.
        inner: whether a file of this name is written into such a folder.
    """
    with suppress(OSError):
        for name in os.listdir(folder):
            found = UNFINISHED.fullmatch(name)
            if found is not None and is_ours(found[1]):
                remove_file(folder / name)
                remove_files(folder / name, inner)
