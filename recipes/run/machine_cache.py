"""Trained machines kept for later runs, by a hash of all that decides their weights."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..build.data.npz import opened
from ..errors import DataError
from .manifest import ENVIRONMENT, versions

# Another value where the same settings give other weights than before.
FORMAT = 1
FOLDER = "KERAS_RECIPES_CACHE"
WEIGHTS, ENTRY = "weights.npz", "entry.json"


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
        """The entry of a name; None where there is none, or a damaged one, which is taken away."""
        place = self.path / key
        try:
            entry = json.loads((place / ENTRY).read_text(encoding="utf-8"))
            if digest(place / WEIGHTS) != entry["sha256"]:
                raise ValueError("the weights are not those that were kept")
            with opened(place / WEIGHTS) as arrays:
                weights = [arrays[str(index)] for index in range(len(arrays.files))]
            return Kept(weights, entry["history"], entry["seconds"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, DataError):
            shutil.rmtree(place, ignore_errors=True)
            return None

    def keep(self, key: str, kept: Kept) -> bool:
        """Write an entry in one move, in the place of an older one.

        Returns:
            False where the folder cannot be written, which costs only time later.
        """
        place = self.path / key
        temporary: str | None = None
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            temporary = tempfile.mkdtemp(prefix=".writing-", dir=self.path)
            written = Path(temporary)
            arrays: dict[str, Any] = {str(index): part for index, part in enumerate(kept.weights)}
            with open(written / WEIGHTS, "wb") as file:
                np.savez(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
            entry = {
                "sha256": digest(written / WEIGHTS),
                "history": kept.history,
                "seconds": kept.seconds,
            }
            (written / ENTRY).write_text(json.dumps(entry), encoding="utf-8")
            # A folder cannot be moved onto one that holds files.
            self.drop(key)
            os.rename(written, place)
        except OSError:
            # Another process may have written the same entry meanwhile; its bits are the same.
            return place.is_dir()
        finally:
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)
        return True

    def drop(self, key: str) -> None:
        """Take an entry away, if it is there."""
        shutil.rmtree(self.path / key, ignore_errors=True)


def shared() -> MachineStore:
    """The store that all runs of a user share."""
    return MachineStore(folder())


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
