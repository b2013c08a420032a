"""What came of a run, as `result.json` and `--json` tell it."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["running", "completed", "interrupted", "failed"]


@dataclass(frozen=True)
class Result:
    """The outcome of a training.

    Attributes:
        status: `completed`, `interrupted` or `failed`; `running` until one of them is known.
        directory: the run directory.
        reason: why training ended, in words.
        epochs: epochs that were finished.
        steps: optimizer updates that were made.
        best_epoch: epoch (from 1) with the best monitored value; None where nothing watches.
        train: metrics of the last epoch on the training split.
        validation: metrics of the saved model on the validation split.
        test: metrics of the saved model on the test split; empty unless the run completed.
        seconds: wall-clock time of the fit.
        process: process id of the run, to tell a running one from a dead one.
        members: of an ensemble, where each member is and what it reached.
        findings: what went wrong, or well, in the words of the callbacks that watch.
        signal: name of the signal that interrupted the run.
        log_probability: of rows of each split under the first machine of a pretraining, in nats,
            with log Z and the ends of its error bar; empty unless the recipe asks for it.
    """

    status: Status
    directory: str
    reason: str = ""
    epochs: int = 0
    steps: int = 0
    best_epoch: int | None = None
    train: dict[str, float] = field(default_factory=dict)
    validation: dict[str, float] = field(default_factory=dict)
    test: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    process: int | None = None
    members: list[dict[str, Any]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    signal: str | None = None
    log_probability: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return asdict(self)

    @property
    def exit_status(self) -> int:
        """Exit status of the command line: 0 completed, 1 failed, 130 or 143 interrupted."""
        interrupted = 143 if self.signal == "SIGTERM" else 130
        return {"completed": 0, "interrupted": interrupted}.get(self.status, 1)
