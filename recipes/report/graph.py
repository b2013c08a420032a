"""A picture of a network: its inputs, parts and outputs as boxes, from left to right."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..record.boxes import Box, shortened, stacks
from .curves import label, save_picture

# Inches of a box of one line, of each more line, and between boxes.
WIDTH, LINE, GAP = 2.4, 0.2, 0.9
MOST_LINES, MOST_LETTERS = 8, 34


def plot_graph(boxes: Sequence[Box], title: str, path: Path) -> None:
    """Draw boxes with arrows between them.

    Raises:
        RequestError: the file cannot be written.
    """
    found = stacks(boxes)
    height = max(sum(_height(box) + LINE for box in stack) for stack in found)
    size = len(found) * (WIDTH + GAP), height + 0.6
    picture = Figure(figsize=size, layout="constrained")
    axes = picture.subplots()
    axes.set_axis_off()
    places: dict[str, tuple[float, float]] = {}
    for index, stack in enumerate(found):
        top = (height + sum(_height(box) + LINE for box in stack)) / 2
        for box in stack:
            places[box.name] = index * (WIDTH + GAP), top - _height(box) / 2
            _draw(axes, box, places[box.name])
            top -= _height(box) + LINE
    _arrows(axes, boxes, places)
    axes.set_xlim(-0.1, len(found) * (WIDTH + GAP) - GAP + 0.1)
    axes.set_ylim(-0.1, height + 0.1)
    picture.suptitle(label(title), fontsize=10)
    save_picture(picture, path)


def _height(box: Box) -> float:
    return LINE * (1.7 + min(len(box.lines), MOST_LINES))


def _draw(axes: Axes, box: Box, place: tuple[float, float]) -> None:
    words = shortened(box.lines, MOST_LINES, MOST_LETTERS)
    left, middle = place
    high = _height(box)
    colour = "#eef2f7" if box.sources else "#f7f1e3"
    corner = left, middle - high / 2
    axes.add_patch(Rectangle(corner, WIDTH, high, facecolor=colour, edgecolor="#555555"))
    text = "\n".join(map(label, words))
    top = middle + high / 2 - LINE * 0.4
    axes.text(left + 0.1, top, label(box.name), va="top", fontsize=8, fontweight="bold")
    axes.text(left + 0.1, top - LINE, text, va="top", fontsize=7, linespacing=1.35)


def _arrows(axes: Axes, boxes: Sequence[Box], places: Mapping[str, tuple[float, float]]) -> None:
    for box in boxes:
        left, middle = places[box.name]
        for source in box.sources:
            start, level = places[source]
            axes.annotate(
                "",
                (left, middle),
                (start + WIDTH, level),
                arrowprops={"arrowstyle": "->", "color": "#555555", "shrinkA": 0, "shrinkB": 1},
            )
