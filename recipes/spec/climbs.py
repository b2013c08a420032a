"""Warm-ups anywhere inside of a schedule."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .choices import Choice
from .durations import Duration
from .nodes import Path, is_list

# Schedules that begin with a climb, and the argument that is its length.
CLIMBS = {"warmup": "steps", "warmup_stable_decay": "warmup_steps", "noam": "warmup_steps"}


@dataclass(frozen=True)
class Climb:
    """A rise of the learning rate from the beginning of a schedule.

    Attributes:
        place: where its length stands in the recipe.
        steps: its length.
        before: durations that pass before it begins, in sequences of schedules.
    """

    place: Path
    steps: Duration
    before: tuple[Duration, ...] = ()


def climbs(value: Any, place: Path, before: tuple[Duration, ...] = ()) -> Iterator[Climb]:
    """Every climb in a schedule and in those inside of it.

    Args:
        value: a schedule, or any argument of one.
        place: where it stands in the recipe.
        before: durations that pass before it begins.
    """
    if is_list(value):
        for index, item in enumerate(value):
            yield from climbs(item, (*place, index), before)
    if not isinstance(value, Choice):
        return
    inner = (*place, value.name)
    steps = value.arguments.get(CLIMBS.get(value.name, ""))
    if isinstance(steps, Duration):
        yield Climb((*inner, CLIMBS[value.name]), steps, before)
    for name, argument in value.arguments.items():
        if (value.name, name) == ("sequential", "schedules"):
            starts = [(), *((*before, start) for start in value.arguments["boundaries"])]
            for index, (item, start) in enumerate(zip(argument, starts, strict=False)):
                yield from climbs(item, (*inner, name, index), start or before)
        else:
            yield from climbs(argument, (*inner, name), before)
