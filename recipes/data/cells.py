"""The cells of a column, where one value a row is expected, or a number, and their counts."""

from collections import Counter

import numpy as np
import pyarrow as pa

from ..errors import DataError
from ..spec.wording import shown
from .arrow import compute as pc
from .cell_types import is_binary, is_text, not_numbers, numbers
from .coded import Coded
from .columns import Column
from .frame import Frame, plain
from .notation import notation_arguments


def counts_of(column: Coded) -> Counter[str]:
    """How many rows have each word, the empty one where it is missing."""
    found: Counter[str] = Counter()
    cells = pc.fill_null(column.cells, "").to_pylist()
    for word, count in zip(cells, column.counts().tolist(), strict=True):
        found[word] += count
    return found


def scalar(rows: Frame, name: str) -> pa.Array:
    """A column with one value a row."""
    column: Column = rows[name]
    if isinstance(column, np.ndarray):
        raise DataError(f"{rows.where}: column `{plain(name)}` has several values a row.")
    if is_binary(column):
        raise DataError(
            f"{rows.where}: column `{plain(name)}` holds bytes, which only `image` takes."
        )
    return column


def numbers_of(rows: Frame, name: str) -> pa.Array:
    """A column of numbers; a `DataError` names the first cells that are none."""
    column = scalar(rows, name)
    bad = not_numbers(column)
    if not len(bad):
        return numbers(column)
    lines = "\n".join(
        f"  {rows.fault(row, name, f'expected a number. Received {shown(column[row].as_py())}.')}"
        for row in bad[:5].tolist()
    )
    words = is_text(column)
    advice = f"\n  If it holds words, write `features: {{{plain(name)}: category}}`." * words
    if words and (arguments := notation_arguments(pc.take(column, pa.array(bad)))):
        advice = f"\n  {arguments} of the source `csv` would read them as numbers."
    raise DataError(
        f"{rows.where}: {len(bad)} of {len(rows)} cells of `{plain(name)}` are no numbers that "
        f"32-bit floats can hold:\n{lines}{advice}"
    )
