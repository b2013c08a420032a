"""Something that may be wrong with data, and the columns of a table that are looked at."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from .cell_types import is_binary
from .frame import Frame

# A class with fewer training rows cannot be learned and measured.
FEW_ROWS = 10
Columns = Mapping[str, pa.Array]


@dataclass(frozen=True)
class DataFinding:
    """Something that may be wrong with the data.

    Attributes:
        kind: such as `leakage`.
        place: the column, class or split.
        problem: what was found.
        mend: what to do about it.
    """

    kind: str
    place: str
    problem: str
    mend: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem} {self.mend}"


def scalar_columns(rows: Frame) -> dict[str, pa.Array]:
    """The columns with one value a row, but pictures."""
    return {
        name: column
        for name, column in rows.columns.items()
        if not (isinstance(column, np.ndarray) or is_binary(column) or name in rows.pictures)
    }
