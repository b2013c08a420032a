"""Several files of one table: their rows one after the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from ..errors import DataError
from ..spec.file_patterns import columns_problem, matched
from .arrow import compute as pc
from .cell_types import is_text
from .columns import Column
from .delimited import MOST_OF_MEMORY
from .frame import Frame, plain
from .npz import memory
from .tables import read_table


def read_tables(
    path: Path, dialect: Mapping[str, str] | None = None, skipped: dict[int, str] | None = None
) -> Frame:
    """The rows of a file, or of all files that match a pattern; see `read_table`."""

    def read(each: Path, at: int) -> Frame:
        if skipped is None:
            return read_table(each, dialect)
        own: dict[int, str] = {}
        frame = read_table(each, dialect, own)
        named = "" if each == path else f"{each}, "
        skipped.update({at + row: f"{named}{message}" for row, message in own.items()})
        return frame

    return _read(path, read)


def several(path: str, read: Callable[[Path], Frame]) -> Frame:
    """The rows of a file, or of all files that match a pattern, in the order of their names.

    Args:
        read: reads the rows of one file.

    Raises:
        DataError: a file cannot be read, or has other columns than the first, or the rows do not
            fit into memory.
    """
    return _read(Path(path), lambda each, _: read(each))


def _read(path: Path, read: Callable[[Path, int], Frame]) -> Frame:
    frames: list[Frame] = []
    rows, size = 0, 0
    files = matched(path)
    if len(files) == 1:
        return read(files[0], 0)
    for each in files:
        frame = read(each, rows)
        rows, size = rows + len(frame), size + sum(c.nbytes for c in frame.columns.values())
        if size > memory() * MOST_OF_MEMORY:
            raise DataError(
                f"{path}: the rows up to {each} take {size / 2**30:.1f} GiB, which do not fit into "
                f"the memory of this machine, {memory() / 2**30:.1f} GiB."
            )
        frames.append(frame)
    return joined(frames, str(path))


def joined(frames: Sequence[Frame], where: str) -> Frame:
    """The rows of tables with the same columns, one table after the other.

    Raises:
        DataError: a table has other columns than the first, or other values in one of them.
    """
    first = frames[0]
    names = list(first.columns)
    for frame in frames[1:]:
        problem = columns_problem(list(frame.columns), Path(frame.where), names, Path(first.where))
        if problem is not None:
            raise DataError(problem)
    columns = {name: _column(name, frames) for name in names}
    return Frame(columns, where, _Places(frames), folder=first.folder)


@dataclass(frozen=True)
class _Places:
    """The file of each row, and the row's place in it."""

    frames: Sequence[Frame]

    def __call__(self, row: int) -> str:
        for frame in self.frames:
            if row < len(frame):
                return f"{frame.where}, {frame.locate(row)}"
            row -= len(frame)
        raise IndexError(row)


def _column(name: str, frames: Sequence[Frame]) -> Column:
    columns = [frame[name] for frame in frames]
    arrays = [column for column in columns if isinstance(column, np.ndarray)]
    if len(arrays) == len(columns):
        _refuse_other(name, frames, [str(array.shape[1:]) for array in arrays])
        return np.concatenate(arrays)
    kinds = [_kind(column) for column in columns]
    _refuse_other(name, frames, kinds)
    known: list[pa.Array] = [c for c in columns if not isinstance(c, np.ndarray)]
    if "words" in kinds:
        known = [c if is_text(c) else pa.array([""] * len(c), pa.string()) for c in known]
    elif any(pa.types.is_floating(column.type) for column in known):
        known = [pc.cast(column, pa.float64(), safe=False) for column in known]
    return pa.concat_arrays(known)


def _kind(column: Column) -> str:
    if isinstance(column, np.ndarray):
        return "several values a row"
    if is_text(column):
        return "words"
    # Of a column without a value it is not known what it holds.
    return "" if column.null_count == len(column) else "numbers"


def _refuse_other(name: str, frames: Sequence[Frame], kinds: Sequence[str]) -> None:
    """Raise a `DataError` where a file has other values in a column than one before it."""
    first: tuple[str, str] | None = None
    for frame, kind in zip(frames, kinds, strict=True):
        if not kind:
            continue
        first = first or (frame.where, kind)
        if kind != first[1]:
            raise DataError(
                f"{frame.where}: column `{plain(name)}` holds {kind}, and in {first[0]} it holds "
                f"{first[1]}."
            )
