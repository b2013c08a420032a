"""Pictures in files, drawn without a display: how they are saved, and curves of runs compared."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ... import disk
from ..errors import RequestError, printable
from ..record.several import ComparedRun, distinct, groups_of
from .several import mean_and_spread

FORMATS = (".png", ".svg", ".pdf")
# Colours that stay apart for colour-blind readers (Okabe & Ito 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# With more lines than this a legend hides the picture.
MOST_NAMES = 12


def label(words: object) -> str:
    """A name from a run as matplotlib shows it to the letter.

    A pair of `$` would be read as a formula, and a name that begins with `_` be left out of the
    legend.

    >>> label("a$b$"), label("_x")
    ('a\\\\$b\\\\$', ' _x')
    """
    found = printable(str(words)).replace("$", r"\$")
    return f" {found}" if found.startswith("_") else found


def save_picture(picture: Figure, path: Path) -> None:
    """Write a picture to a PNG, SVG or PDF file, in the place of an older picture if there is one.

    Raises:
        RequestError: another suffix, something else stands in its place, or it cannot be written.
    """
    if path.suffix not in FORMATS:
        raise RequestError(f"{path}: a picture ends in .png, .svg or .pdf.")
    if os.path.lexists(path) and not _is_picture(path):
        raise RequestError(
            f"{path}: already exists, and is not a picture; it is not overwritten. Name another "
            "file with `--out`."
        )
    if not os.path.isdir(path.parent):
        raise RequestError(f"{path}: cannot be written: there is no folder {path.parent}.")
    try:
        disk.write_whole(path, lambda beside: picture.savefig(beside, dpi=130))
    except (OSError, ValueError) as error:
        cause = disk.cause(error) if isinstance(error, OSError) else error
        raise RequestError(f"{path}: cannot be written: {cause}.") from None


def _is_picture(path: Path) -> bool:
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            return file.read(5) in (b"\x89PNG\r", b"<?xml", b"<svg ", b"%PDF-")
    except OSError:
        return False


def plot_metric(runs: Sequence[ComparedRun], metric: str, path: Path) -> None:
    """Draw a metric of runs by epoch, on the validation rows where there are some.

    A line is the mean of runs that differ by their seeds alone, and a band one standard deviation
    to both sides.

    Raises:
        RequestError: no run has it, or the file cannot be written.
    """
    names = distinct(runs)
    key = f"val_{metric}" if any(f"val_{metric}" in run.curves for run in runs) else metric
    picture = Figure(figsize=(6.4, 4), layout="constrained")
    axes = picture.subplots()
    drawn = [
        _draw(axes, runs, group, place, key, names) for place, group in enumerate(groups_of(runs))
    ]
    if not any(drawn):
        known = sorted({name.removeprefix("val_") for run in runs for name in run.curves})
        raise RequestError(f"--metric: no run has {metric!r}. They have {', '.join(known)}.")
    axes.set_xlabel("epoch")
    axes.set_ylabel(label(metric.replace("_", " ")))
    low, high = axes.dataLim.intervaly
    if low > 0 and high > 100 * low:
        axes.set_yscale("log")
    axes.grid(alpha=0.3)
    if len(drawn) <= MOST_NAMES:
        axes.legend(fontsize="small")
    save_picture(picture, path)


def _draw(
    axes: Axes,
    runs: Sequence[ComparedRun],
    group: Sequence[int],
    place: int,
    key: str,
    names: Sequence[str],
) -> bool:
    found = [runs[index].curves[key] for index in group if key in runs[index].curves]
    if not found:
        return False
    colour, words = COLOURS[place % len(COLOURS)], label(names[group[0]])
    if len(found) == 1:
        epochs, values = found[0]
        axes.plot(epochs, values, color=colour, label=words, marker="." if len(epochs) < 3 else "")
        return True
    epochs, mean, spread = (np.array(each) for each in mean_and_spread(found))
    axes.plot(epochs, mean, color=colour, label=f"{words} and {len(found) - 1} more")
    axes.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0)
    return True
