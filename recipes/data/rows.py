"""Raw rows to predict or to measure, from a file or from Python."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..record.contents import JSONObject
from ..spec.image_folders import SUFFIXES as PICTURES
from ..spec.wording import listed
from .arrays import as_array
from .cell_types import is_text, words
from .fitted import Fitted, FittedNumeric
from .frame import MOST_NAMES_SHOWN, Frame, Rows, pick, plain
from .image_feature import FittedImage, looked_at, picture_faults
from .image_folder import IMAGE, LABEL, of_classes, single, unlabelled
from .npy import read_npy
from .npz import member, opened
from .npz_table import npz_columns
from .python_columns import from_columns, is_columns
from .reading import Faults, ParsedRows, Reading
from .row_targets import all_numbers, coded, own_targets, usable_cells
from .several import read_tables
from .source import checked, features
from .tables import SUFFIXES

FILES = (*SUFFIXES, ".npz", ".npy")


def read_rows(path: Path, described: JSONObject) -> Rows:
    """Rows of a file in the form that a run's model takes; see `rows_of`."""
    return rows_of(path, Reading(described)).x


def rows_of(given: object, reading: Reading) -> ParsedRows:
    """Rows in the form that a run's model takes.

    Args:
        given: path of a table with the columns of the training table, or a pattern of several such
            as `part-*.csv`; or of numbers of the right shape in an `.npz`, `.npy` or `.csv` file; a
            mapping of column names to cells, as a data frame is; an array of rows; with
            `reading.with_target` a pair `(rows, targets)`.
        reading: what is read, and what becomes of rows that cannot be used.

    Raises:
        DataError: the rows cannot be read, or do not fit the model; with `skip`, none does.
    """
    if isinstance(given, (str, os.PathLike)):
        return _from_file(Path(given), reading)
    if is_columns(given):
        return _from_table(from_columns(given, "rows"), reading, Faults())
    if not reading.with_target:
        return _from_arrays(given, None, "rows", reading)
    if not isinstance(given, tuple) or len(given) != 2:
        raise DataError("rows: give a pair `(x, y)` of rows and targets, a file, or columns.")
    if is_columns(given[0]):
        target = given[1] if is_columns(given[1]) else {_only(reading.target): given[1]}
        columns = {**from_columns(given[0], "rows").columns, **from_columns(target, "y").columns}
        return _from_table(Frame(columns, "rows"), reading, Faults())
    return _from_arrays(*given, "rows", reading)


def _only(target: Sequence[str]) -> str:
    if len(target) != 1:
        raise DataError(f"rows: give the targets as columns {listed(list(target))}.")
    return target[0]


def _from_file(path: Path, reading: Reading) -> ParsedRows:
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if path.is_dir() or suffix in PICTURES:
        return _from_table(given_pictures(path, reading), reading, Faults())
    if suffix not in FILES:
        raise DataError(f"{path}: rows come from a {listed(list(FILES))} file.")
    if suffix in SUFFIXES:
        faults = Faults()
        table = read_tables(path, reading.described.get("dialect", {}), faults.by_row)
        return _from_table(table, reading, faults)
    if suffix == ".npy":
        if reading.with_target:
            raise DataError(f"{path}: has no targets. Give a .npz file with rows and targets.")
        return _from_arrays(read_npy(path), None, str(path), reading)
    if reading.features:
        known = {each.name for each in reading.features}
        names = {*known, *reading.target, *reading.keep, *reading.places}
        return _from_table(npz_columns(path, names), reading, Faults())
    name, target = reading.arrays
    with opened(path) as file:
        # Rows to predict are called `x`, whatever the training rows were called.
        rows = member(file, str(path), name if name in file.files else "x")
        y = member(file, str(path), target) if reading.with_target else None
    return _from_arrays(rows, y, str(path), reading)


def given_pictures(path: Path, reading: Reading) -> Frame:
    """A table of the pictures of a folder, or of one, for a model that takes pictures alone."""
    names = [each.name for each in reading.features if isinstance(each, FittedImage)]
    others = [each.name for each in reading.features if each.name not in names]
    if len(names) != 1 or others:
        what = "takes no pictures" if not names else f"takes {_named(others)} too"
        raise DataError(f"{path}: holds pictures, and the model {what}. Give a table or arrays.")
    if not reading.with_target:
        table = unlabelled(str(path)) if path.is_dir() else single(path)
    elif path.is_dir() and len(reading.target) == 1:
        table = of_classes(str(path))
    else:
        raise DataError(
            f"{path}: has no targets. Give a folder with one folder of pictures for each class, or "
            "a table."
        )
    columns = {IMAGE: names[0], LABEL: (*reading.target, "")[0]}
    return replace(table, columns={columns[name]: c for name, c in table.columns.items()})


def _from_table(table: Frame, reading: Reading, faults: Faults) -> ParsedRows:
    features = reading.features
    kept = _kept(table, reading.keep)
    if not features:
        table = table.select(name for name in table.columns if name not in kept)
        return replace(_from_numbers(table.typed(), reading, faults), kept=kept)
    used = {feature.name: feature for feature in features}
    known = {*used, *reading.target, *reading.places}
    rest = [name for name in table.columns if name not in {*known, *reading.keep}]
    notes = [f"{table.where}: {_named(rest)} not used."] if rest else []
    table.require([*used, *reading.places])
    table = table.select(name for name in table.columns if name in known)
    if not table.links:  # the names in a folder are words as they are
        table = table.typed(_words(features, reading))
    table = looked_at(table, features)
    for row, problem in picture_faults(table).items():
        faults.add(row, problem)
    columns = {name: usable_cells(feature, table, faults) for name, feature in used.items()}
    columns = {**{name: table[name] for name in reading.places}, **columns}
    y = coded(table, reading, faults) if reading.with_target else None
    if table.pictures and reading.undecodable is not None:
        _decode(table, reading.undecodable, features, faults)
    files = _files(table)
    found = _chosen(replace(table, columns=columns), y, faults, table.where, reading, notes)
    return replace(found, files=files, kept=kept)


def _files(table: Frame) -> tuple[str, ...]:
    """The picture of each row, by its path, or by its place where it is bytes."""
    for name in table.pictures:
        if is_text(table[name]):
            return tuple(words(table[name]).tolist())
        return tuple(table.locate(row) for row in range(len(table)))
    return ()


def _decode(
    table: Frame,
    undecodable: Callable[[FittedImage, Frame], Mapping[int, str]],
    features: Sequence[Fitted],
    faults: Faults,
) -> None:
    """Note the rows whose pictures cannot be decoded, of those that have no fault yet."""
    rows = np.delete(np.arange(len(table)), list(faults.by_row))
    for feature in features:
        if isinstance(feature, FittedImage) and len(rows):
            for place, problem in undecodable(feature, table.take(rows)).items():
                faults.add(int(rows[place]), problem)


def _kept(table: Frame, names: Sequence[str]) -> dict[str, list[object]]:
    """Columns as lists, None where a cell is missing."""
    return {
        name: column.tolist()
        if isinstance(column := table[name], np.ndarray)
        else column.to_pylist()
        for name in names
    }


def _words(features: Sequence[Fitted], reading: Reading) -> set[str]:
    """Columns that are words, whatever they look like in this table."""
    words = {each.name for each in features if not isinstance(each, FittedNumeric)}
    words |= {name for name in reading.places[:1] if name == reading.described["window"]["by"]}
    for head in reading.heads.values() or (reading,):
        if any(isinstance(name, str) for name in head.described["classes"]):
            words |= set(head.target)
    return words


def _named(names: Sequence[str]) -> str:
    few = ", ".join(f"`{plain(name)}`" for name in names[:MOST_NAMES_SHOWN])
    more = f" and {len(names) - MOST_NAMES_SHOWN} more" * (len(names) > MOST_NAMES_SHOWN)
    return f"columns {few}{more} are" if len(names) > 1 else f"the column {few} is"


def _from_numbers(table: Frame, reading: Reading, faults: Faults) -> ParsedRows:
    """A table for a model that was not trained on one: all its columns, in order."""
    if reading.with_target:
        raise DataError(
            f"{table.where}: the run was not trained on a table, so nothing says which column is "
            "the target. Give a .npz file with rows and targets."
        )
    if len(reading.shape) != 1 or len(table.columns) != reading.shape[0]:
        raise DataError(
            f"{table.where}: has {len(table.columns)} columns; the model takes rows of shape "
            f"{reading.shape}."
        )
    columns = [all_numbers(table, name, faults) for name in table.columns]
    return _chosen(np.stack(columns, axis=1), None, faults, table.where, reading)


def _from_arrays(x: object, y: object, where: str, reading: Reading) -> ParsedRows:
    if reading.keep:
        raise DataError(
            f"{where}: arrays have no columns to keep. Leave `--keep` (`keep`) out, or give a "
            "table."
        )
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
    if not reading.with_target:
        return _chosen(rows, None, faults, where, reading)
    source = checked(rows, y, where, task=reading.described["task"])
    return _chosen(rows, own_targets(source.y, where, faults, reading), faults, where, reading)


def _chosen(
    x: Rows,
    y: np.ndarray | None,
    faults: Faults,
    where: str,
    reading: Reading,
    notes: Sequence[str] = (),
) -> ParsedRows:
    """The rows without faults, where the others may be skipped."""
    if not faults.by_row:
        return ParsedRows(x, np.ones(len(x), dtype=bool), y=y, notes=tuple(notes))
    if reading.on_error == "refuse" or len(faults.by_row) == len(x):
        skip = "" if reading.on_error == "skip" or len(faults.by_row) == len(x) else SKIP
        raise DataError(f"{where}: {faults.summary(len(x))}{skip}")
    usable = np.ones(len(x), dtype=bool)
    usable[list(faults.by_row)] = False
    errors = {row: faults.by_row[row] for row in sorted(faults.by_row)}
    kept = np.flatnonzero(usable)
    return ParsedRows(pick(x, kept), usable, errors, None if y is None else y[usable], tuple(notes))


SKIP = '\nTo leave such rows out: `--on-error skip`, in Python `on_error="skip"`.'
