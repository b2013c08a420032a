"""A network as boxes with arrows between them, to be drawn."""

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
