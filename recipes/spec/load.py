"""From a YAML text to a recipe: read, extend, override, check, all problems in one pass."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..errors import Problem, ProblemCode, RecipeError
from . import checks, inheritance, overrides
from .nodes import Node, dotted
from .plugins import load_plugins
from .schema import Recipe
from .strict import in_words
from .sweep_file import has_keys_of_sweep

R = TypeVar("R", bound=Recipe)
# What stands in for a section with problems while the others are checked against each other.
STAND_INS: dict[str, object] = {
    "name": "name",
    # Arrays may be anything, so that no check objects to them.
    "data": {"source": "arrays"},
    "model": {"layers": ["flatten"]},
}


def load(
    source: str | os.PathLike[str] | Mapping[str, object],
    changes: Sequence[str] | Mapping[str, object] = (),
    *,
    plugins: Sequence[str] = (),
    into: type[R] = Recipe,
) -> R:
    """Read and check a recipe.

    Args:
        source: path of a YAML file, name of a recipe that ships, or the recipe as a mapping.
        changes: overrides, `["key.path=value", ...]` or `{"key.path": value}`.
        plugins: modules, or paths of Python files, whose classes the recipe may name.
        into: class of the result.

    Returns:
        The recipe, frozen.

    Raises:
        RecipeError: with every mistake, each with its place, in the order of the file.
    """
    load_plugins(plugins)
    root = inheritance.resolve(source)
    if has_keys_of_sweep(root):
        text = "this is a sweep, not a recipe. Search with `keras-recipes sweep`."
        raise RecipeError([root.problem((), text)])
    tree = overrides.apply(root, changes)
    tree = inheritance.absolute(tree, Path())
    return validate(tree, into)


def validate(tree: Node, into: type[R]) -> R:
    """The recipe of a tree, or a `RecipeError` with every problem in it."""
    plain = tree.plain()
    problems: list[Problem] = []
    try:
        recipe = into.model_validate(plain)
        problems.extend(checks.problems(recipe, tree, frozenset()))
        if not problems:
            return recipe.read_from(tree)
    except ValidationError as error:
        rows = error.errors(include_url=False)
        problems.extend(problem(tree, row) for row in rows)
        broken = frozenset(str(row["loc"][0]) for row in rows if row["loc"])
        problems.extend(_checked_apart(plain, tree, broken, into))
    raise RecipeError(sorted(problems, key=_order))


def problem(tree: Node, row: ErrorDetails) -> Problem:
    """A pydantic error as a problem; an unknown key is shown where the key stands."""
    loc, code = row["loc"], ProblemCode(row["type"])
    missing = code is ProblemCode.MISSING_KEY
    # A missing key is shown at the mapping that lacks it.
    found = tree.problem(
        loc[:-1] if missing else loc, "", key=missing or code is ProblemCode.UNKNOWN_KEY
    )
    return replace(found, path=dotted(loc), code=code, **(in_words(row).context or {}))


def _checked_apart(
    plain: dict[str, object], tree: Node, broken: frozenset[str], into: type[R]
) -> list[Problem]:
    """Problems between the sections that are sound in themselves."""
    sound = {key: value for key, value in plain.items() if key not in broken}
    for key, stand_in in STAND_INS.items():
        sound.setdefault(key, stand_in)
    try:
        return checks.problems(into.model_validate(sound), tree, broken)
    except ValidationError:
        return []


def _order(found: Problem) -> tuple[str, int, int, str]:
    return (found.file, found.line or 0, found.column or 0, found.path)
