"""The picture of a learning-rate range test."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from .curves import COLOURS, label, save_picture

MARKS = {"steepest": "o", "valley": "s"}


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
