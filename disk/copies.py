"""Copies of files and folders, complete or absent."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import BinaryIO

from .files import Written, write_new
from .folders import new_folder


def copy_new(path: Path, copy: Path) -> Written:
    """Copy a file to a new one, hashed and flushed to disk."""

    def write(file: BinaryIO) -> None:
        with open(path, "rb") as source:
            shutil.copyfileobj(source, file, 1 << 20)

    return write_new(copy, write)


def copy_folder(source: Path, target: Path) -> None:
    """Copy the files and folders of a folder, completely or not at all; links are left out."""
    with new_folder(target) as beside:
        for folder, folders, names in os.walk(source):
            place = beside / Path(folder).relative_to(source)
            for name in folders:
                if not os.path.islink(Path(folder, name)):
                    os.mkdir(place / name)
            for name in names:
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink():
                    copy_new(path, place / name)


def linked(path: Path, name: Path) -> bool:
    """Give a file that is never changed a second name; False if that cannot be done."""
    try:
        os.link(path, name)
    except OSError:
        return False
    return True
