"""Raw rows to predict, from a CSV, npz or npy file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from .cells import Table
from .npz import member, opened, readable
from .source import Columns, features, refuse_device
from .table import encode


def read_rows(path: Path, described: Mapping[str, Any]) -> np.ndarray:
    """Rows of a file in the form that a run's model takes.

    Args:
        path: `.csv` with the columns of the training table, or numbers of the right shape in
            `.npz` (array `x`), `.npy` or `.csv`.
        described: the run's `data.json`.

    Raises:
        DataError: the file cannot be read, or its rows do not fit the model.
    """
    shape = tuple(described["input_shape"])
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _table(path, described["columns"], shape)
    if suffix == ".npz":
        with opened(path) as file:
            rows = features(member(file, str(path), "x"), str(path))
    elif suffix == ".npy":
        rows = features(_npy(path), str(path))
    else:
        raise DataError(f"{path}: rows come from a .csv, .npz or .npy file.")
    if rows.shape[1:] != shape:
        raise DataError(f"{path}: its rows have shape {rows.shape[1:]}; the model takes {shape}.")
    return rows


def _table(path: Path, columns: Any, shape: tuple[int, ...]) -> np.ndarray:
    if columns is not None:
        known = Columns.from_json(columns)
        return encode(Table(path, known.delimiter, known.encoding, known.categories), known)
    table = Table(path)
    if len(shape) != 1 or len(table.header) != shape[0]:
        raise DataError(
            f"{path}: has {len(table.header)} columns; the model takes rows of shape {shape}."
        )
    return np.stack([table.numbers(name) for name in table.header], axis=1)


def _npy(path: Path) -> np.ndarray:
    with readable(path):
        refuse_device(path)
        with open(path, "rb") as file:
            if file.read(6) != b"\x93NUMPY":
                raise DataError(f"{path}: is no npy file; it does not begin like one.")
        # Mapped first: a header that claims more than the file holds is refused unread.
        return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
