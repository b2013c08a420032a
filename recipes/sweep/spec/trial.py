"""From the values of a trial to its recipe."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...errors import Problem, RecipeError
from ...spec import Recipe, inheritance, overrides
from ...spec.dump import to_plain
from ...spec.load import validate
from ...spec.nodes import Node, Place, dotted, node_of
from ...spec.nodes import Path as Keys
from ...spec.overrides import put, steps
from .records import Sweep

# A value and the key that it is put at.
Row = tuple[Keys, Node]


def put_merged(tree: Node, path: Keys, value: Node, above: Keys = ()) -> Node:
    """The tree with `value` at `path`: a mapping merges as `extends` does, all else replaces.

    Args:
        above: the path of the tree itself in a recipe.

    Raises:
        RecipeError: the path has no place in the tree.
    """
    below = at(tree, path)
    names = tuple("*" if isinstance(step, int) else step for step in (*above, *path))
    merged = value if below is None else inheritance.merge(below, value, names)
    return put(tree, path, merged, value.place)


def put_all(tree: Node, rows: Iterable[Row]) -> tuple[Node, list[Problem]]:
    """The tree with every value in it, in order, and the values that have no place in it."""
    problems: list[Problem] = []
    for path, value in rows:
        try:
            tree = put_merged(tree, path, value)
        except RecipeError as error:
            problems.extend(error.problems)
    return tree, problems


def at(tree: Node, path: Keys) -> Node | None:
    """The node at a path; None where there is none."""
    found: Node | None = tree
    for step in path:
        found = None if found is None else found.child(step)
    return found


def plain_at(tree: Node, path: Keys) -> object:
    """The plain value at a path; None where there is none."""
    found = at(tree, path)
    return None if found is None else found.plain()


def rows_of(sweep: Sweep, values: Mapping[str, object]) -> list[Row]:
    """The values of a trial with their paths and places, in the order in which they apply.

    Raises:
        ValueError: a value belongs to no parameter that is active with the others.
    """
    rows: list[Row] = []
    given: dict[str, object] = {}
    for parameter in sweep.parameters:
        if parameter.name in values and parameter.is_active(given):
            given[parameter.name] = values[parameter.name]
            rows.append((parameter.key, node_of(values[parameter.name], parameter.place)))
    stray = [name for name in values if name not in given]
    if stray:
        raise ValueError(
            "Argument `values` must hold only active parameters of the sweep. "
            f"Received: {', '.join(stray)}"
        )
    return rows


def stated(values: Mapping[str, object], name: str) -> object:
    """The value of a key in a trial, with the values of the keys that are inside of it.

    A choice is known by a value in which the middle of each domain stands for it.

    >>> stated({"a": {"b": {"c": 1, "d": 2}}, "a.b.c": 5}, "a")
    {'b': {'c': 5, 'd': 2}}
    """
    inside = [other for other in values if other.startswith((f"{name}.", f"{name}["))]
    if not inside:
        return values[name]
    place, above = Place("sweep"), steps(name)
    tree = node_of(values[name], place)
    for other in inside:
        path = steps(other)[len(above) :]
        if at(tree, path) is not None:
            tree = put_merged(tree, path, node_of(values[other], place), above)
    return tree.plain()


def overrides_of(sweep: Sweep, values: Mapping[str, object]) -> dict[str, object]:
    """A trial's values as overrides of the recipe `sweep.recipe`, those of the sweep among them.

    Loading the recipe with them gives the trial's recipe. A value may be a whole part of a recipe.

    Args:
        sweep: the sweep.
        values: name -> value, of the parameters that are active.

    Returns:
        `key.path` -> value, in the order in which they apply.
    """
    tree = inheritance.resolve(sweep.recipe)
    rows = [(steps(key), node_of(value, Place("sweep"))) for key, value in sweep.base.items()]
    found: dict[Keys, object] = {}
    for path, value in [*rows, *rows_of(sweep, values)]:
        tree = put_merged(tree, path, value)
        found.pop(path, None)
        found[path] = plain_at(tree, path)
    return {dotted(path): value for path, value in found.items()}


def trial_recipe(
    sweep: Sweep,
    values: Mapping[str, object],
    *,
    seed: int | None = None,
    epochs: int | None = None,
    into: type[Recipe] = Recipe,
) -> Recipe:
    """The recipe of one trial, checked.

    Args:
        sweep: the sweep.
        values: name -> value, of the parameters that are active.
        seed: a seed instead of the recipe's, for a repeat. The rows stay split as they were, so
            that no row of the test split is trained or validated on.
        epochs: a number of epochs instead of the recipe's.
        into: class of the result.

    Returns:
        The recipe, frozen.

    Raises:
        RecipeError: these values make no recipe.
        ValueError: a value belongs to no active parameter.
    """
    assert sweep.tree is not None
    tree, problems = put_all(sweep.tree, rows_of(sweep, values))
    if problems:
        raise RecipeError(problems)
    changes: dict[str, object] = {}
    if seed is not None:
        changes["seed"] = seed
        if plain_at(tree, ("data", "seed")) is None:
            changes["data.seed"] = plain_at(tree, ("seed",)) or 0
    if epochs is not None:
        changes["epochs"] = epochs
    return validate(overrides.apply(tree, changes), into)


def satisfied(sweep: Sweep, values: Mapping[str, object]) -> bool:
    """Whether every constraint holds for the values of a trial.

    A constraint may also name keys that are not in the space; those have the recipe's values.

    Raises:
        ValueError: a constraint cannot be computed.
    """
    if not sweep.constraints:
        return True
    known = Known(sweep, values)
    return all(constraint.holds(known) for constraint in sweep.constraints)


class Known(Mapping[str, object]):
    """The value of any key of a trial's recipe, read when it is asked for."""

    def __init__(self, sweep: Sweep, values: Mapping[str, object]):
        self._sweep = sweep
        self._values = values
        self._recipe: dict[str, Any] | None = None

    def __getitem__(self, key: str) -> object:
        if key in self._values:
            return self._values[key]
        if self._sweep.named(key):
            raise KeyError(key)
        found: Any = self._plain()
        for step in steps(key):
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                raise KeyError(key) from None
        if found is None:
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        try:
            self[str(key)]
        except KeyError:
            return False
        return True

    def _plain(self) -> dict[str, Any]:
        """The trial's recipe as plain data, defaults of every section in it."""
        recipe = self._recipe
        if recipe is None:
            recipe = self._recipe = to_plain(trial_recipe(self._sweep, self._values))
        return recipe
