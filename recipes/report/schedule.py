"""What a recipe schedules, over its whole run, as a picture, before anything is trained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..spec import Recipe
from .curves import COLOURS, label, save_picture

# A picture is some 1000 pixels wide; more points than this show nothing more.
MOST_POINTS = 4000
RATE = "learning rate"


@dataclass(frozen=True)
class Course:
    """What happens to the scheduled values of one recipe.

    Attributes:
        name: the recipe's.
        updates: optimizer updates of the run.
        per_epoch: updates an epoch.
        steps: the updates that are drawn.
        values: by what they are, the value at each of `steps`.
        phases: first update and name of each phase of the learning rate.
    """

    name: str
    updates: int
    per_epoch: Fraction
    steps: np.ndarray
    values: dict[str, np.ndarray]
    phases: list[tuple[int, str]]


def plot_schedules(recipes: Sequence[Recipe], path: Path) -> None:
    """Draw the learning rate of every optimizer update, and momentum and decay if scheduled.

    Args:
        recipes: one or several, in one picture.
        path: PNG or SVG file to write.

    Raises:
        RequestError: the data or schedule cannot be used, or the file cannot be written.
    """
    save_picture(draw([course(recipe) for recipe in recipes]), path)


def course(recipe: Recipe) -> Course:
    """The scheduled values of a recipe over its run."""
    from ..build.inputs import data_of
    from ..run.backend import use_tensorflow

    data = data_of(recipe)
    use_tensorflow()
    from ..build.experiment import optimizer
    from ..build.objects import Builder
    from ..build.parts import training_parts
    from ..data.order import steps_per_epoch

    batches = steps_per_epoch(len(data.train.y), recipe.data.batch_size, recipe.data.drop_remainder)
    builder = Builder(recipe, batches)
    steps = np.unique(np.linspace(0, builder.updates - 1, MOST_POINTS).astype("int64"))
    rate = optimizer(recipe, builder)._learning_rate
    parts = training_parts(recipe, builder)
    decay = None if parts.weight_decay is None else parts.weight_decay.rate
    scheduled = {"momentum": parts.momentum, "weight decay": decay}
    return Course(
        name=recipe.name,
        updates=builder.updates,
        per_epoch=builder.updates_per_epoch,
        steps=steps,
        values={
            RATE: values_at(rate, steps),
            **{name: values_at(s, steps) for name, s in scheduled.items() if callable(s)},
        },
        phases=rate.phases() if hasattr(rate, "phases") else [],
    )


def values_at(schedule: Any, steps: np.ndarray) -> np.ndarray:
    """A schedule, or a constant, at some steps."""
    if not isinstance(schedule, Callable):
        return np.full(len(steps), float(schedule))
    try:
        return np.broadcast_to(np.asarray(schedule(steps)), steps.shape)
    except (TypeError, ValueError):
        # A schedule of Keras may take one step at a time.
        return np.array([float(schedule(int(step))) for step in steps])


def draw(courses: Sequence[Course]) -> Figure:
    """A panel for each thing that is scheduled, a line for each recipe."""
    names = list(dict.fromkeys(name for one in courses for name in one.values))
    picture = Figure(figsize=(8, 1.5 + 3 * len(names)), layout="constrained")
    panels = picture.subplots(len(names), sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, names, strict=True):
        for colour, one in zip(COLOURS * len(courses), courses, strict=False):
            if name in one.values:
                axes.plot(one.steps, one.values[name], color=colour, label=label(one.name))
        axes.set_ylabel(name)
        if name == RATE:
            axes.set_ylim(bottom=0)
        axes.set_xlim(0, max(1, *(one.updates for one in courses)))
        axes.grid(alpha=0.3)
    panels[-1].set_xlabel("optimizer update")
    if len(courses) == 1:
        panels[0].set_title(label(courses[0].name))
        mark_phases(panels[0], courses[0])
    else:
        panels[0].legend()
    lengths = {one.per_epoch for one in courses}
    if len(lengths) == 1:
        epochs_above(panels[0], float(lengths.pop()))
    return picture


def mark_phases(axes: Axes, one: Course) -> None:
    """A dotted line and a word where a phase begins."""
    for step, name in one.phases:
        if 0 < step < one.updates:
            axes.axvline(step, color="gray", linestyle=":", linewidth=1)
            axes.annotate(
                f" {name}",
                (step, 0.02),
                xycoords=("data", "axes fraction"),
                rotation=90,
                ha="left",
                va="bottom",
                fontsize=8,
                color="dimgray",
            )


def epochs_above(axes: Axes, per_epoch: float) -> None:
    """A second axis that counts epochs."""

    def to_epochs(step: Any) -> Any:
        return step / per_epoch

    def to_steps(epoch: Any) -> Any:
        return epoch * per_epoch

    axes.secondary_xaxis("top", functions=(to_epochs, to_steps)).set_xlabel("epoch")
