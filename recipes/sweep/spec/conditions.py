"""The conditions of parameters: resolved to values of other parameters, ordered and compared."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from ...errors import Problem
from ...spec.nodes import Node
from ...spec.wording import did_you_mean, listed, shown
from .labels import index_of
from .records import Parameter
from .space import SpaceEntry

# Name of another parameter -> values of it with which one is active.
When = Mapping[str, tuple[object, ...]]


def resolved(
    entries: Sequence[SpaceEntry], failed: Set[str] = frozenset()
) -> tuple[list[Parameter], list[Problem]]:
    """Parameters with their conditions as values, parents first, and what is wrong with others.

    Args:
        entries: the entries of a space, in the order of the file.
        failed: keys of the space whose values could not be read.
    """
    problems: list[Problem] = []
    by_name: dict[str, list[Parameter]] = {}
    for entry in entries:
        by_name.setdefault(entry.parameter.name, []).append(entry.parameter)
    sound: list[Parameter] = []
    for entry in entries:
        when = _when(entry, by_name, failed, problems)
        if when is not None:
            sound.append(replace(entry.parameter, when=when))
    return _apart(_ordered(sound, problems), problems), problems


def _when(
    entry: SpaceEntry,
    by_name: Mapping[str, list[Parameter]],
    failed: Set[str],
    problems: list[Problem],
) -> When | None:
    """The condition of an entry with the parents' values in it; None where it is wrong."""
    name = entry.parameter.name
    found: dict[str, tuple[object, ...]] = {}
    wrong = False
    for parent, nodes in entry.when.items():
        if parent not in by_name:
            wrong = True
            if parent not in failed:
                hint = did_you_mean(parent, by_name)
                node = nodes[0] if nodes else Node(None, entry.parameter.place)
                message = f"`when` names `{parent}`, which is not in the space.{hint}"
                problems.append((node.key_place or node.place).problem(name, message))
            continue
        values: list[object] = []
        for node in nodes:
            word = node.plain()
            matching = [value for row in by_name[parent] for value in row.domain.named(word)]
            if not matching:
                wrong = True
                message = _no_such(parent, by_name[parent], word)
                problems.append(node.place.problem(name, message))
            values.extend(value for value in matching if index_of(values, value) is None)
        found[parent] = tuple(values)
    return None if wrong else found


def _no_such(parent: str, parameters: Sequence[Parameter], word: object) -> str:
    """What to say of a word of `when` that is no value of the parent."""
    if all(row.domain.count is None for row in parameters):
        return f"`when`: `{parent}` is a range without single values, so no condition can name one."
    known = [name for row in parameters for name in row.domain.names()]
    hint = did_you_mean(word, known) or f" There are {listed(known[:12])}."
    return f"`when`: {shown(word)} is not a value of `{parent}`.{hint}"


def _ordered(rows: Sequence[Parameter], problems: list[Problem]) -> list[Parameter]:
    """Parents, and keys that contain others, come first; a circle of conditions is left out."""
    names = {row.name for row in rows}
    needs = [
        {other for other, above in enumerate(rows) if above.name in row.when or row.is_below(above)}
        for row in rows
    ]
    # A parent that was left out leaves out what depends on it.
    left_out = {index for index, row in enumerate(rows) if not row.when.keys() <= names}
    waiting = [index for index in range(len(rows)) if index not in left_out]
    done: list[int] = []
    while ready := [index for index in waiting if needs[index] <= {*done}]:
        done.append(ready[0])
        waiting.remove(ready[0])
    circle = [rows[index] for index in waiting if not needs[index] & left_out]
    if circle:
        words = listed(dict.fromkeys(row.name for row in circle))
        problems.append(circle[0].problem(f"the conditions form a circle: {words}."))
    return [rows[index] for index in done]


def _apart(parameters: Sequence[Parameter], problems: list[Problem]) -> list[Parameter]:
    """The parameters without those that could be active together with an earlier of their name."""
    kept: list[Parameter] = []
    whole = [_whole_when(parameter, parameters) for parameter in parameters]
    for later, parameter in enumerate(parameters):
        other = next(
            (
                parameters[earlier]
                for earlier in range(later)
                if parameters[earlier].name == parameter.name
                and not _exclude(whole[earlier], whole[later])
            ),
            None,
        )
        if other is None:
            kept.append(parameter)
            continue
        message = f"is there twice, also in line {other.place.line}; give each a different `when`, "
        problems.append(parameter.problem(f"{message}so that only one is active."))
    return kept


def _whole_when(parameter: Parameter, parameters: Sequence[Parameter]) -> When:
    """A condition together with the conditions of its parents, where those have one form alone."""
    found = dict(parameter.when)
    for name in parameter.when:
        above = [other for other in parameters if other.name == name]
        if len(above) == 1:
            for parent, allowed in _whole_when(above[0], parameters).items():
                found.setdefault(parent, allowed)
    return found


def _exclude(one: When, other: When) -> bool:
    """Whether two conditions never hold at once."""
    return any(
        parent in other and all(index_of(other[parent], value) is None for value in allowed)
        for parent, allowed in one.items()
    )
