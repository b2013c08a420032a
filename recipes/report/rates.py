"""Pictures of learning rates: what recipes schedule over their run, and a range test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .curves import COLOURS, label, save_picture

RATE = "learning rate"
# The suggestions of a range test.
MARKS = {"steepest": "o", "valley": "s"}


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

    One panel for each scheduled value, with a line for each recipe.

    Args:
        courses: of one recipe, or of several in one picture.
        path: PNG or SVG file to write.

    Raises:
        RequestError: the file cannot be written.
    """
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
    save_picture(picture, path)


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
    converters = (lambda step: step / per_epoch, lambda epoch: epoch * per_epoch)
    axes.secondary_xaxis("top", functions=converters).set_xlabel("epoch")


def plot_range_test(
    rates: np.ndarray,
    losses: np.ndarray,
    smoothed: np.ndarray,
    suggestions: dict[str, float],
    title: str,
    path: Path,
) -> None:
    """Draw the losses over the rates, and mark the suggested rates.

    Args:
        rates: learning rate of each step (steps,).
        losses: loss of each batch (steps,).
        smoothed: the same, smoothed.
        suggestions: rates to train with, by name.

    Raises:
        RequestError: the file cannot be written.
    """
    picture = Figure(figsize=(8, 4.5), layout="constrained")
    axes = picture.subplots()
    axes.plot(rates, losses, color="lightgray", label="loss of each batch")
    axes.plot(rates, smoothed, color=COLOURS[0], label="smoothed")
    for name, rate in suggestions.items():
        at = abs(rates - rate).argmin()
        axes.plot(rate, smoothed[at], MARKS[name], color=COLOURS[1], label=f"{name}: {rate:.3g}")
    axes.set_xscale("log")
    axes.set_ylim(0, 1.1 * smoothed[: max(1, len(smoothed) - 3)].max())
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.set_title(label(title))
    axes.grid(alpha=0.3)
    axes.legend()
    save_picture(picture, path)
