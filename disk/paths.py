"""Names of files: those of a stranger, and those of what is not finished."""

from __future__ import annotations

import os
import re
from pathlib import Path

TEMPORARY = ".writing-"
# The name of something unfinished has the number of its process, and then its final name.
UNFINISHED = re.compile(re.escape(TEMPORARY) + r"(?:[0-9.]+|gone)-(.+)")


def beside(path: Path, more: str = "") -> Path:
    # The suffix stays last: Keras chooses its format by it.
    return path.with_name(f"{TEMPORARY}{os.getpid()}{more}-{path.name}")


class OutsideFolder(ValueError):
    """A name that leads out of the folder it belongs to."""


def inside(folder: Path, name: str) -> Path:
    """The path of a name below a folder; the name may come from a stranger.

    Args:
        folder: what the name is relative to; it may itself be reached through links.
        name: relative, with `/` between its parts.

    Raises:
        OutsideFolder: the name is absolute, has `..`, or a link leads out of the folder.

    >>> inside(Path("run"), "checkpoints/best.keras").as_posix()
    'run/checkpoints/best.keras'
    """
    words = name.replace("\\", "/").split("/") if isinstance(name, str) else [".."]
    if ".." in words or not words[0] or ":" in words[0] or "\0" in name:
        raise OutsideFolder(f"{name!r} is not a path inside {folder}")
    path = folder / name
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise OutsideFolder(f"{path} leads out of {folder} through a link")
    return path


def foreign_entry(folder: Path) -> Path | None:
    """The first link below a folder that leads out of it, device or pipe; None without any."""
    root = os.path.realpath(folder)
    for where, folders, names in os.walk(folder):
        for name in sorted([*folders, *names]):
            path = Path(where, name)
            if path.is_symlink():
                if not Path(os.path.realpath(path)).is_relative_to(root):
                    return path
            elif not (path.is_file() or path.is_dir()):
                return path
    return None
