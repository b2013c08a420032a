"""The picture of a learning-rate range test."""

from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from .curves import COLOURS, label, save_picture

if TYPE_CHECKING:
    from ...callbacks import LearningRateFinder

MARKS = {"steepest": "o", "valley": "s"}


def plot_range_test(
    finder: "LearningRateFinder", suggestions: dict[str, float], title: str, path: Path
) -> None:
    """Draw the losses over the rates, and mark the suggestions.

    Raises:
        RequestError: the file cannot be written.
    """
    rates, smoothed = finder.rates, finder.smoothed
    picture = Figure(figsize=(8, 4.5), layout="constrained")
    axes = picture.subplots()
    axes.plot(rates, finder.losses, color="lightgray", label="loss of each batch")
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
