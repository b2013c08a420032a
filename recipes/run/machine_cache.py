"""Trained machines kept for later runs, by a hash of all that decides their weights."""

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import disk
from ..data.npz import opened
from ..errors import DataError
from ..record.manifest import ENVIRONMENT, versions

# Another value where the same settings give other weights than before.
FORMAT = 1
FOLDER = "KERAS_RECIPES_CACHE"
WEIGHTS, ENTRY = "weights.npz", "entry.json"
# Whatever a damaged entry can make its reader raise.
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    RecursionError,
    MemoryError,
    zipfile.BadZipFile,
)


@dataclass(frozen=True)
class Kept:
    """A machine as it was: its variables in order, its history, and the seconds it has taken."""

    weights: list[np.ndarray]
    history: dict[str, list[float]]
    seconds: float


def folder() -> Path:
    """`KERAS_RECIPES_CACHE`, or `keras-recipes` in the user's folder for caches."""
    named = os.environ.get(FOLDER)
    if named:
        return Path(named)
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "keras-recipes"


def key_of(rows: str, settings: Mapping[str, Any]) -> str:
    """The name of an entry.

    Args:
        rows: hash of what the machine, or the lowest one below it, is trained on.
        settings: of the machine and all below it, as plain data.
    """
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    told = {
        "format": FORMAT,
        "rows": rows,
        "settings": settings,
        "versions": versions(),
        "environment": environment,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


class MachineStore:
    """Entries in a folder, each whole or absent."""

    def __init__(self, path: Path):
        self.path = path

    def find(self, key: str) -> Kept | None:
        """The entry of a name; None where there is none, or a damaged one, which is removed."""
        place = self.path / key
        try:
            entry = json.loads((place / ENTRY).read_text(encoding="utf-8"))
            if digest(place / WEIGHTS) != entry["sha256"]:
                raise ValueError("the weights are not those that were kept")
            with opened(place / WEIGHTS) as arrays:
                weights = [arrays[str(index)] for index in range(len(arrays.files))]
            return Kept(weights, _history(entry["history"]), float(entry["seconds"]))
        except FileNotFoundError:
            return None
        except (*UNREADABLE, DataError):
            self.drop(key)
            return None

    def keep(self, key: str, kept: Kept) -> bool:
        """Write an entry, in the place of an older one.

        The hash that the entry has of its weights makes it one: where a process is killed between
        the two files, there is none, and the machine is trained again.

        Returns:
            False where the folder cannot be written, which costs only time later.
        """
        place = self.path / key
        arrays: dict[str, Any] = {str(index): part for index, part in enumerate(kept.weights)}
        try:
            written = disk.write_whole(place / WEIGHTS, lambda path: np.savez(path, **arrays))
            entry = {"sha256": written.sha256, "history": kept.history, "seconds": kept.seconds}
            disk.write_text(place / ENTRY, json.dumps(entry))
        except OSError:
            return False
        return True

    def drop(self, key: str) -> None:
        """Remove an entry, if it is there; a file that is not of it stays."""
        disk.remove_files(self.path / key, _is_ours)


def _is_ours(name: str) -> bool:
    found = disk.UNFINISHED.fullmatch(name)
    return (name if found is None else found[1]) in (WEIGHTS, ENTRY)


def _history(found: Any) -> dict[str, list[float]]:
    return {str(name): [float(value) for value in values] for name, values in found.items()}


def shared() -> MachineStore:
    """The store that all runs of a user share."""
    return MachineStore(folder())


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
