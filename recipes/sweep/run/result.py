"""The outcome of a sweep: a row for each trial, and the result as in `result.json`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ...record.contents import JSONObject
from ...report.fragments import lines_part
from ...spec.inheritance import is_name
from ...spec.overrides import steps
from ..spec.labels import MOST, short
from ..spec.records import Sweep
from ..stored import Damaged, checked, damaged, read_json

Status = Literal["running", "completed", "interrupted", "failed"]
MEND = "Remove it, and the same command writes it again from the state of the search."


@dataclass(frozen=True)
class TrialRow:
    """One trial.

    Attributes:
        trial: its name.
        status: completed, failed or running.
        score: value of the objective that decides; None where there is none.
        low: lower end of the 95 % interval of the score; None for a single training.
        high: upper end.
        values: parameter -> value.
        seeds: the score of each training, in the order of the seeds.
        epochs: epochs that all its trainings trained, without those of a trial that it continued.
        until: epochs that each was to be trained at most; None for all of its recipe.
        continues: the trial whose training it continued, or None.
        seconds: time of the trainings.
        whole: whether it was trained to its end.
        reason: why it failed, or ended early.
        directories: run directories, relative to the sweep's.
        curves: value of the objective after each epoch, for each training.
    """

    trial: str
    status: str
    score: float | None
    low: float | None
    high: float | None
    values: dict[str, object]
    seeds: list[float] = field(default_factory=list)
    epochs: int = 0
    until: int | None = None
    continues: str | None = None
    seconds: float = 0.0
    whole: bool = False
    reason: str = ""
    directories: list[str] = field(default_factory=list)
    curves: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class Best:
    """The best trial in a result; the fields are those of its row."""

    trial: str
    score: float
    low: float | None
    high: float | None
    values: dict[str, object]
    seeds: list[float]
    directories: list[str]


# The fields that are shown.
SHOWN = ("trial", "score", "low", "high", "values")


@dataclass(frozen=True)
class SweepResult:
    """The outcome of a sweep.

    Attributes:
        status: `completed`, `interrupted` (the same command continues) or `failed`; `running` until
            one of them is known.
        directory: the sweep's directory.
        reason: why the search ended, in words.
        signal: name of the signal that interrupted the search.
        trials: trials that ended, completed or failed.
        failed: those of them that failed.
        epochs: epochs that were trained in all of them, shared ones counted for each.
        steps: optimizer updates of all of them.
        shared_steps: those of `steps` that were trained once for several trials.
        seconds: time of the search, without the time between an interruption and its continuation.
        best: trial, score, values, seeds and run directories of the best trial.
        lead: how far it is ahead of the second, and whether that is more than noise.
        recipe: path of `best.yaml`.
        test: metrics of the winner on the test rows, when asked for.
        ensemble: the best trials as one model, when asked for.
        order: the completed trials, best first.
        rounds: the rounds of a coarse-to-fine search, with the ranges of each.
        asked: the budget and the answers that were asked for.
    """

    status: Status
    directory: str
    reason: str = ""
    signal: str | None = None
    trials: int = 0
    failed: int = 0
    epochs: int = 0
    steps: int = 0
    shared_steps: int = 0
    seconds: float = 0.0
    best: dict[str, Any] = field(default_factory=dict)
    lead: dict[str, Any] = field(default_factory=dict)
    recipe: str = ""
    test: dict[str, float] = field(default_factory=dict)
    ensemble: dict[str, Any] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    rounds: list[dict[str, Any]] = field(default_factory=list)
    asked: dict[str, object] = field(default_factory=dict)

    def to_json(self) -> JSONObject:
        """The fields as plain JSON values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The outcome in a few lines of text."""
        counts = f"{self.trials} trials, {self.failed} failed, {self.epochs} epochs"
        found = [f"{self.status}: {self.reason} ({counts}, {self.seconds:.1f} s)"]
        if self.shared_steps:
            found.append(
                f"trained {self.steps - self.shared_steps:,} of {self.steps:,} steps: trials share "
                "the beginnings in which they compute the same"
            )
        if self.best:
            values = ", ".join(
                f"{name}={_shown(name, value)}" for name, value in self.best["values"].items()
            )
            found.append(f"best: trial {self.best['trial']}, {self.best['score']:.6g}; {values}")
        if self.lead.get("said"):
            found.append(self.lead["said"])
        if self.test:
            content = ", ".join(f"{name} {value:.4f}" for name, value in self.test.items())
            found.append(f"test: {content}")
        if self.ensemble:
            content = ", ".join(f"{k} {v:.4f}" for k, v in self.ensemble["validation"].items())
            found.append(f"ensemble of {len(self.ensemble['members'])}, validation: {content}")
        return [*found, f"everything is in {self.directory}"]

    def _repr_html_(self) -> str:
        return lines_part(self.lines())

    @property
    def exit_status(self) -> int:
        """Exit status of the command line: 0 completed, 1 failed, 130 or 143 interrupted."""
        interrupted = 143 if self.signal == "SIGTERM" else 130
        return {"completed": 0, "interrupted": interrupted}.get(self.status, 1)


def _shown(name: str, value: object) -> str:
    """The value of a key in a few characters: the name of a choice, or a part of a recipe."""
    path = steps(name)
    is_part = isinstance(value, dict) and not (is_name(path) or isinstance(path[-1], int))
    return json.dumps(value, ensure_ascii=False)[:MOST] if is_part else short(value)


def asked(sweep: Sweep) -> dict[str, object]:
    """Settings that may change between two starts of a sweep, and that change its result."""
    names = ("trials", "epochs", "seconds", "evaluate_test", "ensemble")
    return {name: getattr(sweep, name) for name in names}


def read_result(path: Path) -> SweepResult:
    """The result in a file.

    Raises:
        RequestError: it is damaged.
    """
    content = read_json(path, MEND)
    try:
        found = checked(content, SweepResult, names=("status", "reason"))
        known = {name: found[name] for name in SweepResult.__dataclass_fields__ if name in found}
        checked(known, SweepResult, names=list(known))
        if known.get("best"):
            checked(known["best"], Best, names=SHOWN, at="`best`: ")
    except Damaged as error:
        raise damaged(path, str(error), MEND) from None
    # Its own path, and that of the report, may have changed since it was written.
    return SweepResult(**{**known, "directory": str(path.parent)})


def shortened(names: Sequence[str]) -> dict[str, str]:
    """The shortest end of each name that distinguishes it from the others.

    >>> shortened(["optimizer.sgd.momentum", "model.layers[0].dense.units", "data.batch_size"])
    {'optimizer.sgd.momentum': 'momentum', 'model.layers[0].dense.units': 'units', \
'data.batch_size': 'batch_size'}
    """
    found = {}
    for name in names:
        parts = name.split(".")
        ends = [".".join(parts[-size:]) for size in range(1, len(parts) + 1)]
        found[name] = next(
            end
            for end in ends
            if end == name
            or not any(("." + other).endswith("." + end) for other in names if other != name)
        )
    return found
