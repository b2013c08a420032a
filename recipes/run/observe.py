"""The callbacks that every run has, and what they tell of how it ended."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras

from ...callbacks import (
    ActivationMonitor,
    BestCheckpoint,
    DivergenceGuard,
    EarlyStopping,
    FitDiagnosis,
    GradientMonitor,
    MetricsLog,
    ProgressBar,
    StatefulCallback,
    TensorBoardLog,
)
from ..data.order import EpochOrder
from ..record import directory as files
from ..record.directory import RunDirectory
from .interrupt import StopOnSignal

# Saving takes a tenth of a second: nothing for a long training, most of a short one.
CHECKPOINT_SECONDS = 10.0

if TYPE_CHECKING:
    from ..build.experiment import Experiment


class StopWhenDiverged(StatefulCallback):
    """End a training whose loss is no number any more: no later epoch can mend it."""

    STATE = ("reason",)

    def __init__(self):
        super().__init__()
        self.reason: str | None = None
        # Callbacks that roll such a training back, and end it themselves when that does not help.
        self.guarded = False

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if math.isfinite(loss) or self.model is None or self.guarded:
            return
        self.reason = (
            f"The training loss became {loss} in epoch {epoch + 1}. A lower learning rate, a "
            "warm-up or `gradient_clipping: {global_norm: 1.0}` is the usual mend."
        )
        self.model.stop_training = True


@dataclass(frozen=True)
class Watch:
    """The two callbacks that may end a run against the recipe's wish."""

    signal: StopOnSignal = field(default_factory=StopOnSignal)
    divergence: StopWhenDiverged = field(default_factory=StopWhenDiverged)


def observers(
    built: "Experiment", directory: RunDirectory, watch: Watch, progress: bool
) -> list[keras.callbacks.Callback]:
    """Order of each epoch, best checkpoint, logs, diagnoses, progress bar and the watch."""
    found: list[keras.callbacks.Callback] = [EpochOrder(built.training.epoch)]
    watch.divergence.guarded = _has(built, DivergenceGuard)
    if built.validation is not None and not _has(built, BestCheckpoint):
        path = directory / files.CHECKPOINTS / "best.keras"
        found.append(BestCheckpoint(str(path), monitor="val_loss", seconds=CHECKPOINT_SECONDS))
    found.append(MetricsLog(str(directory / files.METRICS)))
    if not _has(built, TensorBoardLog) and not _has(built, keras.callbacks.TensorBoard):
        found.append(TensorBoardLog(str(directory / files.TENSORBOARD)))
    if not _has(built, GradientMonitor):
        path = str(directory / files.GRADIENTS)
        found.append(GradientMonitor(path=path, verbose=progress))
    if not _has(built, FitDiagnosis):
        found.append(FitDiagnosis(baseline=built.baseline, verbose=progress))
    for callback in (*built.callbacks, *found):
        if isinstance(callback, FitDiagnosis):
            callback.constant = built.constant
    if progress:
        found.append(ProgressBar())
    return [*found, watch.divergence]


def outcome(history: keras.callbacks.History, built: "Experiment", watch: Watch) -> dict[str, Any]:
    """Status, reason, epochs, best epoch and last training metrics of a fit that has returned."""
    epochs = len(history.epoch)
    status, reason = "completed", f"all {built.epochs} epochs were trained"
    early = _first(built, EarlyStopping)
    if watch.signal.received is not None:
        status, reason = "interrupted", f"{watch.signal.received.name} came after {epochs} epochs"
    elif watch.divergence.reason is not None:
        status, reason = "failed", watch.divergence.reason
    elif early is not None and early.stop_reason:
        reason = early.stop_reason
    elif epochs < built.epochs:
        reason = f"a callback stopped the training after epoch {epochs}"
    last = {name: float(values[-1]) for name, values in history.history.items() if values}
    return {
        "status": status,
        "reason": reason,
        "epochs": epochs,
        "best_epoch": best_epoch(history, early),
        "train": {name: value for name, value in last.items() if not name.startswith("val_")},
        "signal": getattr(watch.signal.received, "name", None),
    }


def best_epoch(history: keras.callbacks.History, early: EarlyStopping | None) -> int | None:
    """Epoch, from 1, of the weights that were kept, or of the lowest validation loss."""
    if early is not None and early.best_epoch is not None:
        return int(early.best_epoch) + 1
    losses = [
        (value, epoch)
        for epoch, value in zip(history.epoch, history.history.get("val_loss", []), strict=False)
        if math.isfinite(value)
    ]
    return min(losses)[1] + 1 if losses else None


def findings(callbacks: Iterable[keras.callbacks.Callback]) -> list[str]:
    """What the callbacks found, the last of each kind in each layer, in words."""
    found: dict[tuple, str] = {}
    for callback in callbacks:
        seen = getattr(callback, "findings", [])
        if isinstance(callback, FitDiagnosis):
            # Its verdicts follow one another, and the last one holds.
            seen = seen[-1:]
        for finding in seen:
            key = (type(callback), finding.kind, finding.layer)
            found.pop(key, None)
            found[key] = str(finding)
        for sentence in getattr(callback, "messages", []):
            found[type(callback), sentence] = sentence
    return list(found.values())


def give_rows(callbacks: Iterable[keras.callbacks.Callback], x: Any) -> None:
    """Give rows of the training split to the callbacks that look at activations."""
    for callback in callbacks:
        if isinstance(callback, ActivationMonitor) and callback.data is None:
            callback.data = x


def _first(built: "Experiment", cls: type) -> Any:
    return next((callback for callback in built.callbacks if isinstance(callback, cls)), None)


def _has(built: "Experiment", cls: type) -> bool:
    return _first(built, cls) is not None
