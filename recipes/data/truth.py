"""Labels that are written as words: yes and no, true and false."""

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from .arrow import compute as pc
from .cell_types import is_text, not_numbers, numbers
from .columns import Column
from .frame import Frame

# Words of a label that is on, and of one that is off, in lowercase.
ON, OFF = ("yes", "true", "y", "t", "on"), ("no", "false", "n", "f", "off")


def with_numbers_for_truth(table: Frame, names: Sequence[str]) -> Frame:
    """The table with 1 for `yes` and `true`, and 0 for `no` and `false`, in some of its columns.

    A column with any other word stays as it is.
    """
    changed: dict[str, Column] = {}
    for name in names:
        column = table[name]
        if isinstance(column, pa.Array) and is_text(column):
            found = truth_as_digits(column)
            if not len(not_numbers(found)):
                changed[name] = numbers(found)
    return replace(table, columns={**table.columns, **changed})


def truth_as_digits(column: pa.Array) -> pa.Array:
    """A column of words with `1` for each word of `ON` and `0` for each of `OFF`.

    >>> truth_as_digits(pa.array(["Yes", "FALSE", "perhaps", None])).to_pylist()
    ['1', '0', 'perhaps', None]
    """
    lowered = pc.utf8_lower(column)
    digits = pc.if_else(pc.is_in(lowered, pa.array(OFF)), "0", column)
    return pc.if_else(pc.is_in(lowered, pa.array(ON)), "1", digits)
