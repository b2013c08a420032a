"""Rates that go up and down again and again."""

from __future__ import annotations

from typing import Literal

import keras

from ..arguments import check_choice, check_number, optional
from .arguments import Steps, check_rate, check_steps
from .base import Curve
from .tensors import Tensor, ops

MODES = ("triangular", "triangular2", "exp_range")


@keras.saving.register_keras_serializable(package="keras_recipes")
class Cyclic(Curve):
    """A rate that climbs and falls between two bounds, in cycles.

    Within a cycle of S = step_size_up + step_size_down steps the height h rises in a straight line
    from 0 to 1 over step_size_up and falls to 0 over step_size_down, and
    rate(t) = base + (max - base) * h * scale, where with c = floor(t / S):

    - `triangular`: scale = 1
    - `triangular2`: scale = 2^-c: each cycle is half as high as the one before
    - `exp_range`: scale = gamma^t

    (Smith 2017; torch's `CyclicLR`)

    Args:
        base_learning_rate: the lower bound, >= 0.
        max_learning_rate: the upper bound of the first cycle, >= `base_learning_rate`.
        step_size_up: steps of the climb, >= 1.
        step_size_down: steps of the fall, >= 1; None for as many.
        mode: `triangular`, `triangular2` or `exp_range`.
        gamma: factor a step of `exp_range`, > 0 and <= 1.

    >>> schedule = Cyclic(0.0, 1.0, step_size_up=4, mode="triangular2")
    >>> [float(schedule(step)) for step in (0, 2, 4, 8, 12)]
    [0.0, 0.5, 1.0, 0.0, 0.5]
    """

    def __init__(
        self,
        base_learning_rate: float,
        max_learning_rate: float,
        step_size_up: Steps = 2000,
        step_size_down: Steps | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
    ):
        self.base_learning_rate = check_rate("base_learning_rate", base_learning_rate)
        self.max_learning_rate = check_number(
            "max_learning_rate", max_learning_rate, ge=self.base_learning_rate
        )
        self.step_size_up = check_steps("step_size_up", step_size_up)
        self.step_size_down = optional(check_steps, "step_size_down", step_size_down)
        self.mode = check_choice("mode", mode, MODES)
        self.gamma = check_number("gamma", gamma, gt=0, le=1)

    def rate(self, step: Tensor) -> Tensor:
        up = self.step_size_up
        down = up if self.step_size_down is None else self.step_size_down
        inside = step % (up + down)
        climb = ops.cast(inside, "float64") / float(up)
        fall = ops.cast(up + down - inside, "float64") / float(down)
        height = ops.where(inside <= up, climb, fall) * self._scale(step, step // (up + down))
        span = self.max_learning_rate - self.base_learning_rate
        return self.base_learning_rate + span * height

    def _scale(self, step: Tensor, cycle: Tensor) -> Tensor | float:
        if self.mode == "triangular2":
            return ops.power(2.0, -ops.cast(cycle, "float64"))
        if self.mode == "exp_range":
            return ops.power(self.gamma, ops.cast(step, "float64"))
        return 1.0
