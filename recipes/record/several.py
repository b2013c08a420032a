"""Runs side by side: their results, what their recipes differ in, and which one is better."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from ..errors import RequestError
from . import directory as files
from .bootstrap import paired
from .directory import RunDirectory, open_run, read_result
from .metrics import Curve, curves
from .result import Result
from .settings import differing, repetitions, settings

# Scores that are compared row by row, in this order, and the name of the mean of each.
SCORES = {
    "right": "accuracy",
    "absolute_error": "mean absolute error",
    "log_loss": "log loss",
    "squared_error": "mean squared error",
}


@dataclass(frozen=True)
class ComparedRun:
    """A run as it is compared.

    Attributes:
        name: of its directory.
        path: its directory.
        problem: why it cannot be read; None where it can.
        result: its result.
        settings: keys of its recipe with their values.
        curves: metric -> epochs and values.
        evidence: content of `evidence.json`; empty for an older run.
    """

    name: str
    path: Path
    problem: str | None = None
    result: Result | None = None
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    curves: Mapping[str, Curve] = field(default_factory=dict[str, Curve])
    evidence: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def measured(self) -> dict[str, float]:
        """Metrics on the test and the validation rows, by split and name."""
        if self.result is None:
            return {}
        return {
            f"{split} {name}": value
            for split, values in (
                ("test", self.result.test),
                ("validation", self.result.validation),
            )
            for name, value in values.items()
        }


def read_run(path: Path) -> ComparedRun:
    """Read a run; if it is damaged, `problem` says so, and the others can still be compared."""
    name = path.resolve().name
    if path.resolve().parent.name in files.PARTS:
        name = f"{path.resolve().parent.name[:-1]} {name}"
    try:
        run = open_run(path)
        problems: list[str] = []
        lines = run.read_lines(files.METRICS, problems)
        return ComparedRun(
            name=name,
            path=path,
            result=read_result(run),
            settings=settings(run.read_text(files.RECIPE), str(run / files.RECIPE)),
            curves=curves(lines),
            evidence=run.read_json(files.EVIDENCE) if run.has(files.EVIDENCE) else {},
        )
    except RequestError as error:
        return ComparedRun(name, path, problem=str(error))


def distinct(runs: Sequence[ComparedRun]) -> list[str]:
    """A name for each run, its path where two directories are called the same."""
    names = [run.name for run in runs]
    return [str(run.path) if names.count(run.name) > 1 else run.name for run in runs]


@dataclass(frozen=True)
class Difference:
    """How much better or worse a run, or the mean of repetitions, is than the first.

    Attributes:
        runs: indices of the runs.
        split: whose rows are compared.
        score: what is compared: `right`, or an error.
        mean: the mean difference over rows.
        low: lower end of its 95 % interval.
        high: upper end.
    """

    runs: tuple[int, ...]
    split: str
    score: str
    mean: float
    low: float
    high: float


def differences(runs: Sequence[ComparedRun]) -> list[Difference]:
    """Each group of repetitions against the first, by a bootstrap over the same rows.

    A group without the rows of the first, or with others, is left out.
    """
    groups = groups_of(runs)
    if len(groups) < 2:
        return []
    base = _rows_of(runs, groups[0])
    if base is None:
        return []
    split, score, digest, first = base
    others: list[np.ndarray] = []
    chosen: list[list[int]] = []
    for group in groups[1:]:
        found = _rows_of(runs, group)
        if found is not None and found[:3] == (split, score, digest):
            others.append(found[3])
            chosen.append(group)
    if not others:
        return []
    ends = paired(first, np.stack(others))
    return [
        Difference(tuple(group), split, score, *each)
        for group, each in zip(chosen, ends, strict=True)
    ]


def groups_of(runs: Sequence[ComparedRun]) -> list[list[int]]:
    """Indices of the readable runs, in groups that differ by their seeds alone."""
    known = [index for index, run in enumerate(runs) if run.problem is None]
    return [
        [known[index] for index in group]
        for group in repetitions([runs[index].settings for index in known])
    ]


def keys_that_differ(runs: Sequence[ComparedRun]) -> dict[str, list[str | None]]:
    """The keys of recipes that differ, with the value in each run; None for a damaged run."""
    keys = differing([run.settings for run in runs if run.problem is None])
    return {key: [run.settings.get(key) for run in runs] for key in keys}


Rows = tuple[str, str, str, np.ndarray]


def _rows_of(runs: Sequence[ComparedRun], group: Sequence[int]) -> Rows | None:
    """Split, score, digest of the targets, and the mean over repetitions of a number each row."""
    found: list[Rows] = []
    for index in group:
        one = _rows(runs[index])
        if one is not None and (not found or one[:3] == found[0][:3]):
            found.append(one)
    if not found:
        return None
    return *found[0][:3], np.mean([each[3] for each in found], axis=0)


def _rows(run: ComparedRun) -> Rows | None:
    for split in ("test", "validation"):
        shown = run.evidence.get(split)
        if not isinstance(shown, Mapping):
            continue
        digest = str(cast("Mapping[str, object]", shown).get("digest"))
        arrays = _arrays(RunDirectory(run.path))
        for score in SCORES:
            values = arrays.get(f"{split}/{score}")
            if values is not None and values.ndim == 1 and len(values):
                return split, score, digest, values.astype("float64")
    return None


def _arrays(run: RunDirectory) -> dict[str, np.ndarray]:
    """The numbers that a run has stored for each row; none if the file is damaged."""
    try:
        content = run.verified(files.ROWS).read_bytes()
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (RequestError, OSError, ValueError, KeyError, EOFError):
        return {}
