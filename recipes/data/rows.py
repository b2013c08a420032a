"""Raw rows to predict or to measure, from a file or from Python."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import DataError
from ..spec.csv_header import refuse_device
from ..spec.fields import listed, shown
from .arrays import as_array
from .cells import MOST_NAMES_SHOWN, Faults, Table, plain
from .npz import member, opened, readable
from .source import Columns, checked, features
from .table import encode, targets

OnError = Literal["refuse", "skip"]
FILES = (".csv", ".npz", ".npy")


@dataclass(frozen=True)
class Rows:
    """Rows in the form that a run's model takes, and what is wrong with the others.

    Attributes:
        x: the rows that can be used.
        usable: for each row of the file, whether it can be used (rows,).
        errors: row of the file, from 0 -> why it cannot be used, with its place.
        y: targets of the rows that can be used, as indices into the classes or as numbers; None
            where they were not asked for.
        notes: what is worth knowing and no error.
    """

    x: np.ndarray
    usable: np.ndarray
    errors: Mapping[int, str] = field(default_factory=dict)
    y: np.ndarray | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """How rows are read.

    Attributes:
        described: the run's `data.json`.
        target: whether the targets are read too.
        on_error: `refuse` raises where a row cannot be used; `skip` leaves such rows out.
        arrays: names of the arrays of rows and targets in an `.npz` file.
    """

    described: Mapping[str, Any]
    target: bool = False
    on_error: OnError = "refuse"
    arrays: tuple[str, str] = ("x", "y")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return tuple(self.described["input_shape"])


def read_rows(path: Path, described: Mapping[str, Any]) -> np.ndarray:
    """Rows of a file in the form that a run's model takes; see `rows_of`."""
    return rows_of(path, Reading(described)).x


def rows_of(given: Any, reading: Reading) -> Rows:
    """Rows in the form that a run's model takes.

    Args:
        given: path of a `.csv` file with the columns of the training table, or of numbers of the
            right shape in an `.npz`, `.npy` or `.csv` file; a mapping of column names to cells, as
            a data frame is; an array of rows; with `reading.target` a pair `(rows, targets)`.
        reading: what is read, and what becomes of rows that cannot be used.

    Raises:
        DataError: the rows cannot be read, or do not fit the model; with `skip`, none does.
    """
    if isinstance(given, (str, os.PathLike)):
        return _from_file(Path(given), reading)
    if isinstance(given, Mapping) or (hasattr(given, "columns") and hasattr(given, "keys")):
        columns = {str(name): given[name] for name in given.keys()}  # noqa: SIM118  a data frame
        return _from_table(Table.of_columns(columns, "rows"), reading)
    if not reading.target:
        return _from_arrays(given, None, "rows", reading)
    if not isinstance(given, tuple) or len(given) != 2:
        raise DataError("rows: give a pair `(x, y)` of rows and targets, a file, or columns.")
    if isinstance(given[0], Mapping) or hasattr(given[0], "columns"):
        return rows_of(_with_target(*given, reading), reading)
    return _from_arrays(*given, "rows", reading)


def _with_target(columns: Any, target: Any, reading: Reading) -> dict[str, Any]:
    known = _known(reading, "rows")
    return {**{str(name): columns[name] for name in columns.keys()}, known.target: target}  # noqa: SIM118


def _from_file(path: Path, reading: Reading) -> Rows:
    suffix = path.suffix.lower()
    if suffix not in FILES:
        raise DataError(f"{path}: rows come from a .csv, .npz or .npy file.")
    if suffix == ".csv":
        columns = reading.described["columns"]
        if columns is None:
            return _from_table(Table.read(path), reading)
        known = Columns.from_json(columns)
        wanted = {*known.categories, *([known.target] if reading.target else [])}
        return _from_table(Table.read(path, known.delimiter, known.encoding, wanted), reading)
    if suffix == ".npy":
        if reading.target:
            raise DataError(f"{path}: has no targets. Give a .npz file with rows and targets.")
        return _from_arrays(_npy(path), None, str(path), reading)
    name, target = reading.arrays
    with opened(path) as file:
        # Rows to predict are called `x`, whatever the training rows were called.
        rows = member(file, str(path), name if name in file.files else "x")
        y = member(file, str(path), target) if reading.target else None
    return _from_arrays(rows, y, str(path), reading)


def _npy(path: Path) -> np.ndarray:
    with readable(path):
        refuse_device(path)
        with open(path, "rb") as file:
            if file.read(6) != b"\x93NUMPY":
                raise DataError(f"{path}: is no npy file; it does not begin like one.")
        # Mapped first: a header that claims more than the file holds is refused unread.
        return np.array(np.load(path, mmap_mode="r", allow_pickle=False))


def _from_table(table: Table, reading: Reading) -> Rows:
    if reading.described["columns"] is None:
        return _from_numbers(table, reading)
    known = _known(reading, table.path)
    x = encode(table, known)
    y = _coded(table, known.target, reading) if reading.target else None
    rest = [name for name in table.header if name not in (known.target, *known.categories)]
    notes = [f"{table.path}: {_named(rest)} not used."] if rest else []
    return _chosen(x, y, table.faults, table.path, reading, notes)


def _named(names: Sequence[str]) -> str:
    few = ", ".join(f"`{plain(name)}`" for name in names[:MOST_NAMES_SHOWN])
    more = f" and {len(names) - MOST_NAMES_SHOWN} more" * (len(names) > MOST_NAMES_SHOWN)
    return f"columns {few}{more} are" if len(names) > 1 else f"the column {few} is"


def _from_numbers(table: Table, reading: Reading) -> Rows:
    """A table for a model that was not trained on one: all its columns, in order."""
    if reading.target:
        raise DataError(
            f"{table.path}: the run was not trained on a table, so nothing says which column is "
            "the target. Give a .npz file with rows and targets."
        )
    if len(reading.shape) != 1 or len(table.header) != reading.shape[0]:
        raise DataError(
            f"{table.path}: has {len(table.header)} columns; the model takes rows of shape "
            f"{reading.shape}."
        )
    x = np.stack([table.numbers(name) for name in table.header], axis=1)
    return _chosen(x, None, table.faults, table.path, reading)


def _known(reading: Reading, where: str) -> Columns:
    if reading.described["columns"] is None:
        raise DataError(
            f"{where}: the run was not trained on a table with named columns; give an array of "
            f"rows of shape {reading.shape}."
        )
    return Columns.from_json(reading.described["columns"])


def _coded(table: Table, target: str, reading: Reading) -> np.ndarray:
    """The target column, classes as indices; a class that the model does not know is a fault."""
    classes = reading.described["classes"]
    words = any(isinstance(name, str) for name in classes)
    y, _ = targets(table, target, reading.described["task"], words=words)
    if not classes:
        return y.astype("float32")
    codes, unknown = _indices(y, classes)
    cells = table.cells(target)
    for row in unknown:
        if cells[row]:
            table.fault(row, target, _unknown_class(classes), cells[row])
    return codes


def _indices(y: np.ndarray, classes: Sequence[Any]) -> tuple[np.ndarray, list[int]]:
    place = {name: index for index, name in enumerate(classes)}
    codes = np.array([place.get(name, -1) for name in y.tolist()], dtype="int32")
    return codes, np.flatnonzero(codes < 0).tolist()


def _unknown_class(classes: Sequence[Any]) -> str:
    more = f" and {len(classes) - 6} more" * (len(classes) > 6)
    return f"the class {{}} is none that the model knows, which are {listed(classes[:6])}{more}."


def _from_arrays(x: Any, y: Any, where: str, reading: Reading) -> Rows:
    faults = Faults()
    rows = as_array(x, f"{where}, rows")
    rows = rows[:, None] if rows.ndim == 1 and reading.shape == (1,) else rows
    if rows.shape[1:] != reading.shape and rows.ndim > 0:
        raise DataError(
            f"{where}: its rows have shape {rows.shape[1:]}; the model takes {reading.shape}."
        )
    if reading.on_error == "skip" and rows.dtype.kind == "f" and rows.ndim > 1:
        finite = np.isfinite(rows.reshape(len(rows), -1))
        for row in np.flatnonzero(~finite.all(axis=1)).tolist():
            place = int(np.flatnonzero(~finite[row])[0])
            value = rows[row].reshape(-1)[place]
            faults.add(row, f"row {row} (from 0): {value} is no finite number.")
        rows = np.where(finite.reshape(rows.shape), rows, 0)
    rows = features(rows, where)
    if not reading.target:
        return _chosen(rows, None, faults, where, reading)
    source = checked(rows, y, where, task=reading.described["task"])
    return _chosen(rows, _own_targets(source.y, where, faults, reading), faults, where, reading)


def _own_targets(y: np.ndarray, where: str, faults: Faults, reading: Reading) -> np.ndarray:
    classes = reading.described["classes"]
    if not classes:
        return y.astype("float32")
    if any(isinstance(name, str) for name in classes):
        y = y.astype(str)
    codes, unknown = _indices(y, classes)
    for row in unknown:
        message = _unknown_class(classes).replace("{}", shown(y[row].item()), 1)
        faults.add(row, f"row {row} (from 0): {message}")
    return codes


def _chosen(
    x: np.ndarray,
    y: np.ndarray | None,
    faults: Faults,
    where: str,
    reading: Reading,
    notes: Sequence[str] = (),
) -> Rows:
    """The rows without faults, where the others may be skipped."""
    if not faults.by_row:
        return Rows(x, np.ones(len(x), dtype=bool), y=y, notes=tuple(notes))
    if reading.on_error == "refuse" or len(faults.by_row) == len(x):
        skip = "" if reading.on_error == "skip" or len(faults.by_row) == len(x) else SKIP
        raise DataError(f"{where}: {faults.summary(len(x))}{skip}")
    usable = np.ones(len(x), dtype=bool)
    usable[list(faults.by_row)] = False
    errors = {row: faults.by_row[row] for row in sorted(faults.by_row)}
    return Rows(x[usable], usable, errors, None if y is None else y[usable], tuple(notes))


SKIP = '\nTo leave such rows out: `--on-error skip`, in Python `on_error="skip"`.'
