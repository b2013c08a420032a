"""A trial's values put into the recipe, with the places that they were read from."""

from collections.abc import Sequence
from typing import Any

from ...errors import Problem, RecipeError
from ...spec.inheritance import merge
from ...spec.nodes import Node, Path, Place
from ...spec.overrides import put

# Between the parts of a place that stands where an override's own text would.
MARK = "\0"
Row = tuple[Path, Node]


def put_merged(tree: Node, path: Path, value: Node) -> Node:
    """The tree with `value` at `path`: a mapping merges as `extends` does, all else replaces.

    Raises:
        RecipeError: the path has no place in the tree.
    """
    below = at(tree, path)
    names = tuple("*" if isinstance(step, int) else step for step in path)
    merged = value if below is None else merge(below, value, names)
    return put(tree, path, merged, _origin(value.place), ())


def put_rows(tree: Node, rows: Sequence[Row]) -> tuple[Node, list[Problem]]:
    """The tree with every value in it, in order, and the values that have no place in it."""
    problems: list[Problem] = []
    for path, value in rows:
        try:
            tree = put_merged(tree, path, value)
        except RecipeError as error:
            problems.extend(relocated(problem) for problem in error.problems)
    return tree, problems


def at(tree: Node, path: Path) -> Node | None:
    """The node at a path; None where there is none."""
    found: Node | None = tree
    for step in path:
        if found is None:
            return None
        found = found.child(step)
    return found


def relocated(problem: Problem) -> Problem:
    """A problem with the place of the value that caused it, rather than the name of an origin."""
    if MARK not in problem.file:
        return problem
    file, line, column = problem.file.split(MARK)
    place = (int(line), int(column)) if line else (None, None)
    return Problem(file, *place, problem.path, problem.message)


def plain_at(tree: Node, path: Path) -> Any:
    """The plain value at a path that was put into the tree."""
    found = at(tree, path)
    return None if found is None else found.plain()


def _origin(place: Place) -> str:
    return MARK.join([place.file, str(place.line or ""), str(place.column or "")])
