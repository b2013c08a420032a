"""Which parameters are active in a trial: conditions resolved, ordered, and held apart."""

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from ...errors import Problem
from ...spec.fields import did_you_mean, listed, shown
from ...spec.nodes import Node
from .domains import count, position, value_at
from .labels import index_of, labels, same, short
from .records import Choice, Fixed, Parameter
from .space import Entry


def active(
    parameters: Sequence[Parameter], value_of: Callable[[int, Parameter], Any]
) -> dict[str, Any]:
    """Name -> value of the parameters that are active.

    Args:
        parameters: parents before the parameters that depend on them.
        value_of: the value that a parameter, with its index, has if it is active.
    """
    values: dict[str, Any] = {}
    for index, parameter in enumerate(parameters):
        if is_active(parameter.when, values):
            values[parameter.name] = value_of(index, parameter)
    return values


def is_active(when: Mapping[str, tuple[Any, ...]], values: Mapping[str, Any]) -> bool:
    """Whether a condition holds: every parent is active and has one of its values."""
    return all(
        parent in values and index_of(allowed, values[parent]) is not None
        for parent, allowed in when.items()
    )


def resolved(
    entries: Sequence[Entry], failed: Set[str] = frozenset()
) -> tuple[list[Parameter], list[Entry], list[Problem]]:
    """Parameters with their conditions as values, parents first, each beside its entry.

    Args:
        entries: the entries of a space, in the order of the file.
        failed: keys of the space whose values could not be read.

    Returns:
        The parameters whose conditions are sound, their entries, and what is wrong with others.
    """
    problems: list[Problem] = []
    by_name: dict[str, list[Entry]] = {}
    for entry in entries:
        by_name.setdefault(entry.name, []).append(entry)
    whens = [_when(entry, by_name, failed, problems) for entry in entries]
    sound = [index for index, when in enumerate(whens) if when is not None]
    kept = [(entries[index], whens[index] or {}) for index in sound]
    kept = _order(kept, problems)
    parameters = [_parameter(entry, when) for entry, when in kept]
    again = _overlaps(parameters, [entry for entry, _ in kept], problems)
    apart = [index for index in range(len(kept)) if index not in again]
    return [parameters[index] for index in apart], [kept[index][0] for index in apart], problems


def _parameter(entry: Entry, when: dict[str, tuple[Any, ...]]) -> Parameter:
    place = entry.place
    return Parameter(entry.key, entry.name, entry.domain, when, place.line, place.column)


def _note(problems: list[Problem], node: Node, name: str, message: str) -> None:
    place = node.place
    problems.append(Problem(place.file, place.line, place.column, name, message))


def _when(
    entry: Entry,
    by_name: Mapping[str, list[Entry]],
    failed: Set[str],
    problems: list[Problem],
) -> dict[str, tuple[Any, ...]] | None:
    """The condition of an entry with the parents' own values in it; None where it is wrong."""
    found: dict[str, tuple[Any, ...]] = {}
    wrong = False
    for parent, nodes in entry.when.items():
        if parent not in by_name:
            wrong = True
            if parent not in failed:
                hint = did_you_mean(parent, by_name)
                node = nodes[0] if nodes else Node(None, entry.place)
                message = f"`when` names `{parent}`, which is not in the space.{hint}"
                _note(problems, Node(None, node.key_place or node.place), entry.name, message)
            continue
        values: list[Any] = []
        for node in nodes:
            above = by_name[parent]
            matching = [value for row in above for value in _matching(row, node.plain())]
            if not matching:
                wrong = True
                _note(problems, node, entry.name, _no_such(parent, above, node.plain()))
            values.extend(value for value in matching if index_of(values, value) is None)
        found[parent] = tuple(values)
    return None if wrong else found


def _matching(parent: Entry, word: Any) -> list[Any]:
    """The values of a parent that a word of `when` means: equal ones, else those of that name."""
    domain = parent.domain
    if isinstance(domain, Choice):
        equal = [value for value in domain.values if same(value, word)]
        labelled = zip(domain.values, labels(domain.values), strict=True)
        return equal or [
            value
            for value, label in labelled
            if isinstance(word, str) and isinstance(value, (dict, list))
            if word in (label, short(value))
        ]
    if isinstance(domain, Fixed):
        named = isinstance(domain.value, dict) and short(domain.value) == word
        return [domain.value] if named or same(domain.value, word) else []
    if count(domain) is None or isinstance(word, bool) or not isinstance(word, (int, float)):
        return []
    low, size = value_at(domain, 0), count(domain) or 0
    index = position(domain, word) if word >= low else size
    return [word] if index < size and same(value_at(domain, index), word) else []


def _no_such(parent: str, entries: Sequence[Entry], word: Any) -> str:
    """What to say of a word of `when` that is no value of the parent."""
    if all(count(entry.domain) is None for entry in entries):
        return f"`when`: `{parent}` is a range without single values, so no condition can name one."
    known = [
        label
        for entry in entries
        for label in (
            labels(entry.domain.values)
            if isinstance(entry.domain, Choice)
            else [shown(value_at(entry.domain, 0)), "..."]
        )
    ]
    hint = did_you_mean(word, known) or f" There are {listed(known[:12])}."
    return f"`when`: {shown(word)} is no value of `{parent}`.{hint}"


Row = tuple[Entry, dict[str, tuple[Any, ...]]]


def _order(rows: Sequence[Row], problems: list[Problem]) -> list[Row]:
    """Parents, and keys that others stand below, come first; what goes round is left out."""
    names = {entry.name for entry, _ in rows}
    needs = [{other for other, above in enumerate(rows) if _before(above, row)} for row in rows]
    done: list[int] = []
    # A parent that was left out leaves out what depends on it.
    left = {index for index, (_, when) in enumerate(rows) if not when.keys() <= names}
    while ready := [
        index
        for index in range(len(rows))
        if index not in done and index not in left and needs[index] <= {*done}
    ]:
        done.append(ready[0])
    stuck = [index for index in range(len(rows)) if index not in done and index not in left]
    circle = [index for index in stuck if not needs[index] & left]
    if circle:
        words = listed(dict.fromkeys(rows[index][0].name for index in circle))
        first = rows[circle[0]][0]
        message = f"the conditions go round in a circle: {words}."
        _note(problems, Node(None, first.place), first.name, message)
    return [rows[index] for index in done]


def _before(above: Row, row: Row) -> bool:
    """Whether one must be known before the other: it is its parent, or the key it stands below."""
    key, other = row[0].key, above[0].key
    return above[0].name in row[1] or (len(other) < len(key) and key[: len(other)] == other)


def _overlaps(
    parameters: Sequence[Parameter], entries: Sequence[Entry], problems: list[Problem]
) -> set[int]:
    """The later of parameters of one name that could be active together, which must not be."""
    found: set[int] = set()
    whole = [_whole_when(parameter, parameters) for parameter in parameters]
    for later, parameter in enumerate(parameters):
        for earlier in range(later):
            if parameters[earlier].name != parameter.name or _apart(whole[earlier], whole[later]):
                continue
            found.add(later)
            other = entries[earlier].place
            message = (
                f"is there twice, also in line {other.line}; give each a `when` of its own, so "
                "that one alone is active."
            )
            _note(problems, Node(None, entries[later].place), parameter.name, message)
            break
    return found


def _whole_when(
    parameter: Parameter, parameters: Sequence[Parameter]
) -> dict[str, tuple[Any, ...]]:
    """A condition together with the conditions of its parents, where those have one form alone."""
    found = dict(parameter.when)
    for name in parameter.when:
        above = [other for other in parameters if other.name == name]
        if len(above) == 1:
            for parent, allowed in _whole_when(above[0], parameters).items():
                found.setdefault(parent, allowed)
    return found


def _apart(one: Mapping[str, tuple], other: Mapping[str, tuple]) -> bool:
    """Whether two conditions never hold at once."""
    return any(
        parent in other and all(index_of(other[parent], value) is None for value in allowed)
        for parent, allowed in one.items()
    )
