"""A network as an SVG picture of a page: inputs, parts and outputs as boxes, from left to right."""

from collections.abc import Mapping, Sequence

from ..record.boxes import Box, shortened, stacks
from .markup import text

WIDTH, LINE, GAP, PAD = 230, 16, 46, 6
MOST_LINES, MOST_LETTERS = 12, 32
Place = tuple[float, float]


def picture(boxes: Sequence[Box]) -> str:
    """The boxes with arrows between them; nothing for none."""
    if not boxes:
        return ""
    found = stacks(boxes)
    height = max(sum(_height(box) + LINE for box in stack) for stack in found)
    places: dict[str, Place] = {}
    parts: list[str] = []
    for index, stack in enumerate(found):
        top = (height - sum(_height(box) + LINE for box in stack)) / 2 + LINE / 2
        for box in stack:
            left = index * (WIDTH + GAP) + 1
            places[box.name] = left, top + _height(box) / 2
            parts.append(_box(box, left, top))
            top += _height(box) + LINE
    parts += _arrows(boxes, places)
    width = len(found) * (WIDTH + GAP) - GAP + 2
    words = text("the network: " + ", then ".join(box.name for box in boxes))
    size = f'width="{width}" height="{height:.0f}" viewBox="0 0 {width} {height:.0f}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{words}" {size}>'
    scroll = '<div class="scroll network" tabindex="0" role="group" aria-label="network">'
    return f"{scroll}{svg}{HEAD}{''.join(parts)}</svg></div>"


HEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path d="M0 0L8 4L0 8"/></marker></defs>'
)


def _lines(box: Box) -> list[str]:
    return shortened(box.lines, MOST_LINES, MOST_LETTERS)


def _height(box: Box) -> float:
    return LINE * (1 + len(_lines(box))) + 2 * PAD


def _box(box: Box, left: float, top: float) -> str:
    size = f'width="{WIDTH}" height="{_height(box):.0f}" rx="4"'
    parts = [f'<rect x="{left}" y="{top:.0f}" {size}/>']
    for index, line in enumerate([box.name[:MOST_LETTERS], *_lines(box)]):
        y = top + PAD + LINE * (index + 0.75)
        name = "" if index else ' class="name"'
        parts.append(f'<text x="{left + 8}" y="{y:.0f}"{name}>{text(line)}</text>')
    return "".join(parts)


def _arrows(boxes: Sequence[Box], places: Mapping[str, Place]) -> list[str]:
    found: list[str] = []
    for box in boxes:
        left, middle = places[box.name]
        for source in box.sources:
            start, level = places[source][0] + WIDTH, places[source][1]
            bend = (start + left) / 2
            path = (
                f"M{start} {level:.0f}C{bend} {level:.0f} {bend} {middle:.0f} {left} {middle:.0f}"
            )
            found.append(f'<path d="{path}" marker-end="url(#head)"/>')
    return found
