"""A picture of what recipes schedule over their whole run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .curves import COLOURS, label, save_picture

RATE = "learning rate"


@dataclass(frozen=True)
class Course:
    """The scheduled values of one recipe.

    Attributes:
        name: the recipe's.
        updates: optimizer updates of the run.
        per_epoch: updates per epoch.
        steps: the updates that are drawn.
        values: what is scheduled -> its value at each of `steps`.
        phases: first update and name of each phase of the learning rate.
    """

    name: str
    updates: int
    per_epoch: float
    steps: np.ndarray
    values: dict[str, np.ndarray]
    phases: list[tuple[int, str]]


def plot_schedules(courses: Sequence[Course], path: Path) -> None:
    """Draw the learning rate of every optimizer update, and momentum and decay if scheduled.

    Args:
        courses: of one recipe, or of several in one picture.
        path: PNG or SVG file to write.

    Raises:
        RequestError: the file cannot be written.
    """
    save_picture(draw(courses), path)


def draw(courses: Sequence[Course]) -> Figure:
    """One panel per scheduled value, one line per recipe."""
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
        epochs_above(panels[0], lengths.pop())
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
