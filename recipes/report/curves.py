"""Curves of runs as SVG, drawn without a display."""

import io
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ... import disk
from ..errors import RequestError
from ..record.metrics import Curve as Points
from ..record.metrics import curves

FORMATS = (".png", ".svg")
# Colours that stay apart for colour-blind readers (Okabe & Ito 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


# A picture is some 500 pixels wide: more points than this show nothing more.
MOST_POINTS = 600
# With more lines than this a legend hides the picture.
MOST_NAMES = 12


class Curve:
    """One metric of one run: values by epoch, training and validation.

    Args:
        label: the name of the run.
        logged: the curves of all metrics of the run, by name; see `thinned_curves`.
        metric: the name of the metric, without `val_`.
    """

    def __init__(self, label: str, logged: Mapping[str, Points], metric: str):
        self.label = label
        self.metric = metric
        self.training = logged.get(metric, ([], []))
        self.validation = logged.get(f"val_{metric}", ([], []))


def thinned_curves(lines: Iterable[Mapping[str, Any]]) -> dict[str, Points]:
    """The curve of each metric of a run, with no more points than a picture shows."""
    return {name: thinned(*curve) for name, curve in curves(lines).items()}


def thinned(epochs: list[int], values: list[float], most: int = MOST_POINTS) -> Points:
    """At most `most` of the points: first, last, and the extremes of equally long stretches.

    >>> thinned([1, 2, 3, 4, 5, 6], [0.0, 9.0, 1.0, 1.0, -9.0, 0.0], most=4)
    ([1, 2, 5, 6], [0.0, 9.0, -9.0, 0.0])
    """
    count = len(values)
    if count <= most:
        return epochs, values
    stretch = -(-count // ((most - 2) // 2))
    kept = {0, count - 1}
    for begin in range(0, count, stretch):
        places = range(begin, min(begin + stretch, count))
        kept.add(min(places, key=values.__getitem__))
        kept.add(max(places, key=values.__getitem__))
    chosen = sorted(kept)
    return [epochs[place] for place in chosen], [values[place] for place in chosen]


def label(words: Any) -> str:
    """A name from a run as matplotlib shows it to the letter.

    A pair of `$` would be read as a formula, and a name that begins with `_` be left out of the
    legend.

    >>> label("a$b$"), label("_x")
    ('a\\\\$b\\\\$', ' _x')
    """
    found = "".join(char if char.isprintable() else "?" for char in str(words))
    found = found.replace("$", r"\$")
    return f" {found}" if found.startswith("_") else found


def save_picture(picture: Figure, path: Path) -> None:
    """Write a picture to a PNG or SVG file, in the place of an older picture if there is one.

    Raises:
        RequestError: another suffix, something else stands in its place, or it cannot be written.
    """
    if path.suffix not in FORMATS:
        raise RequestError(f"{path}: a picture ends in {' or '.join(FORMATS)}.")
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
            return file.read(5) in (b"\x89PNG\r", b"<?xml", b"<svg ")
    except OSError:
        return False


def figure(lines: Sequence[Curve], title: str) -> Figure:
    """One picture of one metric: a colour a run, training dashed, validation solid."""
    picture = Figure(figsize=(5.2, 3.2))
    # Fixed margins: a constrained layout draws each picture twice, and a report has many.
    picture.subplots_adjust(left=0.15, right=0.97, bottom=0.15, top=0.9)
    axes = picture.subplots()
    for index, curve in enumerate(lines):
        _draw(axes, curve, COLOURS[index % len(COLOURS)], single=len(lines) == 1)
    axes.set_title(label(title))
    axes.set_xlabel("epoch")
    if _spans_decades(lines):
        axes.set_yscale("log")
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0] and len(lines) <= MOST_NAMES:
        axes.legend(fontsize="small")
    return picture


def _draw(axes: Axes, curve: Curve, colour: str, *, single: bool) -> None:
    name = "" if single else f"{label(curve.label)}, "
    # A curve of one epoch is a point, which a line alone would not show.
    mark: dict[str, Any] = {"marker": "." if len(curve.training[0]) < 3 else ""}
    if curve.validation[0]:
        axes.plot(*curve.training, "--", color=colour, alpha=0.7, label=f"{name}training", **mark)
        axes.plot(*curve.validation, color=colour, label=f"{name}validation", **mark)
    else:
        axes.plot(*curve.training, color=colour, label=name.rstrip(", ") or None, **mark)


def _spans_decades(lines: Sequence[Curve]) -> bool:
    values = [v for curve in lines for v in (*curve.training[1], *curve.validation[1])]
    return bool(values) and min(values) > 0 and max(values) > 100 * min(values)


def svg(picture: Figure) -> str:
    """The picture as an SVG element to stand inside a page."""
    buffer = io.StringIO()
    # A fixed salt and no date: the same run gives the same page.
    settings: dict[Any, Any] = {"svg.hashsalt": "keras-recipes", "svg.fonttype": "none"}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # The words stay text, and the browser has the glyphs.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        picture.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
