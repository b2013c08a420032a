"""Schedules of the learning rate against the run, its phases and its callbacks."""

from collections.abc import Iterator
from typing import NamedTuple

from .choices import Choice
from .durations import Duration
from .network import Found
from .nodes import Path, is_list
from .schema import Recipe

# Schedules that begin with a warm-up, and the argument that is its length.
WARMUPS = {"warmup": "steps", "warmup_stable_decay": "warmup_steps", "noam": "warmup_steps"}


def one_owner_of_the_rate(recipe: Recipe) -> Found:
    """A callback that cuts the rate needs one that it can cut."""
    rate: object = recipe.learning_rate
    schedule = rate.name if isinstance(rate, Choice) else None
    of_phases = [p.learning_rate for p in recipe.phases if p.learning_rate is not None]
    if of_phases or any(phase.optimizer == "fresh" for phase in recipe.phases):
        rate, schedule = [rate, *of_phases], "phases"
    for index, callback in enumerate(recipe.callbacks):
        if callback.name == "reduce_lr_on_plateau" and schedule is not None:
            yield (
                ("callbacks", index),
                f"`reduce_lr_on_plateau` cannot cut a rate that the schedule `{schedule}` decides. "
                "Use `reduce_on_plateau`, and `learning_rate: {plateau: {schedule: ...}}`.",
            )
        needs_plateau = callback.name == "reduce_on_plateau" or (
            callback.name == "divergence_guard" and schedule is not None
        )
        if needs_plateau and not _holds(rate, "plateau"):
            yield (
                ("callbacks", index),
                f"`{callback.name}` cuts the factor of a `plateau`, which the learning rate does "
                "not hold. Write `learning_rate: {plateau: {schedule: ...}}`.",
            )


def _holds(value: object, name: str) -> bool:
    """Whether a choice, or one inside it, has a name."""
    if isinstance(value, Choice):
        return value.name == name or any(_holds(item, name) for item in value.arguments.values())
    return is_list(value) and any(_holds(item, name) for item in value)


class WarmupSpan(NamedTuple):
    """A rise of the learning rate from the beginning of a schedule.

    Attributes:
        place: where its length stands in the recipe.
        steps: its length.
        before: durations that pass before it begins, in sequences of schedules.
    """

    place: Path
    steps: Duration
    before: tuple[Duration, ...]


def warmups(value: object, place: Path, before: tuple[Duration, ...] = ()) -> Iterator[WarmupSpan]:
    """Every warm-up in a schedule and in those inside of it.

    Args:
        value: a schedule, or any argument of one.
        place: where it stands in the recipe.
        before: durations that pass before it begins.
    """
    if is_list(value):
        for index, item in enumerate(value):
            yield from warmups(item, (*place, index), before)
    if not isinstance(value, Choice):
        return
    inner = (*place, value.name)
    steps = value.arguments.get(WARMUPS.get(value.name, ""))
    if isinstance(steps, Duration):
        yield WarmupSpan((*inner, WARMUPS[value.name]), steps, before)
    for name, argument in value.arguments.items():
        if (value.name, name) == ("sequential", "schedules"):
            starts = [(), *((*before, start) for start in value.arguments["boundaries"])]
            for index, (item, start) in enumerate(zip(argument, starts, strict=False)):
                yield from warmups(item, (*inner, name, index), start or before)
        else:
            yield from warmups(argument, (*inner, name), before)


def warm_up_ends_within_the_run(recipe: Recipe) -> Found:
    """A warm-up that lasts as long as the run never reaches its rate."""
    for warmup in warmups(recipe.learning_rate, ("learning_rate",)):
        if _whole_run(warmup.steps, recipe.epochs):
            yield (
                warmup.place,
                f"the warm-up takes the whole run of {recipe.epochs} epochs. "
                f"Received {warmup.steps}.",
            )
    for index, phase in enumerate(recipe.phases):
        for warmup in warmups(phase.learning_rate, ("phases", index, "learning_rate")):
            if _whole_run(warmup.steps, phase.epochs):
                yield (
                    warmup.place,
                    f"the warm-up takes the whole phase of {phase.epochs} epochs. "
                    f"Received {warmup.steps}.",
                )


def _whole_run(duration: Duration, epochs: int) -> bool:
    if duration.unit == "%":
        return duration.amount >= 100
    return duration.unit == "epochs" and duration.amount >= epochs
