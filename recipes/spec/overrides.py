"""`key.path=value`: changes to a recipe from the command line or from Python."""

import re
from collections.abc import Iterable, Mapping, Sequence

from ..errors import Problem, RecipeError
from .inheritance import is_name
from .loader import parse
from .nodes import Node, Path, Place, dotted, is_dict, is_list, node_of
from .scalars import NULL
from .wording import listed, shown

STEP = re.compile(r"(?P<key>[^.\[\]]+)|\[(?P<index>[0-9]{1,9})\]")
WHOLE = re.compile(r"[^.\[\]]+(\[[0-9]{1,9}\]|\.[^.\[\]]+)*")


def apply(tree: Node, overrides: Sequence[str] | Mapping[str, object]) -> Node:
    """The tree with every override in it, in order.

    Raises:
        RecipeError: with every override that has no place in the recipe.
    """
    problems: list[Problem] = []
    for word, path, value in _read(overrides, problems):
        try:
            tree = put(tree, path, value, Place(word))
        except RecipeError as error:
            problems.extend(error.problems)
    if problems:
        raise RecipeError(problems)
    return tree


def _read(
    overrides: Sequence[str] | Mapping[str, object], problems: list[Problem]
) -> Iterable[tuple[str, Path, Node]]:
    """Each override as its text, its path and the tree of its value."""
    if isinstance(overrides, str):
        overrides = [overrides]
    items = (
        overrides.items()
        if isinstance(overrides, Mapping)
        else (
            (word.partition("=")[0], None if "=" not in word else word.partition("=")[2])
            for word in overrides
        )
    )
    for key, value in items:
        word = f"override `{shown(key)[1:-1]}`"
        if not WHOLE.fullmatch(key) or (value is None and not isinstance(overrides, Mapping)):
            message = (
                "expected `key.path=value`, as in `epochs=5` or `model.layers[0].dense.units=8`."
            )
            problems.append(Problem(word, None, None, "", message))
            continue
        try:
            node = _value(value, word, isinstance(overrides, Mapping))
        except RecipeError as error:
            problems.extend(Problem(word, None, None, "", p.message) for p in error.problems)
            continue
        yield word, steps(key), node


def _value(value: object, word: str, python: bool) -> Node:
    """The value by the recipe's own rules, placed at the override as a whole."""
    if not python:
        text = str(value)
        value = None if text.strip() in NULL else parse(text, word).plain()
    return node_of(value, Place(word))


def steps(key: str) -> Path:
    """A written path as its steps.

    >>> steps("model.layers[1].dropout.rate")
    ('model', 'layers', 1, 'dropout', 'rate')
    """
    return tuple(
        found["key"] if found["index"] is None else int(found["index"])
        for found in STEP.finditer(key)
    )


def put(tree: Node, path: Path, value: Node, place: Place, done: Path = ()) -> Node:
    """The tree with `value` at `path`; mappings on the way are made where there are none.

    Args:
        place: where the change is written.
        done: the path above `tree`.
    """
    if not path:
        return Node(value.value, value.place, tree.key_place)
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        if not is_list(tree.value) or step >= len(tree.value):
            size = len(tree.value) if is_list(tree.value) else None
            what = "is not a list" if size is None else f"has {size} items, counted from 0"
            raise RecipeError([place.problem(dotted(done), f"{what}.")])
        items = list(tree.value)
        items[step] = put(items[step], rest, value, place, (*done, step))
        return Node(items, tree.place, tree.key_place)
    children = _mapping(tree, step, place, done)
    below = children.get(step, Node({} if rest else None, place, place))
    if below.value is None and rest:
        below = Node({}, place, place)
    children[step] = put(below, rest, value, place, (*done, step))
    return Node(children, tree.place, tree.key_place)


def _mapping(tree: Node, step: str, place: Place, done: Path) -> dict[str, Node]:
    """The children of a node that a path goes through, to be changed."""
    if is_dict(tree.value):
        others = [key for key in tree.value if key != step]
        if _names_another(tree, step, done):
            message = (
                f"the recipe has {listed(others)} here, not `{step}`. To change the name, set "
                f"the whole: `{dotted(done)}={{{step}: {{...}}}}`."
            )
            raise RecipeError([place.problem(dotted(done), message)])
        return dict(tree.value)
    if tree.value is None:
        return {}
    # A bare name takes arguments: `optimizer: adam`, then `optimizer.adam.beta_1=0.8`.
    if tree.value == step:
        return {step: Node({}, tree.place)}
    message = f"has no keys; it is {shown(tree.plain())}."
    raise RecipeError([place.problem(dotted(done), message)])


def _names_another(tree: Node, step: str, done: Path) -> bool:
    inside_list = bool(done) and isinstance(done[-1], int)
    return (inside_list or is_name(done)) and bool(tree.value) and step not in tree.value
