"""Dates in the cells of a column."""

import numpy as np
import pyarrow as pa

from ..errors import DataError
from ..spec.wording import shown
from .arrow import compute as pc
from .cell_types import floats, is_text, trimmed
from .cells import scalar
from .coded import Coded, coded
from .frame import Frame, plain
from .notation import notation_arguments

DATE = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$"


def differing_parts(times: pa.Array) -> list[str]:
    """Which of year, month, weekday and hour are not the same in all timestamps."""
    times = times.unique()
    values = {
        "year": pc.year(times),
        "month": pc.month(times),
        "weekday": pc.day_of_week(times),
        "hour": pc.hour(times),
    }
    return [part for part, found in values.items() if len(found.unique().drop_null()) > 1]


def not_dates(column: pa.Array) -> np.ndarray:
    """Rows whose cell is neither a date nor missing."""
    found = coded(column)
    return found.rows(_no_dates(trimmed(found.cells)))


def _no_dates(cells: pa.Array) -> np.ndarray:
    return ~np.asarray(pc.fill_null(pc.match_substring_regex(cells, DATE), True))


def times_of(rows: Frame, name: str) -> np.ndarray:
    """A column of numbers or dates as numbers in the order of time (rows,)."""
    column = scalar(rows, name)
    if column.null_count:
        row = int(np.flatnonzero(np.asarray(column.is_null()))[0])
        raise DataError(f"{rows.where}: {rows.fault(row, name, 'expected a time. It is empty.')}")
    if not is_text(column):
        return floats(column)
    return np.asarray(pc.cast(parsed_dates(rows, name), pa.int64()), "float64")


def parsed_dates(rows: Frame, name: str) -> pa.Array:
    """A column of dates as timestamps, null where one is missing."""
    found, times = different_dates(rows, name)
    return found.spread(times)


def different_dates(rows: Frame, name: str) -> tuple[Coded, pa.Array]:
    """The different cells of a column of dates, and the timestamp of each, null for a missing one.

    Raises:
        DataError: a cell is no date.
    """
    column = scalar(rows, name)
    found = rows.coded(name)
    cells = trimmed(found.cells)
    bad = found.rows(_no_dates(cells))
    if len(bad):
        received = shown(column[int(bad[0])].as_py())
        problem = f"expected a date such as 2013-01-31. Received {received}."
        if arguments := notation_arguments(pc.take(column, pa.array(bad))):
            problem += f" {arguments} of the source `csv` would read such dates."
        raise DataError(f"{rows.where}: {rows.fault(int(bad[0]), name, problem)}")
    # The time of the place, whatever its zone.
    local = pc.replace_substring(pc.utf8_slice_codeunits(cells, 0, 19), "T", " ")
    try:
        return found, pc.cast(local, pa.timestamp("s"))
    except pa.ArrowInvalid as error:
        raise DataError(f"{rows.where}: column `{plain(name)}`: {error}") from None
