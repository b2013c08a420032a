"""Which names and arguments the installed Keras has, known without importing it."""

from collections.abc import Sequence
from functools import cache
from importlib import metadata

from . import catalog

# What one of a kind is called, where that is not the kind without its `s`.
SINGULAR = {"losses": "loss"}


@cache
def installed() -> str | None:
    """The version of Keras that is installed, or None where the metadata of none is."""
    try:
        return metadata.version("keras")
    except metadata.PackageNotFoundError:
        return None


def minor_of(version: str) -> str:
    """The first two numbers of a version.

    >>> minor_of("3.15.1")
    '3.15'
    """
    return ".".join(version.split(".")[:2])


def tested(version: str) -> bool:
    """Whether a version of Keras is one that the catalog was generated from."""
    return minor_of(version) in catalog.minors()


def nearest(version: str) -> str:
    """The minor in the catalog that a version is looked up as: the same one, or the nearest."""
    minors = catalog.minors()
    older = [minor for minor in minors if _numbers(minor) <= _numbers(minor_of(version))]
    return older[-1] if older else minors[0]


def lacks(minors: Sequence[str]) -> bool:
    """Whether the installed Keras lacks what only these minors have; no minors are all of them."""
    if not minors:
        return False
    version = installed()
    return version is not None and nearest(version) not in minors


def names(kind: str) -> list[str]:
    """All names of a kind that the installed Keras has, sorted."""
    return [name for name in catalog.names(kind) if not lacks(catalog.entry(kind, name).keras)]


def missing_name(kind: str, name: str) -> str | None:
    """What to say of a name that the installed Keras lacks, or None where it has it."""
    minors = catalog.entry(kind, name).keras
    if not lacks(minors):
        return None
    word = SINGULAR.get(kind, kind.removesuffix("s")).replace("_", " ")
    article = "an" if word[0] in "aeiou" else "a"
    return f"`{name}` is {article} {word} of {_needs(minors, 'use another')}"


def missing_argument(kind: str, name: str, argument: str) -> str | None:
    """What to say of an argument that the installed Keras lacks, or None where it has it."""
    minors = catalog.entry(kind, name).arguments[argument].keras
    if not lacks(minors):
        return None
    return f"`{argument}` is an argument of `{name}` in {_needs(minors, 'leave it out')}"


def spelled(minors: Sequence[str]) -> str:
    """The versions of Keras that have something, as people say it."""
    first, last = minors[0], minors[-1]
    if first == last:
        return f"Keras {first}"
    return (
        f"Keras {first} and newer" if last == catalog.minors()[-1] else f"Keras {first} to {last}"
    )


def _needs(minors: Sequence[str], otherwise: str) -> str:
    """Which versions have it, which is installed, and the mend."""
    newest = minors[-1] == catalog.minors()[-1]
    wanted = f"keras>={minors[0]}" if newest else f"keras=={minors[-1]}.*"
    return f"{spelled(minors)}; installed is {installed()}. Install `{wanted}`, or {otherwise}."


def _numbers(minor: str) -> tuple[int, ...]:
    return tuple(int(part) for part in minor.split(".") if part.isdigit())
