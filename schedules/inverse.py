"""Rates that fall with the inverse of time, or of its square root."""

from __future__ import annotations

import keras

from ..arguments import check_bool, check_number
from .arguments import Steps, check_rate, check_steps
from .base import Curve
from .tensors import Tensor, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class InverseTime(Curve):
    """A rate that falls with the inverse of time.

    rate(t) = initial_learning_rate / (1 + decay_rate * t / decay_steps)

    with the quotient rounded down if `staircase`. The same curve as
    `keras.optimizers.schedules.InverseTimeDecay`.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        decay_steps: steps that make one unit of time, >= 1.
        decay_rate: how fast the rate falls, >= 0.
        staircase: fall in steps rather than smoothly.

    >>> float(InverseTime(1, decay_steps=10, decay_rate=1)(10))
    0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: Steps,
        decay_rate: float,
        staircase: bool = False,
    ):
        self.initial_learning_rate = check_rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = check_steps("decay_steps", decay_steps)
        self.decay_rate = check_number("decay_rate", decay_rate, ge=0)
        self.staircase = check_bool("staircase", staircase)

    def rate(self, step: Tensor) -> Tensor:
        if self.staircase:
            time = ops.cast(step // self.decay_steps, "float64")
        else:
            time = ops.cast(step, "float64") / float(self.decay_steps)
        return self.initial_learning_rate / (1.0 + self.decay_rate * time)


@keras.saving.register_keras_serializable(package="keras_recipes")
class InverseSquareRoot(Curve):
    """A rate that falls with the inverse square root of time.

    rate(t) = initial_learning_rate * sqrt(timescale / (t + timescale))

    transformers' `get_inverse_sqrt_schedule` after its warm-up: there w warm-up steps are followed
    by 1 / sqrt((t + tau - w) / tau), which is `Warmup(w, InverseSquareRoot(rate, tau))`.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        timescale: steps after which the rate is lower by the square root of 2, >= 1.

    >>> float(InverseSquareRoot(1.0, timescale=100)(300))
    0.5
    """

    def __init__(self, initial_learning_rate: float, timescale: Steps = 10_000):
        self.initial_learning_rate = check_rate("initial_learning_rate", initial_learning_rate)
        self.timescale = check_steps("timescale", timescale)

    def rate(self, step: Tensor) -> Tensor:
        time = ops.cast(step + self.timescale, "float64") / float(self.timescale)
        return self.initial_learning_rate * ops.rsqrt(time)


@keras.saving.register_keras_serializable(package="keras_recipes")
class Noam(Curve):
    """The schedule of the first transformer: a linear climb, then the inverse square root.

    rate(t) = scale * d_model^-0.5 * min(n^-0.5, n * warmup_steps^-1.5), n = t + 1
    (Vaswani et al. 2017, equation 3, whose steps count from 1)

    Args:
        d_model: width of the model, >= 1.
        warmup_steps: steps of the climb, >= 1.
        scale: factor, > 0.

    >>> float(Noam(d_model=4, warmup_steps=4)(3))
    0.25
    """

    def __init__(self, d_model: int, warmup_steps: Steps = 4000, scale: float = 1.0):
        self.d_model = check_steps("d_model", d_model)
        self.warmup_steps = check_steps("warmup_steps", warmup_steps)
        self.scale = check_number("scale", scale, gt=0)

    def rate(self, step: Tensor) -> Tensor:
        count = ops.cast(step + 1, "float64")
        climb = count * float(self.warmup_steps) ** -1.5
        return self.scale * float(self.d_model) ** -0.5 * ops.minimum(ops.rsqrt(count), climb)
