"""The recipes that ship with the package."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ..errors import RequestError
from .fields import did_you_mean


@dataclass(frozen=True)
class Shipped:
    """A recipe that ships: its name, its file, and the first line of its header."""

    name: str
    path: Path
    title: str


def folder() -> Path:
    """Where the shipped recipes stand."""
    # The package is always installed as files, so that recipes can name data beside them.
    return Path(
        str(resources.files(str(__package__).rpartition(".recipes")[0]).joinpath("configs"))
    )


def recipes() -> list[Shipped]:
    """All shipped recipes, by name."""
    return [Shipped(path.stem, path, _title(path)) for path in sorted(folder().glob("*.yaml"))]


def find(name: str) -> Shipped:
    """The shipped recipe of a name.

    Raises:
        RequestError: there is none, with the closest names.
    """
    known = {recipe.name: recipe for recipe in recipes()}
    if name not in known:
        hint = did_you_mean(name, known) or " `keras-recipes list` shows them."
        raise RequestError(f"{name}: no recipe of this name ships.{hint}")
    return known[name]


def _title(path: Path) -> str:
    with open(path, encoding="utf-8") as file:
        return file.readline().lstrip("# ").rstrip(".\n")
