"""What came of a run, as `result.json` and `--json` tell it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    import keras

    from ..run.predictions import Predictions
    from ..run.reload import OnError

Status = Literal["running", "completed", "interrupted", "failed"]


@dataclass(frozen=True, repr=False)
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
        stopped_by_search: whether a sweep ended the training early, as worse than others.
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
    stopped_by_search: bool = False

    def to_json(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return asdict(self)

    def __repr__(self) -> str:
        measured = self.test or self.validation
        split = "test" if self.test else "validation"
        values = ", ".join(f"{name} {value:.4g}" for name, value in list(measured.items())[:4])
        told = f", {split}: {values}" if values else ""
        return f"Result({self.status}, {self.directory!r}, {self.epochs} epochs{told})"

    @cached_property
    def model(self) -> "keras.Model":
        """The trained network, not compiled; it takes raw rows. Loaded at the first use."""
        from ..run.reload import model_of
        from .directory import opened

        return model_of(opened(self.directory))

    @property
    def history(self) -> dict[str, list[Any]]:
        """What was logged, by name: a value for each epoch, None where it was not logged."""
        from .directory import METRICS

        path = Path(self.directory) / METRICS
        if not path.is_file():
            return {}
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        names = dict.fromkeys(name for line in lines for name in line)
        return {name: [line.get(name) for line in lines] for name in names}

    def predict(self, rows: Any, *, on_error: "OnError" = "refuse") -> "Predictions":
        """Predictions for raw rows; see `keras_recipes.predict`."""
        from ..run.reload import predict

        return predict(self.directory, rows, on_error=on_error)

    @property
    def exit_status(self) -> int:
        """Exit status of the command line: 0 completed, 1 failed, 130 or 143 interrupted."""
        interrupted = 143 if self.signal == "SIGTERM" else 130
        return {"completed": 0, "interrupted": interrupted}.get(self.status, 1)


def check_types(values: Mapping[str, Any]) -> None:
    """Each value of a result that was read from a file must have the type it is written with.

    A key may be missing: an earlier version did not write all of them.

    Raises:
        ValueError: a value of another type, with its key.
    """
    for key, (good, expected) in TYPES.items():
        if key in values and not good(values[key]):
            raise ValueError(f"expected {expected} for `{key}`.")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_metrics(value: Any) -> bool:
    """Numbers by name; one that was no number is null in JSON."""
    return isinstance(value, dict) and all(x is None or _is_number(x) for x in value.values())


def _are_members(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(row, dict)
        and _is_text(row.get("directory"))
        and all(_are_metrics(row.get(split, {})) for split in ("validation", "test"))
        for row in value
    )


TYPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "status": (lambda value: value in get_args(Status), f"one of {', '.join(get_args(Status))}"),
    "directory": (_is_text, "a text"),
    "reason": (_is_text, "a text"),
    "epochs": (_is_count, "a whole number"),
    "steps": (_is_count, "a whole number"),
    "best_epoch": (lambda value: value is None or _is_count(value), "a whole number or null"),
    "train": (_are_metrics, "numbers by name"),
    "validation": (_are_metrics, "numbers by name"),
    "test": (_are_metrics, "numbers by name"),
    "seconds": (_is_number, "a number"),
    "process": (lambda value: value is None or _is_count(value), "a whole number or null"),
    "members": (_are_members, "a list of members"),
    "findings": (
        lambda value: isinstance(value, list) and all(map(_is_text, value)),
        "a list of texts",
    ),
    "signal": (lambda value: value is None or _is_text(value), "a text or null"),
    "log_probability": (_are_metrics, "numbers by name"),
    "stopped_by_search": (lambda value: isinstance(value, bool), "true or false"),
}
