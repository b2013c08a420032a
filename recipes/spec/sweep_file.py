"""Which files are sweeps, found out without the language of sweeps, which no recipe needs."""

import os
from pathlib import Path

from ..errors import RecipeError
from . import inheritance
from .loader import read_named
from .nodes import Node, Place
from .shipped import get, sweeps
from .wording import did_you_mean


def is_sweep(source: str | os.PathLike[str]) -> bool:
    """Whether a path or a shipped name is a sweep rather than a recipe: it names a recipe.

    A file that cannot be read, or a name that does not exist, is not one.
    """
    try:
        root, _ = read_sweep(source)
    except RecipeError:
        return False
    return has_keys_of_sweep(root)


def has_keys_of_sweep(root: Node) -> bool:
    """Whether a tree is that of a sweep rather than of a recipe."""
    named = any(root.child(key) is not None for key in ("recipe", "space"))
    return named and root.child("model") is None


def read_sweep(source: str | os.PathLike[str]) -> tuple[Node, Path]:
    """The tree of a sweep, its name filled in, and the file that it stands in.

    Raises:
        RecipeError: there is no such file or name, or it is no mapping.
    """
    path = _locate(str(source))
    return read_named(path, "recipe"), path


def _locate(word: str) -> Path:
    """The file that a path or a shipped name means."""
    if word.endswith(inheritance.SUFFIXES) or "/" in word or "\\" in word:
        return Path(word)
    known = {sweep.name: sweep.path for sweep in sweeps()}
    if word in known:
        return known[word]
    if get(word) is not None:
        text = f"this is a recipe, not a sweep. Train it with `keras-recipes train {word}`."
        raise RecipeError([Place(word).problem("", text)])
    exists = " A file needs its suffix, .yaml." if os.path.exists(word) else ""
    text = f"no sweep of this name ships.{did_you_mean(word, known)}{exists}"
    raise RecipeError([Place(word).problem("", text)])
