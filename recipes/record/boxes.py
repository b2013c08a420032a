"""A network as boxes with arrows between them, to be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """An input, a part or an output.

    Attributes:
        name: what it is called.
        lines: what is written below its name.
        sources: names of the boxes that arrows come from.
    """

    name: str
    lines: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


def columns(boxes: Sequence[Box]) -> dict[str, int]:
    """The column of each box: one to the right of the last that it takes.

    Args:
        boxes: each after those that it takes.

    >>> columns([Box("x"), Box("a", (), ("x",)), Box("b", (), ("a", "x"))])
    {'x': 0, 'a': 1, 'b': 2}
    """
    found: dict[str, int] = {}
    for box in boxes:
        found[box.name] = 1 + max((found[source] for source in box.sources), default=-1)
    return found
