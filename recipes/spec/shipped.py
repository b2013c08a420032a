"""The recipes that ship with the package."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ..errors import RequestError
from .wording import did_you_mean


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
    return _in(folder())


def sweeps() -> list[Shipped]:
    """All sweeps that ship, by name."""
    return _in(folder() / "sweeps")


def find(name: str) -> Shipped:
    """The shipped recipe of a name.

    Raises:
        RequestError: there is none, with the closest names.
    """
    found = get(name)
    if found is None:
        raise RequestError(f"{name}: {unknown(name)}")
    return found


def get(name: str) -> Shipped | None:
    """The shipped recipe of a name, or None where there is none."""
    return next((recipe for recipe in recipes() if recipe.name == name), None)


def unknown(name: str) -> str:
    """What to say of a name that no shipped recipe has."""
    if any(sweep.name == name for sweep in sweeps()):
        return f"this is a sweep, not a recipe. Search with `keras-recipes sweep {name}`."
    names = [recipe.name for recipe in recipes()]
    hint = did_you_mean(name, names) or " `keras-recipes list` shows them."
    return f"no recipe of this name ships.{hint}"


def _in(files: Path) -> list[Shipped]:
    return [Shipped(path.stem, path, _title(path)) for path in sorted(files.glob("*.yaml"))]


def _title(path: Path) -> str:
    with open(path, encoding="utf-8") as file:
        return file.readline().lstrip("# ").rstrip(".\n")
