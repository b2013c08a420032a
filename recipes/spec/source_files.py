"""The files that a recipe's data come from, looked at without reading their rows."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path as File

from ..errors import DataError, Problem
from .choices import Arguments, Choice
from .csv_header import (
    delimiter_of,
    header,
    opened,
    readable,
    refuse_device,
)
from .file_patterns import columns_problem, matched
from .image_folders import Listing, listing, own_part
from .missing_files import missing_backbone, missing_files
from .nodes import Path, dotted
from .schema import Recipe
from .tables import Found, is_table, named_columns, sources_of
from .wording import did_you_mean, listed, shown

# Columns or arrays of a file that a message lists.
MOST_LISTED = 12


def file_problems(recipe: Recipe) -> list[Problem]:
    """Files that are missing, and columns or arrays that they lack.

    Of CSV files the first line is read, of `.npz` files the directory, and of other tables
    nothing. A recipe is loaded without this check, so that a run can be looked at where its data
    is gone.
    """
    absent = [*missing_files(recipe), *missing_backbone(recipe)]
    known = {problem.path for problem in absent}
    found = [
        recipe.problem(path, message)
        for path, message in (
            *_csv_problems(recipe),
            *_table_problems(recipe),
            *_npz_problems(recipe),
            *_folder_problems(recipe),
            *_tfrecord_problems(recipe),
        )
    ]
    return [*absent, *(problem for problem in found if problem.path not in known)]


def _csv_problems(recipe: Recipe) -> Found:
    for place, choice in sources_of(recipe, "csv"):
        given = choice.arguments
        try:
            files = matched(given["path"])
            headers = [_header(path, given) for path in files]
        except DataError as error:
            yield (*place, "path"), str(error)
            continue
        for path, names in zip(files, headers, strict=True):
            problem = columns_problem(names, path, headers[0], files[0])
            if problem is not None:
                yield (*place, "path"), problem
                break
        known = set(headers[0])
        for key, name in named_columns(recipe):
            if name not in known:
                yield key, f"{files[0]} has no column {_lacks(name, headers[0])}"


def _header(path: File, given: Arguments) -> list[str]:
    delimiter = given.get("delimiter")
    delimiter = delimiter_of(path) if delimiter is None else delimiter
    return header(path, delimiter, given.get("encoding", "utf-8"))


def _table_problems(recipe: Recipe) -> Found:
    """Of the other files of tables it is only seen whether they can be opened."""
    for kind in ("jsonl", "parquet", "tfrecord"):
        for place, choice in sources_of(recipe, kind):
            try:
                for path in matched(choice.arguments["path"]):
                    with readable(path):
                        refuse_device(path)
                        opened(path).close()
            except DataError as error:
                yield (*place, "path"), str(error)


def _folder_problems(recipe: Recipe) -> Found:
    """A folder of pictures has some of each class; a table of labels can be opened."""
    for place, choice in sources_of(recipe, "image_folder"):
        labels = choice.arguments.get("labels")
        key = "path" if labels is None else "labels"
        try:
            if labels is None:
                parts = listing(choice.arguments["path"])
                yield from _own_validation(recipe, place, parts)
            else:
                with readable(File(labels)):
                    refuse_device(File(labels))
                    opened(File(labels)).close()
        except DataError as error:
            yield (*place, key), str(error)


def _own_validation(recipe: Recipe, place: Path, parts: Listing) -> Found:
    """A part of the rows cannot validate where a folder has a validation part."""
    asked = recipe.data.validation
    if not isinstance(asked, int | float) or recipe.data.folds is not None:
        return
    if "validation" in parts and place[:2] == ("data", "source"):
        yield ("data", "validation"), own_part(asked, recipe.data.source.arguments["path"])


def _npz_problems(recipe: Recipe) -> Found:
    for place, choice in sources_of(recipe, "npz"):
        try:
            files = {str(path): _arrays(str(path)) for path in matched(choice.arguments["path"])}
        except DataError as error:
            yield (*place, "path"), str(error)
            continue
        if is_table(recipe.data):
            yield from _npz_columns(recipe, place, choice, files)
            continue
        defaults = {"x": "x", "y": "y", "x_test": None, "y_test": None}
        for key, default in defaults.items():
            name = choice.arguments.get(key, default)
            lacking = [path for path, names in files.items() if name not in names]
            if isinstance(name, str) and lacking:
                there = key if key in choice.arguments else "path"
                path = lacking[0]
                yield (*place, there), f"{path} has no array {_lacks(name, files[path])}"


def _npz_columns(
    recipe: Recipe, place: Path, choice: Choice, files: Mapping[str, list[str]]
) -> Found:
    """The arrays of a file are columns where the recipe names a target."""
    for key in ("x", "y", "x_test", "y_test"):
        if key in choice.arguments:
            yield (
                (*place, key),
                "names an array of rows or targets, and with `data.target` each array is a column. "
                "Leave it out, and say under `features` which ones enter.",
            )
    for key, name in named_columns(recipe):
        lacking = [path for path, names in files.items() if name not in names]
        if lacking:
            yield key, f"{lacking[0]} has no array {_lacks(name, files[lacking[0]])}"


def _tfrecord_problems(recipe: Recipe) -> Found:
    """The columns of TFRecord files are the features that the recipe describes."""
    for place, choice in sources_of(recipe, "tfrecord"):
        names = list(choice.arguments["features"])
        for key, name in named_columns(recipe):
            if name not in names:
                yield key, f"{dotted(place)}.features has no column {_lacks(name, names)}"


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
