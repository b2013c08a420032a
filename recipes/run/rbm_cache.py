"""Trained RBMs cached for later runs, under a hash of everything that decides their weights."""

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import disk
from ..data.cache import folder
from ..data.npz import opened
from ..errors import DataError
from ..record.manifest import ENVIRONMENT, versions

# Changed whenever the same settings give other weights than before.
FORMAT = 2
WEIGHTS, ENTRY = "weights.npz", "entry.json"
# Whatever reading a damaged entry may raise.
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
class CachedRBM:
    """The variables of an RBM in order, its history, and the seconds that it was trained for."""

    weights: list[np.ndarray]
    history: dict[str, list[float]]
    seconds: float


def key_of(rows: str, settings: Mapping[str, object]) -> str:
    """The name of an entry.

    Args:
        rows: hash of the rows that the lowest RBM is trained on.
        settings: of the RBM and all below it, as plain data.
    """
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    content = {
        "format": FORMAT,
        "rows": rows,
        "settings": settings,
        "versions": versions(),
        "environment": environment,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


class RBMStore:
    """Entries in a folder, each complete or absent."""

    def __init__(self, path: Path):
        self.path = path

    def find(self, key: str) -> CachedRBM | None:
        """The entry of a name; None where there is none, or a damaged one, which is removed."""
        place = self.path / key
        try:
            entry = json.loads((place / ENTRY).read_text(encoding="utf-8"))
            if digest(place / WEIGHTS) != entry["sha256"]:
                raise ValueError("the weights are not those that were stored")
            with opened(place / WEIGHTS) as arrays:
                weights = [arrays[str(index)] for index in range(len(arrays.files))]
            return CachedRBM(weights, _history(entry["history"]), float(entry["seconds"]))
        except FileNotFoundError:
            return None
        except (*UNREADABLE, DataError):
            self.drop(key)
            return None

    def keep(self, key: str, rbm: CachedRBM) -> bool:
        """Write an entry, which replaces an older one.

        An entry counts only with the hash of its weights: if a process is killed between writing
        the two files, there is no entry, and the RBM is trained again.

        Returns:
            False if the folder cannot be written: the RBM is then trained again in later runs.
        """
        place = self.path / key
        arrays: dict[str, Any] = {str(index): part for index, part in enumerate(rbm.weights)}
        try:
            written = disk.write_whole(place / WEIGHTS, lambda path: np.savez(path, **arrays))
            entry = {"sha256": written.sha256, "history": rbm.history, "seconds": rbm.seconds}
            disk.write_text(place / ENTRY, json.dumps(entry))
        except OSError:
            return False
        return True

    def drop(self, key: str) -> None:
        """Remove an entry, if it is there; a file that is not of it stays."""
        disk.remove_files(self.path / key, _is_ours)


def _is_ours(name: str) -> bool:
    unfinished = disk.UNFINISHED.fullmatch(name)
    return (name if unfinished is None else unfinished[1]) in (WEIGHTS, ENTRY)


def _history(history: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {str(name): [float(value) for value in values] for name, values in history.items()}


def shared() -> RBMStore | None:
    """The store that all runs of a user share; None where the cache is off."""
    place = folder()
    return None if place is None else RBMStore(place)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
