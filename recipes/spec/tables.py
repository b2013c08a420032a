"""Which sources are tables with named columns, and the columns that a recipe names."""

from collections.abc import Iterator

from .choices import Choice
from .csv_header import (
    delimiter_problem,
    encoding_problem,
)
from .date_formats import date_format_problem
from .nodes import Path
from .parts import OTHERS, input_names
from .schema import Recipe
from .sections import DataSection

Found = Iterator[tuple[Path, str]]
# Arguments of the source `csv`, and what may be wrong with each.
CSV_ARGUMENTS = {
    "delimiter": delimiter_problem,
    "encoding": encoding_problem,
    "date_format": date_format_problem,
}
# Sources of rows with named columns.
TABLES = frozenset({"csv", "jsonl", "parquet", "image_folder", "tfrecord", "tfds", "huggingface"})
# Tables that have a target of their own.
OWN_TARGET = frozenset({"image_folder"})
# A data frame from Python, which is one if the recipe names its target.
GIVEN = "arrays"
# Sources that are tables where the recipe names a target, and else arrays.
EITHER = frozenset({GIVEN, "npz"})


def csv_arguments_are_sound(recipe: Recipe) -> Found:
    """A `delimiter` is one character, an `encoding` one that Python has, and so on."""
    for place, choice in sources_of(recipe, "csv"):
        for name, problem in CSV_ARGUMENTS.items():
            value = choice.arguments.get(name)
            found = problem(value) if isinstance(value, str) else None
            if found is not None:
                yield (*place, name), found
        mark = choice.arguments.get("thousands")
        if mark is not None and mark == choice.arguments.get("decimal", "."):
            yield (*place, "thousands"), "is the `decimal` mark, and cannot be both."


def is_table(section: DataSection) -> bool:
    """Whether rows come with named columns."""
    name = section.source.name
    return name in TABLES or (name in EITHER and section.target is not None)


def sources_of(recipe: Recipe, name: str | None = None) -> Iterator[tuple[Path, Choice]]:
    """Each source of a kind, or of any, with its place."""
    for part in ("source", "validation", "test"):
        choice = getattr(recipe.data, part)
        if isinstance(choice, Choice) and name in (None, choice.name):
            yield ("data", part, choice.name), choice


def named_columns(recipe: Recipe) -> Iterator[tuple[Path, str]]:
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
