"""What each column of a table most likely is, from the training rows, with the reason."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..spec.wording import shown
from .array_feature import Array
from .arrow import compute as pc
from .cell_types import floats, is_text
from .cells import numbers_of
from .dates import DATE, different_dates, differing_parts
from .features import Category, Date, Feature, Numeric, Text
from .frame import Frame, plain, refuse_nearly_numbers
from .image_feature import inferred_image
from .notation import notation_arguments

# Above this skewness, numbers that are not negative get a logarithm.
SKEWED = 3.0
# With more different words than this fraction of the rows, a column names the rows.
NAMES_ROWS = 0.5
# Cells of at least this many words on average are text.
WORDS_OF_TEXT = 2.0
# Columns with few rows are read as categories however different their cells are.
FEW_ROWS = 20
# Rows that show whether a column has more than two numbers, as a rule.
MANY_ROWS = 1000
# Categories with fewer rows than this are grouped where there are many categories.
RARE, MANY = 5, 100


@dataclass(frozen=True)
class Inferred:
    """What a column was taken for.

    Attributes:
        feature: how it enters the network; None where it is left out.
        reason: why, in a phrase.
    """

    feature: Feature | None
    reason: str


def infer(rows: Frame, name: str) -> Inferred:
    """What a column of the training rows is.

    Raises:
        DataError: it is neither numbers nor words: nearly all cells are numbers, and some are not.
    """
    column = rows[name]
    if isinstance(column, np.ndarray):
        if column.dtype.kind not in "fiub":
            return Inferred(None, "it has several words a row")
        return Inferred(Array(), f"arrays of shape {column.shape[1:]}")
    pictures = inferred_image(rows, name)
    if pictures is not None:
        return Inferred(*pictures)
    different = _different(rows, name, column)
    missing = f", {column.null_count} missing" * (column.null_count > 0)
    if different == 0:
        return Inferred(None, "all training rows miss it")
    if different == 1 and not column.null_count:
        return Inferred(None, f"all training rows have {shown(column[0].as_py())}")
    if not is_text(column):
        numbers_of(rows, name)
        return _numbers(column, different, missing)
    write = f"write `features: {{'*': auto, {plain(name)}: category}}` below `data`"
    refuse_nearly_numbers(rows, name, write)
    found = _text(rows, name, missing)
    arguments = notation_arguments(rows.coded(name).cells)
    hint = f" ({arguments} of the source `csv` would read it otherwise)" if arguments else ""
    return Inferred(found.feature, found.reason + hint)


def _different(rows: Frame, name: str, column: pa.Array) -> int:
    """How many different values there are; of more than two, fewer than there may be.

    Of whole numbers that are all different, it is exact: they may count the rows.
    """
    if is_text(column):
        cells = rows.coded(name).cells
        return len(cells) - cells.null_count
    known = column.drop_null()
    some = len(known[:MANY_ROWS].unique())
    repeated = some < min(len(known), MANY_ROWS)
    if some > 2 and (repeated or pa.types.is_floating(known.type)):
        return some
    return len(known.unique())


def _numbers(column: pa.Array, different: int, missing: str) -> Inferred:
    values = floats(column.drop_null())
    low, high = values.min(), values.max()
    # Some of the rows that are counted are in other splits.
    dense = high - low + 1 <= 2 * len(values)
    counting = dense and len(values) == different > FEW_ROWS
    if pa.types.is_integer(column.type) and counting:
        return Inferred(None, f"it counts the rows, from {low:g} to {high:g}")
    what = f"numbers from {low:.6g} to {high:.6g}{missing}"
    deviation = values.std()
    centred = values - values.mean()
    # NumPy takes ten times as long for the power of 3.
    skewness = np.mean(centred * centred * centred) / deviation**3 if deviation > 0 else 0.0
    if low >= 0 and different > 2 and skewness > SKEWED:
        return Inferred(Numeric(scale="log"), f"{what}, skewed to the right")
    return Inferred(Numeric(), what)


def _text(rows: Frame, name: str, missing: str) -> Inferred:
    found = rows.coded(name)
    counts = found.counts()[np.asarray(found.cells.is_valid())]
    cells = found.cells.drop_null()
    different, known = len(cells), int(counts.sum())
    if pc.all(pc.match_substring_regex(cells, DATE)).as_py():
        if not differing_parts(different_dates(rows, name)[1]):
            return Inferred(None, "its dates have the same year, month, weekday and hour")
        return Inferred(Date(), f"dates{missing}")
    lengths = pc.list_value_length(pc.ascii_split_whitespace(cells))
    count = int(np.dot(np.asarray(lengths, "int64"), counts)) / known
    many = known > FEW_ROWS and different > NAMES_ROWS * known
    if many and count < WORDS_OF_TEXT:
        return Inferred(None, f"it names the rows: {different} words in {known} rows")
    if many:
        return Inferred(Text(), f"texts of {count:.3g} words on average{missing}")
    if different <= MANY:
        return Inferred(Category(), f"{different} categories{missing}")
    rare = sum(number < RARE for number in counts.tolist())
    note = f", {rare} of them in fewer than {RARE} rows" * (rare > 0)
    feature = Category(min_count=RARE if rare < different else 1)
    return Inferred(feature, f"{different} categories{note}{missing}")
