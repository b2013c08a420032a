"""The keys of stored recipes with their values as text, and how those of several runs differ."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from ..errors import RequestError

# No recipe has more keys, but an alias in a stranger's file can stand for billions of them.
MOST_KEYS = 20_000
# Recipes are not nested as deep. Older versions of PyYAML compose deeper texts by recursion in C,
# which ends the process.
MOST_DEPTH = 100
# Keys by which repetitions of the same experiment may differ.
REPEATED = frozenset({"name", "description", "seed", "data.seed"})
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Settings = Mapping[str, str]


def settings(recipe: str, where: str = "recipe.yaml") -> dict[str, str]:
    """Each key of a recipe with its value as it is written.

    Raises:
        RequestError: the text is not that of a recipe.

    >>> settings("model: {layers: [{dense: {units: 8}}]}")
    {'model.layers[0].dense.units': '8'}
    """
    try:
        _check_depth(recipe, where)
        node: yaml.Node | None = LOADER(recipe).get_single_node()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RequestError(f"{where}: is not YAML: {str(error).splitlines()[0]}.") from None
    found: dict[str, str] = {}
    try:
        for key, value in _leaves(node, ""):
            found[key] = value
            if len(found) > MOST_KEYS:
                raise RequestError(f"{where}: has more than {MOST_KEYS} keys.")
    except RecursionError:
        # An alias within its own anchor has no end.
        raise RequestError(f"{where}: is nested too deeply.") from None
    return found


def _check_depth(recipe: str, where: str) -> None:
    """Raise where a text is nested too deeply to be composed; its events take no recursion."""
    depth, parser = 0, LOADER(recipe)
    while parser.check_event():
        event = parser.get_event()
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise RequestError(f"{where}: is nested more than {MOST_DEPTH} deep.")


def _leaves(node: yaml.Node | None, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, yaml.MappingNode) and node.value:
        for key, value in node.value:
            name = str(getattr(key, "value", ""))
            yield from _leaves(value, f"{path}.{name}" if path else name)
    elif isinstance(node, yaml.SequenceNode) and node.value:
        for index, value in enumerate(node.value):
            yield from _leaves(value, f"{path}[{index}]")
    elif node is not None and path:
        yield path, str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def differing(runs: Sequence[Settings]) -> dict[str, list[str | None]]:
    """The keys that are not the same in all runs, with the value in each; None where it has none.

    >>> differing([{"seed": "1", "epochs": "5"}, {"seed": "2", "epochs": "5"}])
    {'seed': ['1', '2']}
    """
    keys = dict.fromkeys(key for run in runs for key in run)
    found = {key: [run.get(key) for run in runs] for key in keys}
    return {key: values for key, values in found.items() if len(set(values)) > 1}


def repetitions(runs: Sequence[Settings]) -> list[list[int]]:
    """Indices of runs in groups that differ by their seeds alone, in the order of the first ones.

    >>> repetitions([{"seed": "1", "a": "x"}, {"a": "y"}, {"seed": "2", "a": "x"}])
    [[0, 2], [1]]
    """
    found: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for index, run in enumerate(runs):
        key = tuple(sorted(item for item in run.items() if item[0] not in REPEATED))
        found.setdefault(key, []).append(index)
    return list(found.values())
