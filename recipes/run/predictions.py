"""The predictions of a network, as arrays and as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ...messages import logger
from ..errors import RequestError, legible
from ..record.contents import JSONObject
from .decisions import decided, probabilities

if TYPE_CHECKING:
    # A process that only answers does not need the language.
    from ..spec.targets import ClassName

# Rows whose error is printed.
MOST_PRINTED = 20


@dataclass(frozen=True, repr=False)
class Predictions:
    """Predictions of a run's model, one for each row that was given.

    Attributes:
        values: predicted classes by name, or predicted numbers: shape (rows,), or (rows, numbers)
            where several are predicted; of several labels their probabilities. Where there are
            `errors`, those rows have None or NaN.
        outputs: the network's outputs (rows, outputs), float32: for classes one column each, in
            the order of `classes`. Logits are turned into probabilities. NaN in rows with an error.
        classes: names of the classes; empty where numbers are predicted.
        errors: row, from 0 -> why there is no prediction; empty unless rows were skipped.
        notes: remarks that are no errors, such as columns that are not used.
        labels: whether the outputs are the probabilities of several labels at once.
        files: for rows that are pictures, the file of each; empty otherwise.
        names: of several labels or numbers: those of the target columns of a table, else numbers.
        decided: of several labels, 0 or 1 for each (rows, labels), by the run's thresholds; 0 in
            rows with an error. None for other tasks, whose decisions are `values`.
        kept: columns of the given rows that stand before the predictions, by name.
        heads: of several outputs, the predictions of each by name; `values` and `outputs` are then
            without columns.
    """

    values: np.ndarray
    outputs: np.ndarray
    classes: tuple["ClassName", ...] = ()
    errors: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    labels: bool = False
    files: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    decided: np.ndarray | None = None
    kept: Mapping[str, list[object]] = field(default_factory=dict)
    heads: Mapping[str, "Predictions"] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.outputs)

    def __repr__(self) -> str:
        if self.heads:
            return f"Predictions({len(self)} rows of {', '.join(self.heads)})"
        what = f"{len(self.classes)} classes" if self.classes else f"shape {self.values.shape}"
        return f"Predictions({len(self)} rows, {what}, {len(self.errors)} errors)"

    def columns(self, *, errors: bool = False) -> dict[str, list[object]]:
        """Columns by name, with a value for each row that was given.

        Classes: `prediction`, and `output_CLASS`, its probability, for each. Several labels: 0 or 1
        for each under its name, and `probability_LABEL`. Numbers: `prediction`, or
        `prediction_NAME` for each of several. The columns of several outputs begin with the name of
        each: `OUTPUT_prediction`.

        Args:
            errors: add the column `error`. A row with an error has None in the others.
        """
        columns = self._predicted()
        same = [name for name in self.kept if name in columns or (errors and name == "error")]
        if same:
            raise RequestError(
                f"--keep: the column `{same[0]:.60}` would stand beside one of the predictions "
                "that is called the same. Rename it in the file."
            )
        for index in self.errors:
            for column in columns.values():
                column[index] = None
        files = {"file": list(self.files)} if self.files else {}
        columns = {**self.kept, **files, **columns}
        if errors:
            columns["error"] = [self.errors.get(index) for index in range(len(self))]
        return columns

    def _predicted(self) -> dict[str, list[object]]:
        if self.heads:
            return {
                f"{name}_{column}": cells
                for name, head in self.heads.items()
                for column, cells in head._predicted().items()
            }
        outputs = self.outputs.T.tolist()
        if self.classes:
            names = [f"output_{name}" for name in self.classes]
            return {"prediction": self.values.tolist(), **dict(zip(names, outputs, strict=True))}
        if self.labels:
            names = [f"probability_{name}" for name in self.names]
            labels = [name if self.named else f"label_{name}" for name in self.names]
            decided = [] if self.decided is None else self.decided.T.tolist()
            return {
                **dict(zip(labels, decided, strict=False)),
                **dict(zip(names, outputs, strict=True)),
            }
        if len(outputs) == 1:
            return {"prediction": outputs[0]}
        names = [f"prediction_{name}" for name in self.names]
        return dict(zip(names, outputs, strict=True))

    @property
    def named(self) -> bool:
        """Whether several labels or numbers have names rather than numbers."""
        return self.names != numbered(len(self.names))

    def table(self, *, errors: bool = False) -> tuple[list[str], list[list[object]]]:
        """Names of columns, and a row for each row that was given; see `columns`.

        Args:
            errors: add the column `error`; a row with an error has empty cells in the others.
        """
        columns = self.columns(errors=errors)
        rows = zip(*columns.values(), strict=True)
        return list(columns), [["" if cell is None else cell for cell in row] for row in rows]


def predictions(
    raw_outputs: ArrayLike | Mapping[str, np.ndarray],
    described: JSONObject,
    *,
    usable: np.ndarray | None = None,
) -> Predictions:
    """Predictions from network outputs (rows, units), or of several by name.

    Args:
        described: the run's `data.json`.
        usable: for each row that was given, whether the network saw it; by default all.
    """
    if isinstance(raw_outputs, Mapping):
        each = {
            name: predictions(raw_outputs[name], {**described, "heads": {}, **head}, usable=usable)
            for name, head in described["heads"].items()
        }
        none = np.empty((len(next(iter(each.values()))), 0), "float32")
        return Predictions(none, none, heads=each)
    classes, labels = described["classes"], described["task"] == "multilabel"
    outputs = probabilities(raw_outputs, described.get("output_function"))
    outputs = both_classes(outputs, classes)
    if classes and outputs.shape[1] != len(classes):
        raise ValueError(f"{len(classes)} classes for {outputs.shape[1]} outputs")
    values = outputs[:, 0] if not classes and outputs.shape[1] == 1 else outputs
    asked, decisions, notes = described.get("threshold"), None, ()
    if isinstance(asked, dict):
        notes = (NOT_CHOSEN,)
        asked = None
    if classes or labels:
        ordered = described["task"] == "ordinal"
        decisions = decided(outputs, labels, asked, ordered=ordered)
    if classes:
        values = np.array(list(classes))[decisions]
    if usable is not None and not usable.all():
        outputs = _aligned(outputs, usable, np.nan)
        values = _aligned(values, usable, None if classes else np.nan)
        decisions = None if decisions is None else _aligned(decisions, usable, 0)
    return Predictions(
        values,
        outputs,
        tuple(classes),
        labels=labels,
        notes=notes,
        names=tuple(label_names(described.get("target", ()), outputs.shape[1])),
        decided=decisions if labels else None,
    )


NOT_CHOSEN = "A run that has not ended has chosen no threshold yet; 0.5 decides."


def label_names(target: Sequence[str], count: int) -> Sequence[str]:
    """Names of several labels or numbers: of the columns of a table, else their numbers."""
    return target if len(target) == count else numbered(count)


def numbered(count: int) -> tuple[str, ...]:
    """`0`, `1` and so on."""
    return tuple(str(index) for index in range(count))


def both_classes(outputs: np.ndarray, classes: Sequence["ClassName"]) -> np.ndarray:
    """A column for each class: one unit speaks for the second of two, the first has the rest."""
    if not classes or outputs.shape[1] > 1:
        return outputs
    return np.concatenate([1 - outputs, outputs], axis=1)


def _aligned(values: np.ndarray, usable: np.ndarray, missing: float | None) -> np.ndarray:
    """Values at the rows that have one, `missing` elsewhere."""
    dtype = object if missing is None else values.dtype
    aligned = np.full((len(usable), *values.shape[1:]), missing, dtype=dtype)
    aligned[usable] = values
    return aligned


def log_rows(notes: Sequence[str], errors: Mapping[int, str]) -> None:
    """Log the notes and the first errors about rows."""
    lines = [*notes, *list(errors.values())[:MOST_PRINTED]]
    if len(errors) > MOST_PRINTED:
        lines.append(f"and {len(errors) - MOST_PRINTED} more rows that are skipped.")
    for line in lines:
        logger.warning(legible(line))
