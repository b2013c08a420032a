"""A column as its different cells, and which of them each row has.

A column has far fewer different cells than cells, as a rule: what is read off its different cells
is done for few.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from .arrow import compute as pc


@dataclass(frozen=True)
class Coded:
    """A column of words, each of which stands here once.

    Attributes:
        cells: the different cells in the order in which they appear, null where one is missing.
        codes: which of them each row has (rows,).
    """

    cells: pa.Array
    codes: np.ndarray

    def counts(self) -> np.ndarray:
        """How many rows have each of the cells."""
        return np.bincount(self.codes, minlength=len(self.cells))

    def rows(self, chosen: np.ndarray) -> np.ndarray:
        """Indices of the rows whose cell is chosen.

        Args:
            chosen: whether it is, for each of the cells.
        """
        return np.flatnonzero(chosen[self.codes]) if chosen.any() else np.empty(0, int)

    def spread(self, values: pa.Array) -> pa.Array:
        """What each row has, of a value for each of the cells."""
        return values.take(pa.array(self.codes))


def coded(column: pa.Array) -> Coded:
    """The different cells of a column, as words, and which of them each row has.

    >>> found = coded(pa.array(["b", "a", None, "b"]))
    >>> found.cells.to_pylist(), found.codes.tolist()
    (['b', 'a', None], [0, 1, 2, 0])
    """
    found = pc.cast(column, pa.string()).dictionary_encode("encode")
    return Coded(found.dictionary, np.asarray(found.indices))
