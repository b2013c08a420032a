"""The files that a recipe's data come from, looked at without reading their rows."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path as File

from ..errors import DataError, Problem
from .choices import Choice
from .csv_header import delimiter_problem, encoding_problem, header
from .fields import did_you_mean, listed, shown
from .nodes import Path, is_list
from .schema import Recipe

Found = Iterator[tuple[Path, str]]
# Columns or arrays of a file that a message lists.
MOST_LISTED = 12


def csv_arguments_are_sound(recipe: Recipe) -> Found:
    """A `delimiter` is one character, and an `encoding` one that Python has."""
    for place, choice in _sources(recipe, "csv"):
        for name, problem in (("delimiter", delimiter_problem), ("encoding", encoding_problem)):
            value = choice.arguments.get(name)
            found = problem(value) if isinstance(value, str) else None
            if found is not None:
                yield (*place, name), found


def file_problems(recipe: Recipe) -> list[Problem]:
    """Files that are missing, and columns or arrays that they lack.

    Of a CSV file the first line is read, of an `.npz` file the directory. A recipe is loaded
    without this check, so that a run can be looked at where its data is gone.
    """
    found = [*_csv_problems(recipe), *_npz_problems(recipe)]
    return [recipe.problem(path, message) for path, message in found]


def _sources(recipe: Recipe, name: str) -> Iterator[tuple[Path, Choice]]:
    """Each source of a kind, with its place."""
    for part in ("source", "validation", "test"):
        choice = getattr(recipe.data, part)
        if isinstance(choice, Choice) and choice.name == name:
            yield ("data", part, name), choice


def _csv_problems(recipe: Recipe) -> Found:
    for place, choice in _sources(recipe, "csv"):
        given = choice.arguments
        dialect = given.get("delimiter", ","), given.get("encoding", "utf-8")
        try:
            names = header(File(given["path"]), *dialect)
        except DataError as error:
            yield (*place, "path"), str(error)
            continue
        known = set(names)
        for key in ("target", "numeric", "categorical"):
            value = given.get(key)
            listed_names = value if is_list(value) else [value]
            for index, name in enumerate(listed_names):
                if isinstance(name, str) and name not in known:
                    path = (*place, key) if name is value else (*place, key, index)
                    yield path, f"{given['path']} has no column {_lacks(name, names)}"


def _npz_problems(recipe: Recipe) -> Found:
    for place, choice in _sources(recipe, "npz"):
        path = choice.arguments["path"]
        try:
            names = _arrays(path)
        except DataError as error:
            yield (*place, "path"), str(error)
            continue
        defaults = {"x": "x", "y": "y", "x_test": None, "y_test": None}
        for key, default in defaults.items():
            name = choice.arguments.get(key, default)
            if isinstance(name, str) and name not in names:
                there = key if key in choice.arguments else "path"
                yield (*place, there), f"{path} has no array {_lacks(name, names)}"


def _lacks(name: str, names: list[str]) -> str:
    more = f" and {len(names) - MOST_LISTED} more" * (len(names) > MOST_LISTED)
    there = f"it has {listed(names[:MOST_LISTED])}{more}" if names else "it has none"
    return f"`{shown(name)[1:-1]}`; {there}.{did_you_mean(name, names)}"


def _arrays(path: str) -> list[str]:
    """Names of the arrays in an `.npz` file, from the directory at its end."""
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            raise DataError(f"{path}: is not a file.")
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except zipfile.BadZipFile:
        raise DataError(f"{path}: is no npz file, or is cut short.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}.") from None
    except (ValueError, NotImplementedError) as error:
        raise DataError(f"{path}: cannot be read: {error}.") from None
