"""The corners of a space: every combination of ends and choices, or every pair where it is large.

Between its corners a range is assumed to be valid: a recipe refuses values beyond a bound.
"""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence

from .labels import index_of
from .records import Parameter

# Checked one by one in well under a second.
MOST_CORNERS = 4096
Assignment = dict[str, object]


def corners(parameters: Sequence[Parameter], most: int = MOST_CORNERS) -> Iterator[Assignment]:
    """Settings at the ends of every range, the simplest first.

    The first has every parameter in its middle; then each end alone; then every combination, or
    where those are more than `most`, every pair of ends, or where even those are more, `most`
    combinations drawn at random, among which nearly every pair is.
    """
    yield assigned(parameters, {})
    alone = [(index, end) for index, row in enumerate(parameters) for end in row.domain.corners()]
    for index, end in alone:
        forced = _forced(parameters, {index: end})
        if forced is not None:
            yield assigned(parameters, forced)
    every = list(itertools.islice(_combinations(parameters, 0, {}), most + 1))
    if len(every) <= most:
        yield from every
        return
    if len(alone) * (len(alone) - 1) // 2 > most:
        source = random.Random(0)
        ends = [row.domain.corners() for row in parameters]
        for _ in range(most):
            yield assigned(parameters, {i: source.choice(each) for i, each in enumerate(ends)})
        return
    for (first, one), (second, other) in itertools.combinations(alone, 2):
        forced = _forced(parameters, {first: one, second: other}) if first != second else None
        if forced is not None:
            yield assigned(parameters, forced)


def drawn(parameters: Sequence[Parameter], number: int, seed: int = 0) -> Iterator[Assignment]:
    """Settings drawn at random from the whole space."""
    source = random.Random(seed)
    for _ in range(number):
        yield assigned(
            parameters,
            {index: row.domain.from_unit(source.random()) for index, row in enumerate(parameters)},
        )


def assigned(parameters: Sequence[Parameter], forced: Mapping[int, object]) -> Assignment:
    """Every active parameter with its forced value, or else the middle of its domain."""
    values: Assignment = {}
    for index, parameter in enumerate(parameters):
        if parameter.is_active(values):
            values[parameter.name] = forced.get(index, parameter.domain.middle)
    return values


def _combinations(
    parameters: Sequence[Parameter], index: int, values: Assignment
) -> Iterator[Assignment]:
    if index == len(parameters):
        yield dict(values)
        return
    parameter = parameters[index]
    if not parameter.is_active(values):
        yield from _combinations(parameters, index + 1, values)
        return
    for end in parameter.domain.corners():
        values[parameter.name] = end
        yield from _combinations(parameters, index + 1, values)
        del values[parameter.name]


def _forced(
    parameters: Sequence[Parameter], required: Mapping[int, object]
) -> dict[int, object] | None:
    """Required values and the parents' values that make them active; None if that is impossible."""
    forced = dict(required)
    for index in sorted(required, reverse=True):
        if not _activate(parameters, index, forced):
            return None
    return forced


def _activate(parameters: Sequence[Parameter], index: int, forced: dict[int, object]) -> bool:
    for parent, allowed in parameters[index].when.items():
        above = [row for row, other in enumerate(parameters) if other.name == parent]
        fixed = next((row for row in above if row in forced), None)
        if fixed is not None:
            if index_of(allowed, forced[fixed]) is None:
                return False
            continue
        choices = ((row, value) for row in above for value in allowed)
        found = next((each for each in choices if each[1] in parameters[each[0]].domain), None)
        if found is None:
            return False
        forced[found[0]] = found[1]
        if not _activate(parameters, found[0], forced):
            return False
    return True
