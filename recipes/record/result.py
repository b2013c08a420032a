"""The outcome of a run, as `result.json` and `--json` show it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, NotRequired

from pydantic import BeforeValidator, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from .contents import JSONObject
from .metrics import history, read_metrics

Status = Literal["running", "completed", "interrupted", "failed"]
# JSON has no NaN: a metric that is not finite is written as null.
Metric = Annotated[float, BeforeValidator(lambda value: float("nan") if value is None else value)]
Metrics = dict[str, Metric]


class StopReason(StrEnum):
    """Why a training ended; `Result.reason` says it in a sentence."""

    ALL_EPOCHS = "all_epochs"
    EARLY_STOPPING = "early_stopping"
    CALLBACK = "callback"
    # A search stopped a trial that was not promising, or paused one that it may continue later.
    SEARCH = "search"
    PAUSED = "paused"
    SIGNAL = "signal"
    DIVERGED = "diverged"
    DISK_FULL = "disk_full"
    OUT_OF_MEMORY = "out_of_memory"
    # A process of a training on several machines ended or fell silent.
    WORKER_LOST = "worker_lost"
    ERROR = "error"


class Member(TypedDict):
    """One member of an ensemble, or one fold of a cross-validation."""

    directory: str
    epochs: NotRequired[int]
    validation: Metrics
    test: Metrics


@dataclass(frozen=True, repr=False)
class Result:
    """The outcome of a training.

    Attributes:
        status: `completed`, `interrupted` or `failed`; `running` until the training has ended.
        directory: the run directory.
        reason: why training ended, as a sentence.
        epochs: number of completed epochs.
        steps: number of optimizer updates.
        best_epoch: epoch (from 1) with the best monitored value; None if nothing is monitored.
        train: metrics of the last epoch on the training split.
        validation: metrics of the saved model on the validation split; with folds, the mean over
            them.
        validation_std: with folds, the standard deviation of each of these over them, with n - 1.
        test: metrics of the saved model on the test split; empty unless the run completed.
        seconds: wall-clock time of the fit.
        process: process id of the run, which distinguishes a running from a killed one.
        members: the members of an ensemble and their metrics.
        folds: the folds of a cross-validation and their metrics.
        findings: messages of the callbacks that monitor training.
        signal: name of the signal that interrupted the run.
        log_probability: of the rows of each split under the first RBM of a pretraining, in nats,
            with log Z and its error bounds; empty unless the recipe asks for it.
        stop_reason: why training ended, as a `StopReason`; None while it runs.
        horizon: of a forecast, split -> name -> error at each step of the horizon.
        quality: of the saved model's probabilities on each split: `pr_auc`, `roc_auc`, `brier`,
            `ece`, and scores of its decisions; empty where the outputs are no probabilities.
        threshold: probabilities above which the second of two classes, or each label, is decided
            on, of several outputs by name; None for 0.5, or where nothing is decided so.
    """

    status: Status
    directory: str
    reason: str = ""
    epochs: int = 0
    steps: int = 0
    best_epoch: int | None = None
    train: Metrics = field(default_factory=dict[str, Metric])
    validation: Metrics = field(default_factory=dict[str, Metric])
    test: Metrics = field(default_factory=dict[str, Metric])
    seconds: float = 0.0
    process: int | None = None
    members: list[Member] = field(default_factory=list[Member])
    findings: list[str] = field(default_factory=list[str])
    signal: str | None = None
    log_probability: Metrics = field(default_factory=dict[str, Metric])
    stop_reason: StopReason | None = None
    horizon: dict[str, dict[str, list[Metric]]] = field(
        default_factory=dict[str, dict[str, list[Metric]]]
    )
    quality: dict[str, Metrics] = field(default_factory=dict[str, Metrics])
    threshold: list[float] | dict[str, list[float]] | None = None
    validation_std: Metrics = field(default_factory=dict[str, Metric])
    folds: list[Member] = field(default_factory=list[Member])

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> "Result":
        """A result from the content of `result.json`; keys may be missing, others are ignored.

        Raises:
            ValueError: a value has another type than the one it is written with; names the key.
        """
        try:
            return cls(**vars(_schema().validate_json(json.dumps(dict(values)), strict=True)))
        except ValidationError as error:
            wrong = error.errors()[0]
            key, *inner = map(str, wrong["loc"])
            missing = wrong["type"] == "missing"
            expected = "a value" if missing else wrong["msg"].removeprefix("Input should be ")
            place = f" at `{'.'.join(inner)}`" if inner else ""
            raise ValueError(f"expected {expected} for `{key}`{place}.") from None

    def to_json(self) -> JSONObject:
        """The fields as plain JSON values."""
        return asdict(self)

    def __repr__(self) -> str:
        split = "test" if self.test else "validation"
        measured = self.test or self.validation
        values = ", ".join(f"{name} {value:.4g}" for name, value in list(measured.items())[:4])
        ending = f", {split}: {values}" if values else ""
        return f"Result({self.status}, {self.directory!r}, {self.epochs} epochs{ending})"

    @property
    def history(self) -> dict[str, list[float | None]]:
        """Logged values by name: one per epoch, None where an epoch did not log that name."""
        return history(read_metrics(Path(self.directory)))

    @property
    def exit_status(self) -> int:
        """Exit status of the command line: 0 completed, 1 failed, 130 or 143 interrupted."""
        interrupted = 143 if self.signal == "SIGTERM" else 130
        return {"completed": 0, "interrupted": interrupted}.get(self.status, 1)


@cache
def _schema() -> TypeAdapter[Result]:
    return TypeAdapter(Result)


def duration(seconds: float) -> str:
    """A time as people say it.

    >>> duration(3.14), duration(150), duration(9000), duration(2e5)
    ('3.1 s', '2.5 min', '2.5 h', '2.3 d')
    """
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
