"""From a sweep's file to a sweep: read, check every corner of its space, all mistakes at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from ...errors import Problem, RecipeError
from ...inputs import Overrides, Source
from ...spec import Recipe, inheritance, overrides
from ...spec.load import problem, validate
from ...spec.nodes import Node, Place, node_of, string_keys
from ...spec.plugins import load_plugins
from ...spec.sweep_file import has_keys_of_sweep, read_sweep
from ...spec.wording import shown
from . import checks
from .conditions import resolved
from .constraints import Constraint, compiled
from .corner_checks import CornerChecks
from .file import SweepFile
from .records import Algorithm, Parameter, Sweep
from .space import Space, read_space
from .trial import overrides_of, put_all, trial_recipe

__all__ = ["load_sweep", "overrides_of", "trial_recipe"]

# What stands in for a section with mistakes while the others are checked.
STAND_INS = {"name": "name", "recipe": "recipe", "space": {"seed": None}}


def load_sweep(
    source: Source,
    changes: Overrides = (),
    *,
    plugins: Sequence[str] = (),
) -> Sweep:
    """Read a sweep and check it against its recipe at every corner of its space.

    Args:
        source: path of a YAML file, name of a sweep that ships, or the sweep as a mapping.
        changes: overrides of the sweep's keys, `["budget.trials=8", ...]` or a mapping; below
            `overrides` stand those of the recipe, as `overrides.epochs=5`.
        plugins: modules whose classes the recipe may name.

    Returns:
        The sweep, frozen.

    Raises:
        RecipeError: with every mistake, each with its place, in the order of the file.
    """
    load_plugins(plugins)
    if isinstance(source, Mapping):
        root, path = node_of(string_keys(source), Place("sweep")), None
    else:
        root, path = read_sweep(source)
    if root.child("model") is not None and not has_keys_of_sweep(root):
        text = "this is a recipe, not a sweep, which names one: `recipe: FILE`. Train it with "
        raise RecipeError([root.problem((), text + "`keras-recipes train`.")])
    root = overrides.apply(root, changes)
    problems: list[Problem] = []
    made, broken = _sections(root, problems)
    node = root.child("space")
    space = Space() if node is None or not isinstance(node.value, dict) else read_space(node)
    parameters, wrong = resolved(space.entries, space.failed)
    problems += [*space.problems, *wrong]
    constraints = _constraints(root, problems)
    try:
        base, tree = _recipe(root, Path() if path is None else path.parent)
    except RecipeError as error:
        raise RecipeError(_sorted([*problems, *error.problems])) from None
    sweep = _sweep(made, path, tree, parameters, constraints, base, tuple(plugins))
    problems += checks.problems(sweep, root, base, broken)
    problems += CornerChecks(sweep, root, space.failed).problems()
    if problems:
        raise RecipeError(_sorted(problems))
    return sweep


def _sections(root: Node, problems: list[Problem]) -> tuple[SweepFile, frozenset[str]]:
    """Everything but the space, and the sections with mistakes, replaced by stand-ins."""
    plain = root.plain()
    try:
        return SweepFile.model_validate(plain), frozenset()
    except ValidationError as error:
        rows = error.errors(include_url=False)
    problems.extend(problem(root, row) for row in rows)
    broken = frozenset(str(row["loc"][0]) for row in rows if row["loc"])
    sound = {key: value for key, value in plain.items() if key not in broken}
    return SweepFile.model_validate({**STAND_INS, **sound}), broken


def _constraints(root: Node, problems: list[Problem]) -> list[Constraint]:
    node = root.child("constraints")
    found: list[Constraint] = []
    for child in node.value if node is not None and isinstance(node.value, list) else []:
        try:
            found.append(compiled(child.value, child.place))
        except ValueError as error:
            text = f"{error} Received {shown(child.plain())}."
            problems.append(child.place.problem("constraints", text))
    return found


def _recipe(root: Node, folder: Path) -> tuple[Recipe, Node]:
    """The recipe with the sweep's overrides, and its tree.

    Raises:
        RecipeError: with every mistake in them; none where `recipe` is no name.
    """
    named = root.child("recipe")
    if named is None or not isinstance(named.value, str) or not named.value:
        raise RecipeError([])
    try:
        tree = inheritance.resolve(str(inheritance.locate(named.value, folder)))
    except RecipeError as error:
        raise RecipeError(
            found if found.line else root.problem(("recipe",), f"{found.file} {found.message}")
            for found in error.problems
        ) from None
    changes = root.child("overrides")
    given = changes.value if changes is not None and isinstance(changes.value, dict) else {}
    wrong = [
        root.problem(("overrides", key), "is not a key.", key=True)
        for key in given
        if not overrides.WHOLE.fullmatch(key)
    ]
    rows = [
        # A person looks for a value at its key.
        (overrides.steps(key), Node(node.value, node.place, node.key_place or node.place))
        for key, node in given.items()
        if overrides.WHOLE.fullmatch(key)
    ]
    tree, misplaced = put_all(tree, rows)
    if wrong or misplaced:
        raise RecipeError([*wrong, *misplaced])
    tree = inheritance.absolute(tree, Path())
    return validate(tree, Recipe), tree


def _sweep(
    made: SweepFile,
    path: Path | None,
    tree: Node,
    parameters: Sequence[Parameter],
    constraints: Sequence[Constraint],
    base: Recipe,
    plugins: tuple[str, ...],
) -> Sweep:
    """The record of a file; what the algorithm takes from the recipe is filled in."""
    arguments = dict(made.algorithm.arguments)
    if "max_epochs" in arguments and arguments["max_epochs"] is None:
        arguments["max_epochs"] = base.epochs
    return Sweep(
        name=made.name,
        recipe=str(tree.place.file),
        objective=made.objective,
        algorithm=Algorithm(made.algorithm.name, arguments),
        parameters=tuple(parameters),
        base=dict(made.overrides),
        trials=made.budget.trials,
        epochs=made.budget.epochs,
        seconds=made.budget.time,
        constraints=tuple(constraints),
        repeats=made.repeats,
        retries=made.retries,
        max_consecutive_failures=made.max_consecutive_failures,
        jobs=made.jobs,
        seed=made.seed,
        evaluate_test=made.evaluate_test,
        ensemble=made.ensemble,
        folds=base.data.folds if base.data.fold is None else None,
        source=path,
        plugins=plugins,
        tree=tree,
    )


def _sorted(problems: Sequence[Problem]) -> list[Problem]:
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda row: (row.file, row.line or 0, row.column or 0, row.path))
