"""Predictions of an exported file for raw rows; of ONNX and LiteRT without Keras or TensorFlow."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import DataError, RequestError, consistent
from ..run.predictions import Predictions, predictions
from .carriers import read_proof
from .described import Described
from .encode import encoded
from .given import WORDS, as_in_a_file, listed
from .interface import Interface, Port, PreprocessingPlace
from .kinds import LIGHT, Format
from .proof import Proof, ProofPart
from .runtime import Compute, opened

if TYPE_CHECKING:
    from ..data.reading import OnError
    from ..spec.targets import ClassName

# The name of the one input of a model of arrays.
ROWS = "rows"


class Predictor:
    """A model that was exported, ready to answer.

    Attributes:
        path: of the file.
        proof: what the file says of itself.
        interface: what it takes and gives.
    """

    def __init__(self, path: Path, proof: Proof, interface: Interface, compute: Compute):
        self.path = path
        self.proof = proof
        self.interface = interface
        self._compute = compute

    def __repr__(self) -> str:
        takes = ", ".join(port.name for port in self.interface.columns[:8])
        return f"Predictor({str(self.path)!r}, takes {takes})"

    @property
    def classes(self) -> tuple["ClassName", ...]:
        """Names of the classes; empty where numbers are predicted."""
        return tuple(self.proof[ProofPart.DATA].get("classes", ()))

    @property
    def described(self) -> Described:
        """The run's `data.json`, with several outputs in the run's order, which a proof loses."""
        found = self.proof[ProofPart.DATA]
        if not found.get("heads"):
            return found
        heads = {port.name: found["heads"][port.name] for port in self.interface.outputs}
        return {**found, "heads": heads}

    def __call__(self, rows: object, *, all_windows: bool = False) -> Predictions:
        """Predictions for raw rows.

        Args:
            rows: an array whose first axis counts them; columns by name, as a mapping or a data
                frame (pandas, polars, Arrow); or one row, as a mapping of names to cells. Pictures
                are pixels, or paths of files or their content in a column. Of a series windows
                (windows, rows of each) by column, or the table itself, row by row. A path of
                a file or folder is read as `keras-recipes predict` reads it.
            all_windows: forecast from every window of a series, and not only from the last one.

        Returns:
            A `Forecast` where windows were made of a table.

        Raises:
            DataError: the rows are not what the model takes.
        """
        with consistent(str(self.path)):
            if all_windows or as_in_a_file(
                rows, self.proof[ProofPart.DATA], self.interface.columns
            ):
                return self.read(listed(rows), all_windows=all_windows)
            found = self.outputs(rows)
            described = {"classes": [], "task": "regression", **self.described}
            if described.get("heads"):
                return predictions(found, described)
            first = next(iter(found.values()))
            return predictions(first.reshape(len(first), -1), described)

    predict = __call__

    def read(
        self,
        rows: object,
        *,
        on_error: "OnError" = "refuse",
        all_windows: bool = False,
        keep: Sequence[str] = (),
    ) -> Predictions:
        """Predictions for rows as a file has them; arguments of `keras_recipes.predict`.

        Raises:
            RequestError: the rows cannot be used, or no recipe says how they are read.
        """
        from .rows import answered

        with consistent(str(self.path)):
            return answered(self, rows, on_error=on_error, all_windows=all_windows, keep=keep)

    def outputs(self, rows: object) -> dict[str, np.ndarray]:
        """What the model computes, by the name of each output (rows, ...)."""
        with consistent(str(self.path)):
            return self.from_columns(columns_of(rows, self.interface.columns, str(self.path)))

    def from_columns(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The same from arrays by column, whose types and shapes fit."""
        found = self._compute(self.inputs(columns))
        return {port.name: found[port.port] for port in self.interface.outputs}

    def inputs(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What goes into the file, by its own names."""
        return inputs_of(columns, self.interface, self.proof[ProofPart.DATA])


def load_predictor(path: str | os.PathLike[str]) -> Predictor:
    """A model that `keras-recipes export` wrote, ready to answer.

    Of an ONNX file `onnxruntime` is needed, of a LiteRT file `ai_edge_litert`, and neither Keras
    nor TensorFlow is imported.

    Args:
        path: a `.onnx`, `.tflite` or `.keras` file, or the folder of a SavedModel.

    Raises:
        RequestError: there is no such file, it is damaged, or it was changed since its export.
    """
    kind, carried, proof = read_proof(path)
    changed = proof.changed(carried.body)
    if changed:
        raise RequestError(
            f"{os.fspath(path)}: was changed since it was exported: {', '.join(changed)}. "
            "Export the run again."
        )
    interface = interface_of(kind, proof, os.fspath(path))
    compute = computed_by(Path(path), carried.content, interface)
    return Predictor(Path(path), proof, interface, compute)


def interface_of(kind: Format, proof: Proof, where: str) -> Interface:
    """What a file takes and gives.

    Raises:
        RequestError: its proof is that of another format.
    """
    interface = Interface.from_json(proof[ProofPart.INTERFACE], where)
    if interface.format is not kind:
        raise RequestError(f"{where}: is a {kind} file, and its proof that of {interface.format}.")
    return interface


def computed_by(path: Path, content: bytes, interface: Interface) -> Compute:
    """The file as a function.

    Raises:
        RequestError: its runtime refuses it, or it has no network.
    """
    if interface.format is Format.WEIGHTS:
        raise RequestError(f"{path}: holds weights without a network, which predict nothing.")
    if interface.format in LIGHT:
        return opened(str(path), content, interface)
    from ..lazy import import_tensorflow

    # Before a module that imports it, or its start-up messages are seen.
    import_tensorflow()
    from . import keras_runtime

    return keras_runtime.opened(path, interface)


def inputs_of(
    columns: Mapping[str, np.ndarray], interface: Interface, described: Described
) -> dict[str, np.ndarray]:
    """What goes into a file, by its own names, from raw columns."""
    given: Mapping[str, np.ndarray] = columns
    if interface.preprocessing is PreprocessingPlace.BESIDE:
        given = encoded(described["features"], columns, described.get("window"))
        if len(interface.inputs) == 1 and len(given) == 1:
            given = {interface.inputs[0].name: next(iter(given.values()))}
    rows = len(next(iter(columns.values())))
    return {
        port.port: _typed(given[port.name], port).reshape(rows, *_shape(port, given[port.name]))
        for port in interface.inputs
    }


def _shape(port: Port, array: np.ndarray) -> tuple[int, ...]:
    """The shape of one row, where the file leaves no size open."""
    shape = [-1 if size is None else size for size in port.shape]
    return array.shape[1:] if shape.count(-1) > 1 else tuple(shape)


def _typed(array: np.ndarray, port: Port) -> np.ndarray:
    return array.astype(object if port.dtype == WORDS else port.dtype, copy=False)


def columns_of(rows: Any, ports: Sequence[Port], where: str) -> dict[str, np.ndarray]:
    """Raw rows as arrays by column.

    Raises:
        DataError: a column is missing, has other cells or another shape.
    """
    if not hasattr(rows, "keys") and not hasattr(rows, "columns"):
        if len(ports) != 1:
            names = ", ".join(f"`{port.name:.40}`" for port in ports[:20])
            raise DataError(f"{where}: takes columns {names}; give a mapping or a data frame.")
        rows = {ports[0].name: rows}
    names = rows.columns if hasattr(rows, "columns") else rows.keys()
    there = [str(name) for name in getattr(rows, "column_names", names)]
    # Keras takes no `/` in the name of an input, and a table may have it.
    slashed = {name.replace("/", "|"): name for name in there}
    missing = [port.name for port in ports if port.name not in slashed]
    if missing:
        has = ", ".join(f"`{name:.40}`" for name in there[:20])
        raise DataError(f"{where}: takes a column `{missing[0]:.40}`; the rows have {has}.")
    found = {port.name: _cells(rows[slashed[port.name]], port, where) for port in ports}
    lengths = {len(cells) for cells in found.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise DataError(f"{where}: columns must be equally long and not empty.")
    return found


def _cells(values: ArrayLike, port: Port, where: str) -> np.ndarray:
    """The cells of a column: one row, or rows of the port's shape, or a cell a row."""
    array = (
        np.asarray(values, dtype=object) if port.dtype == WORDS else _numbers(values, port, where)
    )
    row_shape = tuple(port.shape)
    if row_shape == (1,) and array.ndim <= 1:
        array = array.reshape(-1, 1)
    elif array.ndim == len(row_shape):
        array = array[None]
    fits = array.ndim == len(row_shape) + 1 and all(
        size is None or size == found
        for size, found in zip(row_shape, array.shape[1:], strict=True)
    )
    if not fits:
        raise DataError(
            f"{where}: `{port.name:.40}` takes rows of shape {row_shape}. Received an array of "
            f"shape {array.shape}."
        )
    if port.dtype == WORDS:
        array = np.array([_word(cell) for cell in array.reshape(-1)], object).reshape(array.shape)
    return array[:, 0] if row_shape == (1,) else array


def _numbers(values: ArrayLike, port: Port, where: str) -> np.ndarray:
    try:
        return np.asarray(values, dtype=port.dtype)
    except (TypeError, ValueError) as error:
        first = str(error)[:200]
        raise DataError(f"{where}: `{port.name:.40}` takes numbers: {first}.") from None


def _word(cell: Any) -> str:
    """A cell as the word that a table would hold."""
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    if isinstance(cell, (bool, np.bool_)):
        return str(int(cell))
    whole = isinstance(cell, (float, np.floating)) and float(cell).is_integer()
    return str(int(cell)) if whole else str(cell)
