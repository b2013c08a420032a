"""Reduces the learning rate when a metric stops improving, with a schedule too."""

from __future__ import annotations

import keras

from ..arguments import check_between, check_bool, check_fraction, check_int, check_number
from ..optimizers import inner_optimizer
from .base import StatefulCallback
from .learning_rate import changing_rate, rate_variable
from .monitored import Mode, check_mode, is_improvement, lower_is_better, monitored_value


class ReduceOnPlateau(StatefulCallback):
    """Reduces the learning rate when a monitored metric has stopped improving.

    Where the optimizer's rate is a number, the number is reduced. Where it is a schedule, the
    schedule must contain a `keras_recipes.schedules.Plateau`, whose factor is reduced: the rate is
    then the schedule's times all reductions. Keras's `ReduceLROnPlateau` raises a TypeError there.

    An epoch improves when its value is better than the best so far by more than `min_delta`, or
    with `relative` by more than that fraction of the best: torch's two threshold modes. After
    `patience` epochs in a row without improvement the rate is multiplied by `factor`, as in Keras;
    torch's patience of 2 is 3 here. NaN and infinity are never an improvement.

    Args:
        monitor: name of the value, as it is logged.
        factor: what the rate is multiplied by, between 0 and 1.
        patience: epochs without improvement after which the rate is cut, >= 0; 0 is the same as 1.
        mode: `min`, `max`, or `auto`: higher is better for accuracies, AUC, precision and the like.
        min_delta: smallest change that counts, >= 0.
        relative: whether `min_delta` is a fraction of the best value.
        cooldown: epochs after a cut that do not count, >= 0.
        min_factor: the least product of all cuts, from 0 to 1.
        min_lr: the lowest rate that a number is cut to, >= 0; for a schedule, give `min_factor`.

    Attributes:
        cuts: epochs, from 0, after which the rate was cut.
        scale: product of all cuts.

    Raises:
        ValueError: a bad argument; when training begins, a schedule without a `Plateau`.

    >>> plateau = ReduceOnPlateau(monitor="val_loss", factor=0.5, patience=3)
    """

    STATE = ("best", "wait", "cooling", "scale", "cuts")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: Mode = "auto",
        min_delta: float = 1e-4,
        relative: bool = False,
        cooldown: int = 0,
        min_factor: float = 0.0,
        min_lr: float = 0.0,
    ):
        super().__init__()
        self.monitor = monitor
        self.factor = check_between("factor", factor, 0, 1)
        self.patience = check_int("patience", patience, ge=0)
        self.mode: Mode = check_mode(mode)
        self.min_delta = check_number("min_delta", min_delta, ge=0)
        self.relative = check_bool("relative", relative)
        self.cooldown = check_int("cooldown", cooldown, ge=0)
        self.min_factor = check_fraction("min_factor", min_factor)
        self.min_lr = check_number("min_lr", min_lr, ge=0)
        self.reset()

    def reset(self) -> None:
        self.best: float | None = None
        self.wait = 0
        self.cooling = 0
        self.scale = 1.0
        self.cuts: list[int] = []

    def on_train_begin(self, logs: dict | None = None) -> None:
        variable = rate_variable(self.model.optimizer, "ReduceOnPlateau")
        if self.min_lr > 0 and self._has_schedule():
            raise ValueError(
                "The rate follows a schedule, to which `min_lr` does not apply. Give `min_factor` "
                "instead."
            )
        if self.resume_or_reset() and self._has_schedule():
            variable.assign(min(float(variable.numpy()), self.scale))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        value = monitored_value(self.monitor, logs, "ReduceOnPlateau")
        if self._improves(value):
            self.best, self.wait = value, 0
        else:
            self.wait += 1
        if self.cooling > 0:
            self.cooling -= 1
            self.wait = 0
        if self.wait >= max(1, self.patience):
            with changing_rate(self.model):
                self._cut(epoch)

    def _improves(self, value: float) -> bool:
        """Whether a value is better than the best by more than the threshold."""
        margin = self.min_delta
        if self.relative and self.best is not None:
            margin *= abs(self.best)
        return is_improvement(
            value, self.best, margin, lower=lower_is_better(self.monitor, self.mode)
        )

    def _cut(self, epoch: int) -> None:
        """Multiply the rate by the factor, down to the minimum."""
        self.wait, self.cooling = 0, self.cooldown
        scale = max(self.scale * self.factor, self.min_factor)
        variable = rate_variable(self.model.optimizer, "ReduceOnPlateau")
        ratio, before = scale / self.scale, float(variable.numpy())
        if self._has_schedule():
            # Relative to the present factor, which another callback may have cut too.
            variable.assign(variable * ratio)
        else:
            variable.assign(max(before * ratio, min(self.min_lr, before)))
        if float(variable.numpy()) < before:
            self.cuts.append(epoch)
        self.scale = scale

    def _has_schedule(self) -> bool:
        rate = inner_optimizer(self.model.optimizer)._learning_rate
        return isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
