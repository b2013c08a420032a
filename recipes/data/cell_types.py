"""Types of cells: whether columns hold words, numbers or bytes, and conversions between them."""

import re

import numpy as np
import pyarrow as pa

from .arrow import compute as pc
from .coded import Coded, coded
from .columns import Column

# How a missing number is written, beside an empty cell.
MISSING_NUMBERS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", "-")
# How a number is written. Arrow reads `0x10` and `inf` too, which no table means as a number.
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
# A larger number is no 32-bit float.
LARGEST = 3.4e38


def trimmed(cells: pa.Array) -> pa.Array:
    """Words without spaces around them, null where nothing is left."""
    words = pc.utf8_trim_whitespace(cells)
    return pc.if_else(pc.equal(words, ""), pa.scalar(None, pa.string()), words)


def typed(cells: pa.Array) -> pa.Array:
    """Cells of text as the type that all of them have: int64, float64, or string as they are.

    Spaces around a cell do not count. An empty cell is missing; in a column of numbers so is one of
    `MISSING_NUMBERS`.
    """
    different = coded(cells)
    words = trimmed(different.cells)
    found = as_numbers(words)
    if found is None and words.equals(different.cells):
        return cells
    return different.spread(words if found is None else found)


def as_numbers(words: pa.Array) -> pa.Array | None:
    """Words as int64 or float64, null where they are missing; None where one is no number."""
    written, found = _parsed(words)
    if found.null_count > written.null_count:
        return None
    if written.null_count == len(written):
        # Nothing but missing cells is a column of numbers of which none is known.
        return found
    try:
        return pc.cast(written, pa.int64())
    except pa.ArrowInvalid:
        return found


def _parsed(words: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Words that are not missing, else null; and as float64, null where one is no number too."""
    nothing = pa.scalar(None, pa.string())
    missing = pc.is_in(pc.fill_null(words, ""), pa.array(MISSING_NUMBERS))
    written = pc.if_else(missing, nothing, words)
    looking_so = pc.match_substring_regex(written, NUMBER)
    found = pc.cast(pc.if_else(looking_so, written, nothing), pa.float64())
    small = pc.less_equal(pc.abs(found), LARGEST)
    return written, pc.if_else(small, found, pa.scalar(None, pa.float64()))


def size_problem(cell: object) -> str:
    """What is wrong with a cell that is a number, but too large; nothing where it is none.

    >>> size_problem("1e+39"), size_problem("two"), size_problem("1e38")
    (', which is too large: 32-bit floats hold up to 3.4e38', '', '')
    """
    text = str(cell).strip()
    if re.fullmatch(NUMBER, text) and abs(float(text)) > LARGEST:
        return f", which is too large: 32-bit floats hold up to {LARGEST:g}".replace("e+", "e")
    return ""


def is_text(column: Column) -> bool:
    """Whether a column holds words."""
    if isinstance(column, np.ndarray):
        return column.dtype.kind == "U"
    return pa.types.is_string(column.type) or pa.types.is_large_string(column.type)


def is_binary(column: Column) -> bool:
    """Whether a column holds bytes."""
    return not isinstance(column, np.ndarray) and pa.types.is_large_binary(column.type)


def floats(column: pa.Array) -> np.ndarray:
    """A column of numbers as float64 (rows,), NaN where one is missing."""
    values = pc.cast(column, pa.float64(), safe=False)
    return np.asarray(values.to_numpy(zero_copy_only=False), "float64")


def words(column: pa.Array) -> np.ndarray:
    """A column as words (rows,), empty where one is missing."""
    text = pc.fill_null(pc.cast(column, pa.string()), "")
    return text.to_numpy(zero_copy_only=False)


def joined(column: pa.Array) -> np.ndarray:
    """The bytes of all words of a column, empty where one is missing, with zero bytes between."""
    # 64-bit offsets: all words together may have more than 2 GiB.
    text = pc.fill_null(pc.cast(column, pa.large_string()), "")
    whole = pa.ListArray.from_arrays([0, len(text)], text)
    found = pc.binary_join(whole, pa.scalar("\0", pa.large_string()))
    return np.frombuffer(found[0].as_buffer(), "uint8")


def not_numbers(column: pa.Array) -> np.ndarray:
    """Rows whose cell is neither missing nor a number that 32-bit floats can hold."""
    if not is_text(column):
        ends = pc.min_max(column).as_py().values()
        if all(end is None or abs(end) <= LARGEST for end in ends):
            return np.empty(0, int)
        return np.flatnonzero(np.abs(np.nan_to_num(floats(column), nan=0.0)) > LARGEST)
    return unlike_numbers(coded(column))


def unlike_numbers(column: Coded) -> np.ndarray:
    """Rows of a column of words whose cell is neither missing nor a number."""
    written, found = _parsed(column.cells)
    return column.rows(np.asarray(pc.and_(pc.is_valid(written), pc.is_null(found))))


def numbers(column: pa.Array) -> pa.Array:
    """A column in which `not_numbers` finds none, as int64 or float64."""
    found = as_numbers(column) if is_text(column) else column
    assert found is not None
    return found
