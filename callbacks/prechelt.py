"""Prechelt's three criteria for stopping early, as arithmetic on errors.

Lutz Prechelt, Early stopping - but when?, in Neural Networks: Tricks of the Trade, 1998.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from ..arguments import check_int, check_number, check_str, invalid, optional
from .monitored import MonitoredMetric, NamedState


def generalization_loss(error: float, lowest: float) -> float:
    """GL(t) = 100 (E_va(t) / E_opt(t) - 1): percent above the lowest validation error so far.

    With a lowest error of 0 any other error is infinitely far above it.

    >>> generalization_loss(1.5, lowest=1.25)
    20.0
    """
    if lowest == 0:
        return 0.0 if error == 0 else math.inf
    # One division: 100 (e / o - 1) would lose the last digits of a small difference.
    return 100 * (error - lowest) / lowest


def training_progress(errors: Sequence[float]) -> float:
    """P_k(t) = 1000 (sum of E_tr / (k min of E_tr) - 1) over a strip of k epochs.

    How much higher the mean training error of the strip is than its lowest, per mille: 0 where the
    error stands still. Errors that are all 0 stand still; a strip that has reached 0 from above
    has come infinitely far.

    >>> training_progress([4.0, 3.0, 2.0])
    500.0
    """
    lowest, mean = min(errors), math.fsum(errors) / len(errors)
    if lowest == 0:
        return 0.0 if mean == 0 else math.inf
    return 1000 * (mean - lowest) / lowest


def progress_quotient(loss: float, progress: float) -> float:
    """PQ = GL(t) / P_k(t); no loss is no reason to stop, whatever the progress.

    >>> progress_quotient(20.0, 500.0), progress_quotient(1.0, 0.0), progress_quotient(0.0, 0.0)
    (0.04, inf, 0.0)
    """
    if loss == 0 or progress == math.inf:
        return 0.0
    return math.inf if progress == 0 else loss / progress


@keras.saving.register_keras_serializable(package="keras_recipes")
class Prechelt(NamedState):
    """Prechelt's criteria for early stopping, for `EarlyStopping(prechelt=...)`.

    - GL: stop after the first epoch with GL(t) > `gl`.
    - PQ: stop at the first end of a strip with GL(t) / P_k(t) > `pq`.
    - UP: stop when the validation error rose in `up` successive strips, each compared at its end
      with the end of the one before.

    A strip is `strip` epochs long and ends where that divides the number of epochs. An error that
    is NaN or infinite is ignored: it is neither the lowest nor a rise, and a strip with such a
    training error has no quotient.

    Args:
        gl: percent, > 0, or None to leave this criterion out.
        pq: > 0, or None to leave it out.
        up: strips, >= 1, or None to leave it out.
        strip: length of a strip in epochs, >= 1.
        training_monitor: name of the training error in the logs; `pq` needs it.

    Raises:
        ValueError: an invalid argument, or no criterion; in training, a negative error.

    >>> rule = Prechelt(gl=5.0)
    >>> [rule.update(epoch, error, None) for epoch, error in enumerate([1.0, 1.04])]
    [None, None]
    >>> rule.update(2, 1.06, None)
    'the generalization loss GL is 6.00 > 5: 1.06 against the lowest, 1'
    """

    STATE = ("lowest", "training", "previous", "rises")

    def __init__(
        self,
        gl: float | None = None,
        pq: float | None = None,
        up: int | None = None,
        strip: int = 5,
        training_monitor: str = "loss",
    ):
        self.gl = optional(check_number, "gl", gl, gt=0)
        self.pq = optional(check_number, "pq", pq, gt=0)
        self.up = optional(check_int, "up", up, ge=1)
        self.strip = check_int("strip", strip, ge=1)
        self.training_monitor = check_str("training_monitor", training_monitor)
        if self.gl is None and self.pq is None and self.up is None:
            raise ValueError("`Prechelt` needs at least one of the arguments `gl`, `pq` and `up`.")
        self.reset()

    @classmethod
    def of(cls, value: object) -> Prechelt | None:
        """A copy of an object, or an object from its arguments by name, as a recipe has them."""
        if value is None:
            return None
        if not isinstance(value, (Prechelt, Mapping)):
            raise invalid("prechelt", "a `Prechelt`, its arguments by name, or None", value)
        config = value.get_config() if isinstance(value, Prechelt) else dict(value)
        unknown = sorted(set(config) - set(inspect.signature(cls).parameters))
        if unknown:
            raise ValueError(f"`Prechelt` has no argument `{unknown[0]}`.")
        return cls(**config)

    def get_config(self) -> dict[str, Any]:
        """Every constructor argument."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Prechelt:
        """The object that `get_config` described."""
        return cls(**config)

    def check(self, metric: MonitoredMetric, validation_freq: int) -> None:
        """Refuse a metric that is no error, and strips that do not end with a validation.

        Raises:
            ValueError: what is wrong.
        """
        if not metric.lower:
            raise ValueError(
                "Argument `prechelt` has criteria for an error, of which lower values are better. "
                f"Received: monitor={metric.name!r}, of which higher values are better"
            )
        if (self.pq or self.up) and self.strip % validation_freq:
            raise ValueError(
                "Argument `strip` must be a multiple of `validation_freq`, because a strip ends "
                f"with a validation. Received: strip={self.strip}, "
                f"validation_freq={validation_freq}"
            )

    def reset(self) -> None:
        """Set the state to its initial values."""
        self.lowest: float | None = None
        self.training: list[float] = []
        self.previous: float | None = None
        self.rises = 0

    def update(self, epoch: int, validation: float | None, training: float | None) -> str | None:
        """Add the errors of an epoch, counted from 0; return the reason to stop, or None.

        Args:
            epoch: its number.
            validation: None in an epoch without validation.
            training: None where `pq` is not used.
        """
        if training is not None:
            self.training.append(training)
        at_end = (epoch + 1) % self.strip == 0
        reason = None
        if validation is not None and math.isfinite(validation):
            reason = self._reason(validation, at_end)
        if at_end:
            self.training = []
        return reason

    def _reason(self, error: float, at_end: bool) -> str | None:
        """The reason to stop at this validation error."""
        if error < 0:
            raise ValueError(
                f"Prechelt's criteria compare ratios of errors, which must be >= 0. Received: "
                f"{error}. Use `patience` for a loss that may be negative."
            )
        self.lowest = error if self.lowest is None else min(self.lowest, error)
        loss = generalization_loss(error, self.lowest)
        # Every rule must be updated with the epoch, whichever of them stops.
        rose = self._risen(error) if at_end else None
        if self.gl is not None and loss > self.gl:
            return (
                f"the generalization loss GL is {loss:.2f} > {self.gl:g}: {error:.6g} against "
                f"the lowest, {self.lowest:.6g}"
            )
        return (self._quotient(loss) if at_end else None) or rose

    def _quotient(self, loss: float) -> str | None:
        full = len(self.training) == self.strip and all(map(math.isfinite, self.training))
        if self.pq is None or not full:
            return None
        progress = training_progress(self.training)
        quotient = progress_quotient(loss, progress)
        if not quotient > self.pq:
            return None
        return (
            f"the quotient PQ is {quotient:.3g} > {self.pq:g}: generalization loss {loss:.2f}, "
            f"training progress {progress:.3g} in the last {self.strip} epochs"
        )

    def _risen(self, error: float) -> str | None:
        rose = self.previous is not None and error > self.previous
        self.rises = self.rises + 1 if rose else 0
        self.previous = error
        if self.up is None or self.rises < self.up:
            return None
        return (
            f"the validation error rose in {self.rises} successive strips of {self.strip} epochs, "
            f"to {error:.6g} (UP)"
        )
