"""The evidence of all outputs and splits of a run, as its files."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..build.task import Form, Task
from ..data import Data, Split
from ..record import directory as files
from ..record.contents import (
    ForecastEvidence,
    RowEvidence,
)
from ..record.directory import RunDirectory
from .evidence import Evidence, of_answers, of_forecasts, of_numbers
from .quality import Answers

# The most rows that evidence is made for.
MOST_ROWS = 200_000
# The most numbers predicted for a row; an autoencoder predicts more, which are not listed.
MOST_NUMBERS = 32


def can_show(data: Data, split: str) -> bool:
    """Whether a split exists and is small enough for evidence."""
    rows = getattr(data, split)
    return rows is not None and len(rows) <= MOST_ROWS


def write_evidence(
    directory: RunDirectory,
    ends: Mapping[str, tuple[Task, Mapping[str, Answers]]],
    outputs: Mapping[str, Mapping[str, np.ndarray]],
    raw: Data,
) -> None:
    """Write `evidence.json` and `evidence.npz`.

    Args:
        ends: by name of the output, the empty one of a single output: its task, and its
            probabilities by split.
        outputs: of the model, by split and then by name of the output.
        raw: the data before they were encoded.
    """
    shown: dict[str, dict[str, RowEvidence | ForecastEvidence]] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, (task, answers) in ends.items():
        rows = raw.of(name) if name else raw
        for split, by_output in outputs.items():
            if not can_show(raw, split):
                continue
            evidence = _of_split(task, answers.get(split), rows, split, by_output[name])
            if evidence is not None:
                shown.setdefault(name, {})[split] = evidence.shown
                key = f"{name}/{split}" if name else split
                arrays |= {f"{key}/{row}": values for row, values in evidence.rows.items()}
    if not shown:
        return
    directory.write_json(files.EVIDENCE, shown.get("", {files.OUTPUTS: shown}))
    directory.write(files.ROWS, lambda path: _save(path, arrays))


def _save(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with open(path, "wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def _of_split(
    task: Task, answers: Answers | None, data: Data, split: str, outputs: np.ndarray
) -> Evidence | None:
    rows: Split = getattr(data, split)
    if data.forecasting is not None:
        return of_forecasts(data.forecasting, data.forecasting.starts[split], outputs)
    if answers is not None:
        return of_answers(answers, rows, data)
    flat = np.asarray(outputs).reshape(len(outputs), -1)
    numbers = task.form is Form.VALUES and isinstance(rows.y, np.ndarray)
    if not numbers or not np.isfinite(flat).all() or rows.y.size != flat.size:
        return None
    # Where a row is predicted from itself there are as many numbers as inputs: nothing to list.
    return of_numbers(rows.y, flat, rows, data) if flat.shape[1] <= MOST_NUMBERS else None
