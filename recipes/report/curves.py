"""Curves of runs as SVG, drawn without a display."""

import io
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Colours that stay apart for colour-blind readers (Okabe & Ito 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


class Curve:
    """One metric of one run: values by epoch, training and validation."""

    def __init__(self, label: str, lines: Sequence[dict[str, Any]], metric: str):
        self.label = label
        self.metric = metric
        self.training = points(lines, metric)
        self.validation = points(lines, f"val_{metric}")


def points(lines: Sequence[dict[str, Any]], name: str) -> tuple[list[int], list[float]]:
    """Epochs (from 1) and values of a metric, where a line has a number for it."""
    pairs = [
        (line["epoch"], line[name]) for line in lines if isinstance(line.get(name), (int, float))
    ]
    return [epoch for epoch, _ in pairs], [value for _, value in pairs]


def figure(curves: Sequence[Curve], title: str) -> Figure:
    """One picture of one metric: a colour a run, training dashed, validation solid."""
    picture = Figure(figsize=(5.2, 3.2), layout="constrained")
    axes = picture.subplots()
    for index, curve in enumerate(curves):
        _draw(axes, curve, COLOURS[index % len(COLOURS)], single=len(curves) == 1)
    axes.set_title(title)
    axes.set_xlabel("epoch")
    if _spans_decades(curves):
        axes.set_yscale("log")
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize="small")
    return picture


def _draw(axes: Axes, curve: Curve, colour: str, *, single: bool) -> None:
    name = "" if single else f"{curve.label}, "
    # A curve of one epoch is a point, which a line alone would not show.
    mark: dict[str, Any] = {"marker": "." if len(curve.training[0]) < 3 else ""}
    if curve.validation[0]:
        axes.plot(*curve.training, "--", color=colour, alpha=0.7, label=f"{name}training", **mark)
        axes.plot(*curve.validation, color=colour, label=f"{name}validation", **mark)
    else:
        axes.plot(*curve.training, color=colour, label=name.rstrip(", ") or None, **mark)


def _spans_decades(curves: Sequence[Curve]) -> bool:
    values = [v for curve in curves for v in (*curve.training[1], *curve.validation[1])]
    return bool(values) and min(values) > 0 and max(values) > 100 * min(values)


def svg(picture: Figure) -> str:
    """The picture as an SVG element to stand inside a page."""
    buffer = io.StringIO()
    # A fixed salt and no date: the same run gives the same page.
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "keras-recipes", "svg.fonttype": "none"}):
        picture.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
