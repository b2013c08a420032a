"""The files that a recipe's data come from, looked at without reading their rows."""

import itertools
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path as File

from ..errors import DataError, Problem
from .backbones import TOKENIZER, file_of
from .choices import Arguments, Choice
from .csv_header import (
    delimiter_of,
    delimiter_problem,
    encoding_problem,
    header,
    opened,
    readable,
    refuse_device,
)
from .fields import did_you_mean, listed, shown
from .file_arguments import FILES
from .file_patterns import columns_problem, is_pattern, matched, pattern_problem
from .image_folders import Listing, listing, own_part
from .nodes import Path, dotted
from .parts import OTHERS, input_names
from .schema import Recipe
from .sections import DataSection
from .tokens import token_columns

Found = Iterator[tuple[Path, str]]
# Sources of rows with named columns.
TABLES = frozenset({"csv", "jsonl", "parquet", "image_folder", "tfrecord", "tfds", "huggingface"})
# Tables that have a target of their own.
OWN_TARGET = frozenset({"image_folder"})
# A data frame from Python, which is one if the recipe names its target.
GIVEN = "arrays"
# Sources that are tables where the recipe names a target, and else arrays.
EITHER = frozenset({GIVEN, "npz"})
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


def is_table(section: DataSection) -> bool:
    """Whether rows come with named columns."""
    name = section.source.name
    return name in TABLES or (name in EITHER and section.target is not None)


def missing_files(recipe: Recipe) -> list[Problem]:
    """Files of data that are not there, with what the recipe's first comment says of its source."""
    found: list[Problem] = []
    for place, choice in _sources(recipe):
        for key, path in choice.arguments.items():
            if ("sources", choice.name, key) in FILES and isinstance(path, str):
                wrong = _missing(path)
                if wrong:
                    problem = recipe.problem((*place, key), f"{path}: {wrong}")
                    found.append(replace(problem, hint=_where_from(problem)))
    return found


def missing_backbone(recipe: Recipe) -> list[Problem]:
    """That the folder or file of a backbone, or the tokenizer of a text preset, is not there.

    A training begins with them.
    """
    backbone, named = recipe.model.backbone, file_of(recipe.model.backbone)
    if backbone is None or named is None:
        return []
    place = ("model", "backbone", backbone.name, named[0])
    if _is_missing(named[1]):
        return [recipe.problem(place, f"{named[1]}: there is no such file or folder.")]
    if token_columns(recipe) and _is_missing(os.path.join(named[1], TOKENIZER)):
        text = f"{named[1]}: has no `{TOKENIZER}`, which the tokenizer of its network writes there"
        return [recipe.problem(place, f"{text}: `tokenizer.save_to_preset(folder)`.")]
    return []


def _missing(path: str) -> str:
    """That there is no file at a path, or none that matches; empty where there is one."""
    if not _is_missing(path):
        return ""
    return pattern_problem(path) if is_pattern(path) else "there is no such file."


def _is_missing(path: str) -> bool:
    try:
        os.stat(path)
    except FileNotFoundError:
        return True
    except (OSError, ValueError):  # reading it tells what is wrong
        return False
    return False


def _where_from(problem: Problem) -> str:
    """What the recipe's first comment says after `Source:`; empty where it says nothing."""
    if problem.line is None:
        return ""
    try:
        lines = File(problem.file).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return ""
    comment = itertools.takewhile(lambda line: line.startswith("#"), lines)
    text = "\n".join(line.lstrip("#") for line in comment)
    source = re.search(r"^ *Source:(.*?)(?=^ *\w+:|\Z)", text, re.MULTILINE | re.DOTALL)
    if source is None:
        return ""
    said = " ".join(source[1].split())
    return f"Source: {said} If you have the file elsewhere, add `{problem.path}=FILE`."


def _sources(recipe: Recipe, name: str | None = None) -> Iterator[tuple[Path, Choice]]:
    """Each source of a kind, or of any, with its place."""
    for part in ("source", "validation", "test"):
        choice = getattr(recipe.data, part)
        if isinstance(choice, Choice) and name in (None, choice.name):
            yield ("data", part, choice.name), choice


def _csv_problems(recipe: Recipe) -> Found:
    for place, choice in _sources(recipe, "csv"):
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
        for key, name in _named_columns(recipe):
            if name not in known:
                yield key, f"{files[0]} has no column {_lacks(name, headers[0])}"


def _header(path: File, given: Arguments) -> list[str]:
    delimiter = given.get("delimiter")
    delimiter = delimiter_of(path) if delimiter is None else delimiter
    return header(path, delimiter, given.get("encoding", "utf-8"))


def _table_problems(recipe: Recipe) -> Found:
    """Of the other files of tables it is only seen whether they can be opened."""
    for kind in ("jsonl", "parquet", "tfrecord"):
        for place, choice in _sources(recipe, kind):
            try:
                for path in matched(choice.arguments["path"]):
                    with readable(path):
                        refuse_device(path)
                        opened(path).close()
            except DataError as error:
                yield (*place, "path"), str(error)


def _folder_problems(recipe: Recipe) -> Found:
    """A folder of pictures has some of each class; a table of labels can be opened."""
    for place, choice in _sources(recipe, "image_folder"):
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


def _named_columns(recipe: Recipe) -> Iterator[tuple[Path, str]]:
    """Each column that the recipe names, with its place."""
    for name in recipe.data.target or ():
        yield ("data", "target"), name
    for kind, name in (recipe.data.split_by or {}).items():
        yield ("data", "split_by", kind), name
    for name in recipe.data.features or ():
        if name != "*":
            yield ("data", "features", name), name
    for place, name in input_names(recipe.model.parts):
        if name != OTHERS:
            yield place, name
    window = recipe.data.window
    if window is not None:
        for key, name in (("time", window.time), ("by", window.by)):
            if name is not None:
                yield ("data", "window", key), name
        for index, name in enumerate(window.known):
            yield ("data", "window", "known", index), name


def tables_have_targets(recipe: Recipe) -> Found:
    """A table needs a target, which is no feature too; other sources have targets."""
    section = recipe.data
    if section.source.name in TABLES - OWN_TARGET and section.target is None:
        yield ("data",), "needs `target`: the column of the table that is predicted."
    if not is_table(section):
        for key in ("target", "features", "split_by"):
            if getattr(section, key) is not None:
                message = f"`{section.source.name}` is no table with columns; leave `{key}` out."
                yield ("data", key), message
    # What was before is an input of a forecast.
    for name in (section.target or ()) if section.window is None else ():
        if section.features is not None and section.features.get(name, "drop") != "drop":
            yield ("data", "features", name), "is the target, and cannot be a feature too."


def _npz_problems(recipe: Recipe) -> Found:
    for place, choice in _sources(recipe, "npz"):
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
    for key, name in _named_columns(recipe):
        lacking = [path for path, names in files.items() if name not in names]
        if lacking:
            yield key, f"{lacking[0]} has no array {_lacks(name, files[lacking[0]])}"


def _tfrecord_problems(recipe: Recipe) -> Found:
    """The columns of TFRecord files are the features that the recipe describes."""
    for place, choice in _sources(recipe, "tfrecord"):
        names = list(choice.arguments["features"])
        for key, name in _named_columns(recipe):
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
