"""From a sweep's file to a sweep: read, check every corner of its space, all mistakes at once."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ...errors import Problem, RecipeError
from ...spec import Recipe, inheritance, overrides
from ...spec.fields import shown
from ...spec.load import problem, validate
from ...spec.loader import read_named
from ...spec.nodes import Node, Place, node_of, string_keys
from ...spec.plugins import load_plugins
from . import checks, corner_checks, shipped
from .apply import put_merged, relocated
from .conditions import resolved
from .constraints import Constraint, compiled
from .file import SweepFile
from .records import Algorithm, Sweep
from .space import Entry, read_space
from .trial import overrides_of, trial_recipe

__all__ = ["is_sweep", "load_sweep", "overrides_of", "trial_recipe"]


def load_sweep(
    source: str | os.PathLike | Mapping[str, Any],
    changes: Sequence[str] | Mapping[str, Any] = (),
    *,
    plugins: Sequence[str] = (),
) -> Sweep:
    """Read a sweep and check it against its recipe at every corner of its space.

    Args:
        source: path of a YAML file, name of a sweep that ships, or the sweep as a mapping.
        changes: overrides of the sweep's own keys, `["budget.trials=8", ...]` or a mapping; below
            `overrides` stand those of the recipe, as `overrides.epochs=5`.
        plugins: modules whose classes the recipe may name.

    Returns:
        The sweep, frozen.

    Raises:
        RecipeError: with every mistake, each with its place, in the order of the file.
    """
    load_plugins(plugins)
    root, path = read_source(source)
    root = overrides.apply(root, changes)
    problems: list[Problem] = []
    made, broken = _sections(root, problems)
    entries, failed, wrong = _entries(root)
    problems.extend(wrong)
    parameters, entries, wrong = resolved(entries, failed)
    problems.extend(wrong)
    constraints = _constraints(root, problems)
    base, tree = _recipe(root, path, problems)
    if base is None or tree is None:
        raise RecipeError(_sorted(problems))
    sweep = _sweep(made, path, tree, parameters, constraints, base, tuple(plugins))
    problems.extend(checks.beside(sweep, root, base, broken))
    problems.extend(corner_checks.corners_of(sweep, entries, root, failed))
    if problems:
        raise RecipeError(_sorted(problems))
    return sweep


def is_sweep(source: str | os.PathLike) -> bool:
    """Whether a path or a shipped name is a sweep rather than a recipe: it names a recipe.

    A file that cannot be read, and a name that nothing has, is none.
    """
    try:
        root, _ = read_source(source)
    except RecipeError:
        return False
    named = any(root.child(key) is not None for key in ("recipe", "space"))
    return named and root.child("model") is None


def read_source(source: str | os.PathLike | Mapping[str, Any]) -> tuple[Node, Path | None]:
    """The tree of a sweep, its name filled in, and the file that it stands in."""
    if isinstance(source, Mapping):
        root = node_of(string_keys(source), Place("sweep"))
        return root, None
    path = shipped.locate(str(source))
    return read_named(path, "recipe"), path


def _sections(root: Node, problems: list[Problem]) -> tuple[SweepFile, frozenset[str]]:
    """Everything but the space; for sections that are wrong something stands in."""
    plain = root.plain()
    try:
        return SweepFile.model_validate(plain), frozenset()
    except ValidationError as error:
        rows = error.errors(include_url=False)
    problems.extend(problem(root, row) for row in rows)
    broken = frozenset(str(row["loc"][0]) for row in rows if row["loc"])
    sound = {key: value for key, value in plain.items() if key not in broken}
    return SweepFile.model_validate({**STAND_INS, **sound}), broken


# What stands in for a section with mistakes while the others are checked.
STAND_INS = {"name": "name", "recipe": "recipe", "space": {"seed": None}}


def _entries(root: Node) -> tuple[list[Entry], set[str], list[Problem]]:
    space = root.child("space")
    if space is None or not isinstance(space.value, dict):
        return [], set(), []
    return read_space(space)


def _constraints(root: Node, problems: list[Problem]) -> list[Constraint]:
    node = root.child("constraints")
    found = []
    for child in node.value if node is not None and isinstance(node.value, list) else []:
        try:
            found.append(compiled(child.value, child.place.line, child.place.column))
        except ValueError as error:
            place = child.place
            said = f"{error} Received {shown(child.plain())}."
            problems.append(Problem(place.file, place.line, place.column, "constraints", said))
    return found


def _recipe(
    root: Node, path: Path | None, problems: list[Problem]
) -> tuple[Recipe | None, Node | None]:
    """The recipe with the sweep's overrides, and its tree; None where either is wrong."""
    named = root.child("recipe")
    if named is None or not isinstance(named.value, str) or not named.value:
        return None, None
    folder = Path() if path is None else path.parent
    try:
        tree = inheritance.resolve(str(inheritance.locate(named.value, folder)))
    except RecipeError as error:
        problems.extend(
            root.problem(("recipe",), f"{found.file} {found.message}")
            if found.line is None
            else found
            for found in error.problems
        )
        return None, None
    changes = root.child("overrides")
    before = len(problems)
    for key, node in (changes.value if changes and isinstance(changes.value, dict) else {}).items():
        try:
            if not overrides.WHOLE.fullmatch(key):
                raise RecipeError([root.problem(("overrides", key), "is no key.", key=True)])
            tree = put_merged(tree, overrides.steps(key), _at_key(node))
        except RecipeError as error:
            problems.extend(relocated(found) for found in error.problems)
    tree = inheritance.absolute(tree, Path())
    if len(problems) > before:
        return None, None
    try:
        recipe = validate(tree, Recipe)
    except RecipeError as error:
        problems.extend(relocated(found) for found in error.problems)
        return None, None
    return recipe, tree


def _at_key(node: Node) -> Node:
    """A value whose place is that of its key, which is where a person looks for it."""
    return Node(node.value, node.place, node.key_place or node.place)


def _sweep(
    made: SweepFile,
    path: Path | None,
    tree: Node,
    parameters: Sequence[Any],
    constraints: Sequence[Constraint],
    base: Recipe,
    plugins: tuple[str, ...],
) -> Sweep:
    """The record of a file; what the algorithm takes from the recipe is filled in."""
    name, arguments = made.algorithm
    if "max_epochs" in arguments and arguments["max_epochs"] is None:
        arguments = {**arguments, "max_epochs": base.epochs}
    return Sweep(
        name=made.name,
        recipe=str(tree.place.file),
        objective=made.objective,
        algorithm=Algorithm(name, arguments),
        parameters=tuple(parameters),
        base=dict(made.overrides),
        trials=made.budget.trials,
        epochs=made.budget.epochs,
        seconds=made.budget.time,
        constraints=tuple(constraints),
        source=path,
        plugins=plugins,
        tree=tree,
        **{key: getattr(made, key) for key in COPIED},
    )


COPIED = (
    "repeats",
    "retries",
    "max_consecutive_failures",
    "jobs",
    "seed",
    "evaluate_test",
    "ensemble",
)


def _sorted(problems: Sequence[Problem]) -> list[Problem]:
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda row: (row.file, row.line or 0, row.column or 0, row.path))
