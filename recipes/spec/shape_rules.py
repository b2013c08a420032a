"""The shape of a row, the error of a layer that cannot take one, and what they share."""

import math
from collections.abc import Callable, Sequence

from .choices import Arguments
from .nodes import Path

Shape = tuple[int | None, ...]
Rule = Callable[[Shape, Arguments], Shape | None]


class Unfit(ValueError):
    """A layer cannot take a shape; the message says why, and how to mend it.

    Attributes:
        path: where the layer stands, below `model`.
    """

    def __init__(self, message: str, path: Path = ()):
        super().__init__(message)
        self.path = path


def remedy(shape: Shape, rank: int) -> str:
    """What brings rows of a shape to a rank."""
    if rank == 1:
        return "Put `flatten`, or a global pooling layer, before it."
    sizes: Sequence[int | None]
    if len(shape) > rank:
        sizes = (*shape[: rank - 1], product(shape[rank - 1 :]))
    elif len(shape) == 1 and rank == 3 and shape[0] is not None:
        side = math.isqrt(shape[0])
        sizes = (side, side, 1) if side**2 == shape[0] else (1, shape[0], 1)
    else:
        sizes = (*(1,) * (rank - 1 - len(shape)), *shape, 1)
    if None in sizes:
        return f"Put a `reshape` to {rank} axes before it."
    return f"Put `reshape: {{target_shape: [{', '.join(map(str, sizes))}]}}` before it."


def product(sizes: Sequence[int | None]) -> int | None:
    return None if None in sizes else math.prod(size for size in sizes if size is not None)


def check_groups(channels: int | None, groups: int) -> None:
    if channels is not None and groups != -1 and channels % groups:
        raise Unfit(f"its {channels} channels cannot be divided into {groups} `groups`.")
