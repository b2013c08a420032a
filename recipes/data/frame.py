"""Rows with named columns: what every source opens as, whatever its format."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sized
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa

from ..errors import DataError
from ..spec.fields import did_you_mean, listed, shown
from .arrays import picked
from .arrow import compute as pc
from .coded import Coded, coded
from .columns import Column, LazyColumns, PickedColumns, UntypedColumns, at_rows, selected
from .image_files import Examined
from .lists import array_of, is_list

MOST_NAMES_SHOWN = 20
# How a missing number is written, beside an empty cell.
MISSING_NUMBERS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", "-")
# How a number is written. Arrow reads `0x10` and `inf` too, which no table means as a number.
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
# A larger number is no 32-bit float.
LARGEST = 3.4e38


@dataclass(frozen=True)
class Frame:
    """Rows with named columns, read by index.

    Attributes:
        columns: name -> column, all equally long.
        where: what messages call the rows: a path, or `rows`.
        locate: the place of a row in what it was read from, such as `line 5`.
        folder: what paths in its cells are relative to; None where they are the user's own.
        links: whether links below that folder may lead out of it.
        pictures: what was found of its columns of pictures, by name.
    """

    columns: Mapping[str, Column]
    where: str
    locate: Callable[[int], str] = "row {} (from 0)".format
    folder: str | None = None
    links: bool = False
    pictures: Mapping[str, Examined] = field(default_factory=dict[str, Examined])

    def __len__(self) -> int:
        if isinstance(self.columns, LazyColumns):
            return self.columns.rows
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> Column:
        self.require([name])
        return self.columns[name]

    def take(self, rows: np.ndarray) -> Self:
        """The rows of these indices, in their order."""
        pictures = {name: found.take(rows) for name, found in self.pictures.items()}
        return replace(
            self,
            columns=at_rows(self.columns, rows),
            locate=lambda row: self.locate(int(rows[row])),
            pictures=pictures,
        )

    def coded(self, name: str) -> Coded:
        """The different cells of a column with one value a row, and which of them each row has."""
        if isinstance(self.columns, PickedColumns):
            self.require([name])
            return self.columns.coded(name)
        return coded(self[name])

    def select(self, names: Iterable[str]) -> Self:
        """The columns of these names, in their order."""
        names = list(names)
        self.require(names)
        return replace(self, columns=selected(self.columns, names))

    def typed(self, keep: Collection[str] = ()) -> Self:
        """Columns of text as the type that all their cells have, see `typed`.

        Args:
            keep: columns that stay words, whatever they look like: `01` is not `1` then.
        """
        if isinstance(self.columns, UntypedColumns):
            return replace(self, columns=self.columns.typed(keep))
        columns = {
            name: (trimmed if name in keep else typed)(column)
            if isinstance(column, pa.Array) and is_text(column)
            else column
            for name, column in self.columns.items()
        }
        return replace(self, columns=columns)

    def require(self, names: Iterable[str]) -> None:
        """Raise a `DataError` that names the columns of `names` which are missing."""
        missing = [name for name in names if name not in self.columns]
        if not missing:
            return
        what = ", ".join(f"`{plain(name)}`" for name in missing[:MOST_NAMES_SHOWN])
        if len(missing) > MOST_NAMES_SHOWN:
            what += f" and {len(missing) - MOST_NAMES_SHOWN} more"
        there = list(self.columns)
        hint = did_you_mean(missing[0], there)
        if len(there) == 1 and any(mark in there[0] for mark in ",;\t|"):
            hint = " Its cells are separated by another character: set `delimiter`."
        more = f" and {len(there) - MOST_NAMES_SHOWN} more" * (len(there) > MOST_NAMES_SHOWN)
        raise DataError(
            f"{self.where}: has no column {what}; it has {listed(there[:MOST_NAMES_SHOWN])}"
            f"{more}.{hint}"
        )

    def fault(self, row: int, name: str, problem: str) -> str:
        """What is wrong with a cell, with its place."""
        return f"{self.locate(row)}, column `{plain(name)}`: {problem}"


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


def plain(name: str) -> str:
    """A name from a file, fit for a message: short, and without control characters."""
    return shown(name)[1:-1]


def counted(count: int, what: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def is_columns(value: object) -> bool:
    """Whether a value has columns by name, as a mapping or a data frame does."""
    return (
        isinstance(value, Mapping)
        or (hasattr(value, "columns") and hasattr(value, "keys"))
        or (hasattr(value, "__arrow_c_stream__"))
    )


def from_columns(given: Any, where: str) -> Frame:
    """A table of columns by name: a mapping, or a frame of pandas, polars, or Arrow.

    Raises:
        DataError: a column cannot be read, or is longer than another.
    """
    if hasattr(given, "keys"):
        names = [str(name) for name in given.keys()]  # noqa: SIM118
        found = [_of_values(given[name], where, str(name)) for name in given.keys()]  # noqa: SIM118
    else:
        names, found = _of_arrow(given, where)
    _refuse_names(names, where)
    columns = dict(zip(names, found, strict=True))
    same_length(columns, where)
    return Frame(columns, where)


def _of_arrow(given: Any, where: str) -> tuple[list[str], list[Column]]:
    try:
        table = pa.table(given)
        names = table.column_names
        for column in table.columns:
            column.validate(full=True)
    except (pa.ArrowException, UnicodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{where}: has damaged columns: {reason}.") from None
    columns = [column.combine_chunks() for column in table.columns]
    return names, [
        array_of(each, f"{where}: column `{plain(name)}`")
        if is_list(each.type)
        else _column(each, where, name)
        for name, each in zip(names, columns, strict=True)
    ]


def _refuse_names(names: list[str], where: str) -> None:
    """Raise a `DataError` where two columns have the same name, or one has none."""
    seen: set[str] = set()
    for name in names:
        if name in seen or not name:
            what = f"two columns are called `{plain(name)}`" if name else "a column has no name"
            raise DataError(f"{where}: {what}.")
        seen.add(name)


def _of_values(values: Any, where: str, name: str) -> Column:
    try:
        array = np.asarray(values)
        if array.ndim > 1:
            return array
        # NumPy makes words of all values of a list where one is a word, `nan` of a missing one, and
        # cuts zeros off the end of bytes.
        given = values if array.dtype.kind in "OUS" else array
        return _column(pa.array(given, from_pandas=True), where, name)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        if isinstance(error, DataError):
            raise
        reason = " ".join(str(error).split())[:200]
    try:
        # Numbers and words in one column: as the text that a file would hold.
        if all(isinstance(value, SCALARS) for value in values):
            return pa.array(
                ["" if value is None or value != value else str(value) for value in values]
            )
    except TypeError:
        pass
    raise DataError(f"{where}: column `{plain(name)}` cannot be read: {reason}.")


SCALARS = (str, int, float, np.number, np.bool_, type(None))


def _column(column: pa.Array, where: str, name: str) -> pa.Array:
    """A column of Arrow in one of the types that a `Frame` has; text stays as it is."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _column(column.dictionary_decode(), where, name)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pc.fill_null(pc.cast(column, pa.string()), "")
    if pa.types.is_uint64(kind):
        # The largest of them are no int64.
        column = pc.cast(column, pa.float64(), safe=False)
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return pc.cast(column, pa.int64())
    if pa.types.is_floating(column.type) or pa.types.is_decimal(kind):
        values = pc.cast(column, pa.float64())
        return pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        seconds = pc.cast(column, pa.timestamp("s"), safe=False)
        return pc.cast(pc.strftime(seconds, "%Y-%m-%d %H:%M:%S"), pa.string())
    if pa.types.is_null(kind):
        return pc.cast(column, pa.float64())
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        # The form of pictures in the Parquet files of Hugging Face.
        return _column(pc.struct_field(column, "bytes"), where, name)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pc.cast(column, pa.large_binary())
    raise DataError(
        f"{where}: column `{plain(name)}` holds {kind} values; expected numbers, words or dates."
    )


def same_length(columns: Mapping[str, Sized], where: str) -> None:
    """Raise a `DataError` where one column is longer than another, or there is no row."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        found = ", ".join(f"{plain(name)}: {length}" for name, length in lengths.items())
        raise DataError(f"{where}: columns must be equally long and not empty. Received {found}")


# Rows of a source: an array whose first axis counts them, or a table.
Rows = np.ndarray | Frame


def pick(rows: Any, indices: np.ndarray) -> Any:
    """The rows of these indices, of an array, a table, a block, or windows."""
    return picked(rows, indices) if isinstance(rows, np.ndarray) else rows.take(indices)


# A column in which more of the cells than this are numbers was meant as numbers.
MOSTLY = 0.9


def not_numbers(column: pa.Array) -> np.ndarray:
    """Rows whose cell is neither missing nor a number that 32-bit floats can hold."""
    if not is_text(column):
        ends = pc.min_max(column).as_py().values()
        if all(end is None or abs(end) <= LARGEST for end in ends):
            return np.empty(0, int)
        return np.flatnonzero(np.abs(np.nan_to_num(floats(column), nan=0.0)) > LARGEST)
    return _no_numbers(coded(column))


def _no_numbers(column: Coded) -> np.ndarray:
    """Rows of a column of words whose cell is neither missing nor a number."""
    written, found = _parsed(column.cells)
    return column.rows(np.asarray(pc.and_(pc.is_valid(written), pc.is_null(found))))


def numbers(column: pa.Array) -> pa.Array:
    """A column in which `not_numbers` finds none, as int64 or float64."""
    found = as_numbers(column) if is_text(column) else column
    assert found is not None
    return found


def refuse_nearly_numbers(rows: Frame, name: str, advice: str) -> None:
    """Raise a `DataError` where nearly all cells of a column of words are numbers.

    Args:
        advice: what to do if they are meant as words.
    """
    column = rows[name]
    if isinstance(column, np.ndarray) or not is_text(column):
        return
    bad = _no_numbers(rows.coded(name))
    known = len(column) - column.null_count
    if not 0 < len(bad) <= (1 - MOSTLY) * known:
        return
    problem = (
        f"the cell is {shown(column[int(bad[0])].as_py())}, and {known - len(bad)} of {known} "
        f"cells of the column are numbers. Correct it; or, if these are categories, {advice}."
    )
    raise DataError(f"{rows.where}: {rows.fault(int(bad[0]), name, problem)}")
