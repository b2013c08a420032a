"""Rates that fall along half a cosine wave."""

from __future__ import annotations

import math

import keras

from ..arguments import check_fraction, check_number, optional
from .arguments import Steps, check_rate, check_steps
from .base import Curve, fraction
from .tensors import Tensor, ops

# Cycles are tabulated up to here; no run has this many steps.
LAST_STEP = 2**40
MOST_CYCLES = 4096


@keras.saving.register_keras_serializable(package="keras_recipes")
class Cosine(Curve):
    """A rate that falls along half a cosine wave to `alpha` of its height, and stays there.

    rate(t) = initial_learning_rate * (alpha + (1 - alpha) * w^exponent),
    w = (1 + cos(pi * min(t, T)^k / T^k)) / 2, T = decay_steps
    (Loshchilov & Hutter 2017, without restarts; k-decay: Zhang & Li 2020)

    With exponent and k of 1 it is the curve of `keras.optimizers.schedules.CosineDecay` without its
    warm-up; put a `Warmup` before it. `exponent` is that of `optax.cosine_decay_schedule`, `k` the
    `k_decay` of timm.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        decay_steps: steps of the fall, >= 1.
        alpha: the lowest rate as a fraction of the first, from 0 to 1.
        exponent: power that the wave is raised to, > 0.
        k: power of the time, > 0; above 1 the rate stays high for longer.

    >>> schedule = Cosine(1.0, decay_steps=100, alpha=0.1)
    >>> [round(float(schedule(step)), 6) for step in (0, 50, 100)]
    [1.0, 0.55, 0.1]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: Steps,
        alpha: float = 0.0,
        exponent: float = 1.0,
        k: float = 1.0,
    ):
        self.initial_learning_rate = check_rate("initial_learning_rate", initial_learning_rate)
        self.decay_steps = check_steps("decay_steps", decay_steps)
        self.alpha = check_fraction("alpha", alpha)
        self.exponent = check_number("exponent", exponent, gt=0)
        self.k = check_number("k", k, gt=0)

    def rate(self, step: Tensor) -> Tensor:
        part = fraction(step, self.decay_steps)
        if self.k != 1:
            part = ops.power(part, self.k)
        height = half_wave(part)
        if self.exponent != 1:
            height = ops.power(height, self.exponent)
        return self.initial_learning_rate * (self.alpha + (1.0 - self.alpha) * height)


@keras.saving.register_keras_serializable(package="keras_recipes")
class CosineRestarts(Curve):
    """A rate that falls along half a cosine wave, again and again (SGDR).

    Cycle i lasts first_decay_steps * t_mul^i steps; within it, with p the part that is over,
    rate(t) = initial_learning_rate * (alpha + (1 - alpha) * m_mul^i * (1 + cos(pi p)) / 2)
    (Loshchilov & Hutter 2017)

    The curve of `keras.optimizers.schedules.CosineDecayRestarts`, and torch's
    `CosineAnnealingWarmRestarts` with m_mul 1. The first step of a cycle is at its height.

    Args:
        initial_learning_rate: rate at step 0, >= 0.
        first_decay_steps: steps of the first cycle, >= 1.
        t_mul: length of a cycle over that of the one before, >= 1.
        m_mul: height of a cycle's wave over that of the one before, > 0 and <= 1.
        alpha: the lowest rate as a fraction of the first, from 0 to 1.
        limit: number of cycles, >= 1, after which the rate stays at its lowest; None for no end.

    >>> schedule = CosineRestarts(1.0, first_decay_steps=10, m_mul=0.5)
    >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 20)]
    [1.0, 0.5, 0.5, 0.25]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: Steps,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        limit: int | None = None,
    ):
        self.initial_learning_rate = check_rate("initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = check_steps("first_decay_steps", first_decay_steps)
        self.t_mul = check_number("t_mul", t_mul, ge=1)
        self.m_mul = check_number("m_mul", m_mul, gt=0, le=1)
        self.alpha = check_fraction("alpha", alpha)
        self.limit = optional(check_steps, "limit", limit)

    def rate(self, step: Tensor) -> Tensor:
        first = self.first_decay_steps
        if self.t_mul == 1.0:
            cycle = step // first
            part = ops.cast(step % first, "float64") / float(first)
        else:
            cycle, part = self._growing(step)
        height = ops.power(self.m_mul, ops.cast(cycle, "float64"))
        wave = half_wave(part)
        if self.limit is not None:
            wave = ops.where(cycle >= self.limit, 0.0, wave)
        return self.initial_learning_rate * (self.alpha + (1.0 - self.alpha) * height * wave)

    def _growing(self, step: Tensor) -> tuple[Tensor, Tensor]:
        """Number of the cycle that a step is in, and the part of it that is over."""
        begins, lengths = self._cycles()
        starts = [math.ceil(begin) for begin in begins]
        # A cycle may begin between two steps: its first step is then a part of a step further on.
        ahead = [start - begin for start, begin in zip(starts, begins, strict=True)]
        starts = ops.convert_to_tensor(starts, "int64")
        flat = ops.reshape(step, (-1,))
        cycle = ops.reshape(ops.searchsorted(starts, flat, side="right"), ops.shape(step)) - 1
        since = ops.cast(step - ops.take(starts, cycle), "float64")
        since = since + ops.take(ops.convert_to_tensor(ahead, "float64"), cycle)
        length = ops.take(ops.convert_to_tensor(lengths, "float64"), cycle)
        return cycle, ops.minimum(since / length, 1.0)

    def _cycles(self) -> tuple[list[float], list[float]]:
        """Begin and length of every cycle, up to steps that no run reaches.

        Cycles grow by a factor, so a few dozen get there.
        """
        begins, lengths, begin, length = [], [], 0.0, float(self.first_decay_steps)
        while begin < LAST_STEP and len(begins) < MOST_CYCLES:
            begins.append(begin)
            lengths.append(length)
            begin, length = begin + length, length * self.t_mul
        return begins, lengths


def half_wave(part: Tensor) -> Tensor:
    """(1 + cos(pi part)) / 2, from 1 at part 0 down to 0 at part 1.

    Written as a square, which is never negative and keeps its digits near 0; and of a sine, which
    is exactly 0 at the end, where cos(pi / 2) is 6e-17 in floating point and its power 0.1 far
    from 0.
    """
    return ops.square(ops.sin(0.5 * math.pi * (1.0 - part)))
