"""The sweeps that ship with the package, and where a word leads."""

import os
from pathlib import Path

from ...errors import Problem, RecipeError
from ...spec import shipped
from ...spec.fields import did_you_mean
from ...spec.inheritance import SUFFIXES


def folder() -> Path:
    """Where the shipped sweeps stand."""
    return shipped.folder() / "sweeps"


def sweeps() -> list[shipped.Shipped]:
    """All shipped sweeps, by name."""
    return [
        shipped.Shipped(path.stem, path, _title(path)) for path in sorted(folder().glob("*.yaml"))
    ]


def locate(word: str) -> Path:
    """The file that a path or a shipped name means.

    Raises:
        RecipeError: no sweep of this name ships.
    """
    if word.endswith(SUFFIXES) or "/" in word or "\\" in word:
        return Path(word)
    known = {sweep.name: sweep.path for sweep in sweeps()}
    if word in known:
        return known[word]
    hint = did_you_mean(word, known)
    exists = " A file needs its suffix, .yaml." if os.path.exists(word) else ""
    message = f"no sweep of this name ships.{hint}{exists}"
    raise RecipeError([Problem(word, None, None, "", message)])


def _title(path: Path) -> str:
    with open(path, encoding="utf-8") as file:
        return file.readline().lstrip("# ").rstrip(".\n")
