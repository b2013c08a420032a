"""When the loss explodes, restore the last good state and continue at a lower rate."""

from __future__ import annotations

import math
from typing import TypedDict

import keras
import numpy as np

from ..arguments import check_between, check_bool, check_int, check_number, check_str, optional
from ..messages import logger
from .base import StatefulCallback
from .learning_rate import changing_rate, rate_variable, velocities
from .monitored import monitored_value
from .variables import (
    Variable,
    get_values,
    model_variables,
    not_finite,
    optimizer_variables,
    set_values,
)


class DivergenceError(ArithmeticError):
    """The training diverged at every learning rate that was tried.

    Attributes:
        messages: what happened, one sentence for each rollback.

    >>> DivergenceError(["Epoch 1: the loss is nan."]).messages
    ['Epoch 1: the loss is nan.']
    """

    def __init__(self, messages: list[str]):
        self.messages = list(messages)
        super().__init__(
            "\n".join(
                [
                    *messages,
                    "The weights are those of the last good state. NaN in the data, a loss that is "
                    "not defined everywhere, or initial weights that are too large outlast every "
                    "cut of the rate; a bound on the gradient, `GradientClipping(global_norm=1.0)`,"
                    " or a warm-up helps where it is the rate.",
                ]
            )
        )


class GoodState(TypedDict):
    """Values of all variables but the rate, the rate, and when they were kept."""

    values: list[np.ndarray]
    place: str
    rate: float


class DivergenceGuard(StatefulCallback):
    """Rolls back a training that diverges, cuts the learning rate, and continues.

    A check succeeds when the loss is finite and below its bounds, and every weight is finite. The
    loss of an epoch is a mean of values from before each update, so only the next epoch shows
    whether the state after it was good: the last good state is the one from which the last good
    epoch started. It is kept in memory, as is the one after it: weights, the optimizer's variables,
    and the state of a `TrainingModel`'s step. When a check fails, the good state is restored; the
    learning rate is multiplied by `factor`, and so are steps that the optimizer stores (the
    velocity of SGD); then the next epoch begins. The failed epoch is not repeated, and stays in the
    history. After `max_rollbacks` rollbacks the next one raises `DivergenceError`.

    The rate may be a number, or a schedule with a `keras_recipes.schedules.Plateau` in it, whose
    factor is cut.

    Args:
        monitor: name of the loss, as it is logged; lower is better.
        factor: what the rate is multiplied by, between 0 and 1.
        max_rollbacks: maximum number of rollbacks, >= 0.
        explosion: a value above this multiple of the lowest, > 1, and above the first good one too,
            has exploded; where the lowest is negative, no value has.
        limit: value above which a loss has exploded, or None. The first epoch has no other
            bound.
        every: also check after this number of steps, >= 1. It costs Python work in every step, and
            a copy of all variables at each check; None checks only at the end of each epoch.
        verbose: whether each rollback is logged.

    Attributes:
        rollbacks: number of rollbacks so far.
        messages: what happened, one sentence for each rollback.

    Raises:
        ValueError: a bad argument; when training begins, a schedule without a `Plateau`, or weights
            that are not finite.
        DivergenceError: one rollback too many.

    >>> guard = DivergenceGuard(factor=0.1, max_rollbacks=5)
    """

    STATE = ("first", "lowest", "rate", "rollbacks", "messages", "proven")
    MID_EPOCH_STATE = ("proven", "_latest", "_steps", "_epoch")

    def __init__(
        self,
        monitor: str = "loss",
        factor: float = 0.5,
        max_rollbacks: int = 3,
        explosion: float = 10.0,
        limit: float | None = None,
        every: int | None = None,
        verbose: bool = True,
    ):
        super().__init__()
        self.monitor = check_str("monitor", monitor)
        self.factor = check_between("factor", factor, 0, 1)
        self.max_rollbacks = check_int("max_rollbacks", max_rollbacks, ge=0)
        self.explosion = check_number("explosion", explosion, gt=1)
        self.limit = optional(check_number, "limit", limit)
        self.every = optional(check_int, "every", every, ge=1)
        self.verbose = check_bool("verbose", verbose)
        if self.every is not None:
            # Keras calls Python in every step of a callback that has this method.
            self.on_train_batch_end = self._after_batch
        self.reset()
        self._steps = 0
        self._epoch = 0

    def reset(self) -> None:
        self.first: float | None = None
        self.lowest = math.inf
        self.rate: float | None = None
        self.rollbacks = 0
        self.messages: list[str] = []
        self.proven: GoodState | None = None
        self._latest: GoodState | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        variable = self._rate()
        if self.resume_or_reset() and self.rate is not None:
            # A file of weights does not have the factor of a schedule.
            variable.assign(min(float(variable.numpy()), self.rate))
        bad = not_finite(model_variables(self.model))
        if bad:
            raise ValueError(f"Before training, {', '.join(bad)} holds NaN or infinity already.")
        self._steps = 0
        self._keep("before training")

    def on_train_end(self, logs: dict | None = None) -> None:
        self.proven = self._latest = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch, self._steps = epoch, 0

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._check(monitored_value(self.monitor, logs, "DivergenceGuard"), f"epoch {epoch + 1}")

    def _after_batch(self, batch: int, logs: dict | None = None) -> None:
        """Check when the number of steps has passed a multiple of `every`."""
        before, self._steps = self._steps, batch + 1
        if self.every is not None and before // self.every < self._steps // self.every:
            place = f"step {self._steps} of epoch {self._epoch + 1}"
            if not self._check(monitored_value(self.monitor, logs, "DivergenceGuard"), place):
                # The mean of the epoch would be NaN for the rest of it.
                self.model.reset_metrics()

    def _check(self, value: float, place: str) -> bool:
        """Keep a good state, or roll back to the last one."""
        problem = self._problem(value)
        if problem is None:
            self.first = value if self.first is None else self.first
            self.lowest = min(self.lowest, value)
            self._keep(f"after {place} ({self.monitor} {value:.6g})")
            return True
        with changing_rate(self.model):
            self._roll_back(f"In {place} {problem}")
        return False

    def _problem(self, value: float) -> str | None:
        """What is wrong with a state."""
        if not math.isfinite(value):
            return f"{self.monitor} became {value}"
        if self.limit is not None and value > self.limit:
            return f"{self.monitor} rose to {value:.6g}, above the limit of {self.limit:g}"
        if self.first is not None and value > max(self.first, self._bound()):
            return (
                f"{self.monitor} rose to {value:.6g}, from {self.first:.6g} at first and "
                f"{self.lowest:.6g} at its lowest"
            )
        bad = not_finite(model_variables(self.model))
        return f"{', '.join(bad)} became NaN or infinite" if bad else None

    def _bound(self) -> float:
        return self.explosion * self.lowest if self.lowest >= 0 else math.inf

    def _rate(self) -> keras.Variable:
        return rate_variable(self.model.optimizer, "DivergenceGuard")

    def _variables(self) -> list[Variable]:
        # Not the rate: it may have been reduced since the state was good.
        return [*model_variables(self.model), *optimizer_variables(self.model, rate=False)]

    def _keep(self, place: str) -> None:
        """Keep this state; the check shows that the one kept before was good."""
        self.proven = self._latest or self.proven
        self._latest = {
            "values": get_values(self._variables()),
            "place": place,
            "rate": float(self._rate().numpy()),
        }
        self.proven = self.proven or self._latest

    def _roll_back(self, problem: str) -> None:
        good = self._latest = self.proven
        assert good is not None  # `on_train_begin` has kept one
        set_values(self._variables(), good["values"])
        rate = self._rate()
        before = float(rate.numpy())
        sentence = f"{problem}; back to the state {good['place']}"
        if self.rollbacks >= self.max_rollbacks:
            self.messages.append(f"{sentence}, and no more attempts: there were {self.rollbacks}.")
            raise DivergenceError(self.messages)
        self.rollbacks += 1
        self.rate = before * self.factor
        rate.assign(self.rate)
        for velocity in velocities(self.model.optimizer):
            velocity.assign(velocity * (self.rate / good["rate"]))
        name = "rate" if "rate" in rate.name else "factor of the rate"
        self.messages.append(f"{sentence}, {name} {before:.3g} -> {self.rate:.3g}.")
        if self.verbose:
            logger.warning(f"DivergenceGuard: {self.messages[-1]}")
