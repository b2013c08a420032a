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
    """The column of each box: to the right of all its sources.

    Args:
        boxes: each after those that it takes.

    >>> columns([Box("x"), Box("a", (), ("x",)), Box("b", (), ("a", "x"))])
    {'x': 0, 'a': 1, 'b': 2}
    """
    found: dict[str, int] = {}
    for box in boxes:
        found[box.name] = 1 + max((found[source] for source in box.sources), default=-1)
    return found


def stacks(boxes: Sequence[Box]) -> list[list[Box]]:
    """The boxes of each column, from left to right.

    >>> [[box.name for box in one] for one in stacks([Box("x"), Box("a", (), ("x",))])]
    [['x'], ['a']]
    """
    column = columns(boxes)
    found: list[list[Box]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for box in boxes:
        found[column[box.name]].append(box)
    return found


def shortened(lines: Sequence[str], most: int, letters: int) -> list[str]:
    """Lines of a box, cut to fit: the first and last of many lines, the beginning of long ones.

    >>> shortened(["a", "b", "c", "dense of 64"], most=3, letters=5)
    ['a', '...', 'dense...']
    """
    kept = list(lines)
    if len(kept) > most:
        kept = [*kept[: most - 2], "...", kept[-1]]
    return [line if len(line) <= letters else f"{line[:letters]}..." for line in kept]
