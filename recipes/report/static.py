"""Charts as one picture, outside of a page."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .chart import Chart, Trace
from .curves import COLOURS, label

# Charts side by side, and the size of a row and of a column of them.
ACROSS = 2
HEIGHT, WIDTH = 280, 480
# Legible on light and on dark pages.
SOFT = "#8a939d"


def fixed_colour(name: str) -> str:
    """A colour for `@c0` and others, to which a page gives its own."""
    return COLOURS[int(name[2:]) % len(COLOURS)] if name[:2] == "@c" else SOFT


def marks(chart: Chart) -> Iterator[tuple[float, str]]:
    """The vertical lines of a chart, with their words."""
    words = [str(each["text"]) for each in chart.layout.get("annotations", ())]
    for shape, text in zip(chart.layout.get("shapes", ()), words, strict=False):
        yield shape["x0"], text


class Picture(Figure):
    """A picture that a notebook shows by itself, without the state of `matplotlib.pyplot`."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=100)
        return file.getvalue()


def picture(charts: Sequence[Chart]) -> Picture:
    """The same charts, as far as they are lines, drawn by matplotlib."""
    across = min(ACROSS, len(charts))
    rows = -(-len(charts) // across)
    size = (WIDTH * across / 100, HEIGHT * rows / 100)
    made = Picture(figsize=size, layout="constrained")
    grid = made.subplots(rows, across, squeeze=False).flat
    for axes, chart in zip(grid, charts, strict=False):
        _draw(axes, chart)
    for axes in list(grid)[len(charts) :]:
        axes.set_axis_off()
    return made


def _draw(axes: Axes, chart: Chart) -> None:
    named = 0
    for trace in chart.traces:
        if trace.get("fill"):
            axes.fill(trace["x"], trace["y"], color=fixed_colour(trace["fillcolor"]), alpha=0.2)
            continue
        named += 1
        axes.plot(trace["x"], trace["y"], label=label(trace.get("name", "")), **_stroke(trace))
    for epoch, _ in marks(chart):
        axes.axvline(epoch, color=SOFT, linestyle=":", linewidth=1)
    axes.set_title(label(chart.title), fontsize=10)
    axes.set_xlabel(label(chart.layout.get("xaxis", {}).get("title", {}).get("text", "")))
    if chart.layout.get("yaxis", {}).get("type") == "log":
        axes.set_yscale("log")
    axes.grid(alpha=0.3)
    if 1 < named <= 12:
        axes.legend(fontsize="small")


def _stroke(trace: Trace) -> dict[str, Any]:
    stroke = trace["line"]
    return {
        "color": fixed_colour(stroke["color"]),
        "linestyle": "--" if stroke.get("dash") else "-",
        "linewidth": stroke["width"] * 0.75,
        "marker": "." if len(trace["x"]) < 3 else "",
    }
