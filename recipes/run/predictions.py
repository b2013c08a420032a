"""The predictions of a network, as arrays and as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np


@dataclass(frozen=True, repr=False)
class Predictions:
    """Predictions of a run's model, one for each row that was given.

    Attributes:
        values: predicted classes by name, or predicted numbers: shape (rows,), or (rows, numbers)
            where several are predicted. Where there are `errors`, those rows have None or NaN.
        outputs: the network's outputs (rows, outputs), float32: for classes one column each, in
            the order of `classes`. Logits are turned into probabilities. NaN in rows with an error.
        classes: names of the classes; empty where numbers are predicted.
        errors: row, from 0 -> why there is no prediction; empty unless rows were skipped.
        notes: what is worth knowing and no error, such as columns that are not used.
        labels: whether the outputs are the probabilities of several labels at once.
        files: for each row, the picture that it is; empty where rows are no pictures.
    """

    values: np.ndarray
    outputs: np.ndarray
    classes: tuple[Any, ...] = ()
    errors: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    labels: bool = False
    files: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.outputs)

    def __repr__(self) -> str:
        what = f"{len(self.classes)} classes" if self.classes else f"shape {self.values.shape}"
        return f"Predictions({len(self)} rows, {what}, {len(self.errors)} errors)"

    def table(self, *, errors: bool = False) -> tuple[list[str], list[list[Any]]]:
        """Names of columns, and a row for each row that was given.

        Args:
            errors: add the column `error`; a row with an error has empty cells in the others.
        """
        header = _header(self.classes, self.outputs.shape[1], labels=self.labels)
        numbers = self.outputs.tolist()
        rows = [
            [value, *row] if self.classes else row
            for value, row in zip(self.values.tolist(), numbers, strict=True)
        ]
        if errors:
            empty = [""] * len(header)
            rows = [
                [*empty, self.errors[index]] if index in self.errors else [*row, ""]
                for index, row in enumerate(rows)
            ]
            header = [*header, "error"]
        if self.files:
            header = ["file", *header]
            rows = [[file, *row] for file, row in zip(self.files, rows, strict=True)]
        return header, rows


def predictions(
    found: np.ndarray, described: Mapping[str, Any], *, usable: np.ndarray | None = None
) -> Predictions:
    """Predictions from network outputs (rows, units).

    Args:
        described: the run's `data.json`.
        usable: for each row that was given, whether the network saw it; by default all.
    """
    classes = described["classes"]
    outputs = probabilities(found, described.get("output_function"))
    if classes and outputs.shape[1] == 1:
        # One unit speaks for the second class; the first has the rest.
        outputs = np.concatenate([1 - outputs, outputs], axis=1)
    values = outputs[:, 0] if not classes and outputs.shape[1] == 1 else outputs
    if classes:
        values = np.array(list(classes))[outputs.argmax(axis=1)]
    if usable is not None and not usable.all():
        outputs = _aligned(outputs, usable, np.nan)
        values = _aligned(values, usable, None if classes else np.nan)
    labels = described["task"] == "multilabel"
    return Predictions(values, outputs, tuple(classes), labels=labels)


def probabilities(outputs: Any, function: str | None) -> np.ndarray:
    """Outputs (rows, units) as they are, or logits through a `sigmoid` or `softmax`."""
    if function is not None:
        outputs = keras.ops.convert_to_numpy(getattr(keras.ops, function)(outputs))
    return np.asarray(outputs, dtype="float32")


def _aligned(found: np.ndarray, usable: np.ndarray, missing: float | None) -> np.ndarray:
    """Values at the rows that have one, `missing` elsewhere."""
    dtype = object if missing is None else found.dtype
    aligned = np.full((len(usable), *found.shape[1:]), missing, dtype=dtype)
    aligned[usable] = found
    return aligned


def _header(classes: Sequence[Any], units: int, *, labels: bool) -> list[str]:
    if classes:
        return ["prediction", *(f"output_{name}" for name in classes)]
    if labels:
        return [f"probability_{index}" for index in range(units)]
    if units == 1:
        return ["prediction"]
    return [f"prediction_{index}" for index in range(units)]
