"""Calls a fit underfitting, overfitting, diverged or healthy, from its losses."""

from __future__ import annotations

import math

import keras

from ..arguments import check_fraction, check_number, check_str, optional
from .curves import ConstantPredictor, Thresholds, chance_level, diagnose
from .findings import Diagnosis, Finding
from .monitored import monitored_value


class FitDiagnosis(Diagnosis):
    """Calls a fit underfitting, constant, overfitting since an epoch, diverged, or healthy.

    Diverged: the training loss is NaN or infinite, or above `explosion` times its lowest and above
    that of the first epoch. Overfitting: the validation loss is above its lowest by more than
    `rise` times that (and 2 % of the baseline) while the training loss has not risen since; or it
    is above the training loss by more than `gap` times the baseline. Constant: no better than
    predicting the same for every row, if `constant` is given. Underfitting: the training loss has
    not fallen by `learned` times the baseline. Healthy: none of these. The final loss is the median
    of the last three epochs, of fewer in a run of less than nine.

    The baseline is the loss of a network that has learned nothing: for a cross-entropy ln(classes),
    or ln 2. For other losses it is the first epoch's training loss, which is too strict where a
    network learns within one epoch: for a squared error give the variance of the targets.

    Args:
        monitor: name of the training loss; the validation loss has `val_` before it.
        baseline: loss of a network that has learned nothing, > 0, or None.
        learned: fraction of the baseline by which the training loss must fall, from 0 to 1.
        gap: fraction of the baseline by which validation may be above training, > 0.
        rise: fraction of its lowest by which the validation loss may be above it, > 0.
        explosion: > 1.
        path: file for a line of JSON with every verdict, or None.
        verbose: whether a verdict is logged, once: overfitting and divergence immediately, any
            other when training ends.

    Attributes:
        constant: a `keras_recipes.callbacks.curves.ConstantPredictor`, loss and accuracy of
            predicting the same for every row, or None. A recipe sets it from the training targets.
        verdict: the last verdict, a `Finding` with `kind`, `epoch`, `value` and `message`, or None.

    Raises:
        ValueError: a bad argument; at the first epoch's end, a monitor that is not logged.

    >>> diagnosis = FitDiagnosis(baseline=2.3)
    """

    STATE = ("findings", "training", "validation", "accuracy")

    def __init__(
        self,
        monitor: str = "loss",
        baseline: float | None = None,
        learned: float = 0.5,
        gap: float = 0.25,
        rise: float = 0.1,
        explosion: float = 10.0,
        *,
        path: str | None = None,
        verbose: bool = True,
    ):
        super().__init__(path, verbose)
        self.monitor = check_str("monitor", monitor)
        self.baseline = optional(check_number, "baseline", baseline, gt=0)
        self.thresholds = Thresholds(
            learned=check_fraction("learned", learned),
            gap=check_number("gap", gap, gt=0),
            rise=check_number("rise", rise, gt=0),
            explosion=check_number("explosion", explosion, gt=1),
        )
        self.constant: ConstantPredictor | None = None
        self.reset()

    def reset(self) -> None:
        super().reset()
        self.training: list[float] = []
        self.validation: list[float] = []
        self.accuracy: list[float] = []

    @property
    def verdict(self) -> Finding | None:
        """The last verdict."""
        return self.findings[-1] if self.findings else None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.training.append(monitored_value(self.monitor, logs, "FitDiagnosis"))
        self.validation.append(float((logs or {}).get(f"val_{self.monitor}", math.nan)))
        accuracy = (logs or {}).get("val_accuracy", (logs or {}).get("accuracy", math.nan))
        self.accuracy.append(float(accuracy))
        verdict = self.diagnose()
        if verdict.kind in ("diverged", "overfitting") and verdict.kind not in self.kinds():
            self.report([verdict], {"epoch": epoch + 1})

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.training:
            self.report([self.diagnose()], {"epoch": len(self.training)})
        super().on_train_end(logs)

    def diagnose(self) -> Finding:
        """The verdict on the epochs so far."""
        return diagnose(
            self.training,
            self.validation,
            self._baseline(),
            self.thresholds,
            constant=self.constant,
            accuracy=self.accuracy,
        )

    def _baseline(self) -> float:
        """The loss of a network that has learned nothing."""
        if self.baseline is not None:
            return self.baseline
        if self.constant is not None and self.constant.loss and self.monitor == "loss":
            return self.constant.loss
        model = self.model
        loss = getattr(model, "loss", None)
        name = loss if isinstance(loss, str) else type(loss).__name__
        level = chance_level(name, _classes(model)) if self.monitor == "loss" else None
        first = next((abs(value) for value in self.training if math.isfinite(value)), 1.0)
        return level or first or 1.0


def _classes(model: keras.Model) -> int:
    """Width of the network's output; 0 where that is not known."""
    shape = getattr(model, "output_shape", None) if getattr(model, "inputs", None) else None
    return int(shape[-1] or 0) if isinstance(shape, tuple) and shape else 0
