"""The values that a recipe schedules over its whole run, computed before anything is trained."""

from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np

from ..build.experiment import optimizer
from ..build.objects import Builder
from ..build.parts import training_parts
from ..data import Data
from ..data.order import steps_per_epoch
from ..spec import Recipe

# A picture is about 1000 pixels wide; more points than this show nothing more.
MOST_POINTS = 4000


class Scheduled(TypedDict):
    """The fields of `report.schedule.Course` but its name."""

    updates: int
    per_epoch: float
    steps: np.ndarray
    values: dict[str, np.ndarray]
    phases: list[tuple[int, str]]


def scheduled_values(recipe: Recipe, data: Data) -> Scheduled:
    """The learning rate of a recipe, and its momentum and weight decay if they are scheduled.

    Raises:
        RequestError: the schedule cannot be used.
    """
    batches = steps_per_epoch(len(data.train.y), recipe.data.batch_size, recipe.data.drop_remainder)
    builder = Builder(recipe, batches)
    steps = np.unique(np.linspace(0, builder.updates - 1, MOST_POINTS).astype("int64"))
    rate = optimizer(recipe, builder)._learning_rate
    parts = training_parts(recipe, builder)
    decay = None if parts.weight_decay is None else parts.weight_decay.rate
    others = {"momentum": parts.momentum, "weight decay": decay}
    return {
        "updates": builder.updates,
        "per_epoch": float(builder.updates_per_epoch),
        "steps": steps,
        "values": {
            "learning rate": values_at(rate, steps),
            **{name: values_at(value, steps) for name, value in others.items() if callable(value)},
        },
        "phases": rate.phases() if hasattr(rate, "phases") else [],
    }


def values_at(schedule: Any, steps: np.ndarray) -> np.ndarray:
    """A schedule, or a constant, at some steps."""
    if not isinstance(schedule, Callable):
        return np.full(len(steps), float(schedule))
    try:
        return np.broadcast_to(np.asarray(schedule(steps)), steps.shape)
    except (TypeError, ValueError):
        # A schedule of Keras may take one step at a time.
        return np.array([float(schedule(int(step))) for step in steps])
