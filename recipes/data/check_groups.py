"""Rows of one person, device or the like on both sides of a split, which flatters the figures."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from .cell_types import is_binary, words
from .frame import Frame, counted, plain
from .loaded import Data

# Words in the name of a column that tells whose rows they are; numbers alone say nothing, since
# ages and prices repeat too.
WHOSE = frozenset(
    {
        "account", "client", "customer", "device", "driver", "employee", "family", "household",
        "id", "member", "owner", "participant", "passenger", "patient", "person", "player",
        "session", "student", "subject", "user", "uid", "uuid",
    }
)  # fmt: skip
# Fewer different values than this are kinds of rows, such as kinds of devices.
FEWEST = 20
# Groups are alarming where they have more than this fraction of the rows of a split.
FRACTION = 0.05


@dataclass(frozen=True)
class Overlap:
    """Groups on both sides of a split.

    Attributes:
        column: that names the groups.
        split: `validation` or `test`.
        rows: of the split whose group trains too.
        of: rows of the split.
    """

    column: str
    split: str
    rows: int
    of: int

    @property
    def problem(self) -> str:
        """What was found, in a sentence."""
        return (
            f"{self.rows} of {counted(self.of, 'row')} are of a `{plain(self.column)}` that is in "
            "the training split too: what is memorized of it looks like generalization."
        )

    @property
    def mend(self) -> str:
        """What to do about it."""
        return f"Keep them together: `split_by: {{group: {plain(self.column)}}}`."


def tells_whose(name: str) -> bool:
    """Whether the name of a column says that its cells identify persons, devices or the like.

    >>> [tells_whose(name) for name in ("customer", "PassengerId", "user_ids", "width", "paid")]
    [True, True, True, False, False]
    """
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return any(part.lower() in WHOSE or part.lower().removesuffix("s") in WHOSE for part in parts)


def overlaps(data: Data) -> Iterator[Overlap]:
    """Groups that stand on both sides, for each column that names some, and each split."""
    rows: Frame = data.train.x
    for name, column in rows.columns.items():
        if name in data.target or not tells_whose(name) or not _names(column):
            continue
        known = {cell for cell in words(column).tolist() if cell}
        if len(known) < FEWEST:
            continue
        for what, split in (("validation", data.validation), ("test", data.test)):
            if split is None:
                continue
            found = np.isin(words(split.x[name]).astype(str), list(known))
            if found.sum() > max(1, FRACTION * len(split)):
                yield Overlap(name, what, int(found.sum()), len(split))


def _names(column: pa.Array | np.ndarray) -> bool:
    """Whether the cells can be names: words or whole numbers."""
    if isinstance(column, np.ndarray) or is_binary(column):
        return False
    return not pa.types.is_floating(column.type)
