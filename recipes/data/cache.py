"""What is read of a table or made of it, kept in a folder for later runs, under a hash of content.

Nothing depends on it: where the folder cannot be written, or the disk is full, everything is made
again. A file in it appears in one step and ends with a hash of itself, so that several processes
may share it and a damaged one is made again.
"""

import hashlib
import importlib.metadata
import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa

from ... import disk

FOLDER = "KERAS_RECIPES_CACHE"
# Changed whenever the same file gives other columns, or features other numbers, than before.
FORMAT = 2
# Bytes of all entries: those that were not used for longest go first.
MOST_BYTES = 20 << 30
# Seconds after its last use during which an entry may still be in use.
IN_USE = 3600.0
# Bytes of the disk that stay free.
FREE = 1 << 30
# Smaller files are hashed whenever they are read; of larger ones the hash is kept.
MEMO = 64 << 20
# Seconds after a change during which a file may change again within the same tick of its clock.
SETTLED = 2.0
KINDS = ("tables", "blocks", "features", "files")


def folder() -> Path | None:
    """`KERAS_RECIPES_CACHE`, or `keras-recipes` in the user's folder for caches; None for `off`."""
    named = os.environ.get(FOLDER)
    if named == "off":
        return None
    if named:
        return Path(named)
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "keras-recipes"


def entry(kind: str, content: Mapping[str, object]) -> Path | None:
    """The folder of an entry, which need not exist; None where nothing is kept.

    Args:
        kind: one of `KINDS`.
        content: everything that decides what is in it, as plain data.
    """
    root = folder()
    if root is None:
        return None
    whole = {"format": FORMAT, "arrow": pa.__version__, "package": _version(), **content}
    key = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:32]
    return root / kind / key


def _version() -> str:
    try:
        return importlib.metadata.version("keras-recipes")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def used(place: Path) -> None:
    """Note that an entry is used now."""
    with suppress(OSError):
        disk.touch(place)


def has_room(size: int) -> bool:
    """Whether `size` bytes fit onto the disk of the cache, with some left for others."""
    place = folder()
    if place is None:
        return False
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        return shutil.disk_usage(place).free - size > FREE
    except OSError:
        return False


def trim(most: int | None = None) -> None:
    """Remove entries that were not used for longest, until the others take `MOST_BYTES` or less.

    Entries that may be in use stay.

    Args:
        most: another bound, in bytes; 0 removes all but those in use.
    """
    bound = MOST_BYTES if most is None else most
    found = sorted(entries(), key=lambda row: row[1])
    total = sum(size for _, _, size in found)
    for place, when, size in found:
        if total <= bound:
            return
        if time.time() - when > IN_USE:
            disk.remove_entry(place)
            total -= size


def entries() -> list[tuple[Path, float, int]]:
    """Each entry with the time of its last use, in seconds since 1970, and its bytes."""
    root = folder()
    found: list[tuple[Path, float, int]] = []
    for kind in KINDS:
        with suppress(OSError):
            for place in sorted((root / kind).iterdir() if root is not None else ()):
                with suppress(OSError):
                    files = [file.stat() for file in place.iterdir() if file.is_file()]
                    size = sum(file.st_size for file in files)
                    found.append((place, place.stat().st_mtime, size))
    return found


def content_of(path: Path) -> str:
    """SHA-256 of a file's content.

    That of a large file is kept under its path, size and time of change.
    """
    before = path.stat()
    state = [str(path.resolve()), before.st_size, before.st_mtime_ns, before.st_ino]
    place = entry("files", {"state": state}) if before.st_size >= MEMO else None
    if place is not None:
        with suppress(OSError, ValueError):
            known = (place / "sha256").read_text(encoding="ascii")
            if len(known) == 64 and int(known, 16) >= 0:
                used(place)
                return known
    found = disk.hashed(path).sha256
    if place is not None and time.time() - before.st_mtime > SETTLED:
        with suppress(OSError):
            disk.write_cached(place / "sha256", lambda file: file.write(found.encode()))
    return found


def file_name(name: str, kind: str) -> str:
    """A name of a file for what may be any text, such as the name of a column."""
    return f"{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}.{kind}"


def digest_of(array: np.ndarray) -> str:
    """SHA-256 of the bytes of an array."""
    return hashlib.sha256(bytes_of(array)).hexdigest()


def bytes_of(array: np.ndarray) -> memoryview:
    """The bytes of an array."""
    return np.ascontiguousarray(array).data.cast("B")
