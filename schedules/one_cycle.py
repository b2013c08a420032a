"""One climb and one fall over the whole run, and momentum the other way round."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import keras

from ..arguments import check_bool, check_choice, check_fraction, check_number
from .arguments import Steps, check_rate, check_steps
from .base import Curve
from .tensors import Tensor, ops

ANNEALING = ("cos", "linear")
# The end of a phase as a step, and the value there.
Corner = tuple[float, float]


@keras.saving.register_keras_serializable(package="keras_recipes")
class OneCycle(Curve):
    """One cycle: up from a low rate to the highest, then down to almost nothing.

    The rate goes from max / div_factor at step 0 to max at step pct_start * total_steps - 1, and
    from there to max / (div_factor * final_div_factor) at step total_steps - 1, along half cosine
    waves or straight lines. With `three_phase` it comes down the way it went up, to
    max / div_factor at step 2 * pct_start * total_steps - 2, before the last phase. Steps and
    arguments as in torch's `OneCycleLR` (Smith & Topin 2018); optax peaks one step later.

    Args:
        max_learning_rate: the highest rate, >= 0.
        total_steps: steps of the run, >= 2.
        pct_start: part of the run that the climb takes, between 0 and 1.
        div_factor: highest rate over the first, > 0.
        final_div_factor: first rate over the last, > 0.
        anneal_strategy: `cos` or `linear`.
        three_phase: come down the way it went up before the last phase.

    >>> schedule = OneCycle(1.0, total_steps=10, pct_start=0.5, div_factor=10)
    >>> [round(float(schedule(step)), 3) for step in (0, 4, 9)]
    [0.1, 1.0, 0.0]
    """

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: Steps,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        three_phase: bool = False,
    ):
        self.max_learning_rate = check_rate("max_learning_rate", max_learning_rate)
        self.total_steps = check_steps("total_steps", total_steps, ge=2)
        self.pct_start = check_peak("pct_start", pct_start, self.total_steps)
        self.div_factor = check_number("div_factor", div_factor, gt=0)
        self.final_div_factor = check_number("final_div_factor", final_div_factor, gt=0)
        self.anneal_strategy = check_choice("anneal_strategy", anneal_strategy, ANNEALING)
        self.three_phase = check_bool("three_phase", three_phase)

    def phases(self) -> list[tuple[int, str]]:
        """The peak, and the last fall of a cycle of three."""
        ends = phases(self.total_steps, self.pct_start, self.three_phase)
        names = ["peak", "annihilation"] if self.three_phase else ["peak"]
        return [(round(end), name) for end, name in zip(ends, names, strict=False)]

    def rate(self, step: Tensor) -> Tensor:
        high = self.max_learning_rate
        low = high / self.div_factor
        ends = phases(self.total_steps, self.pct_start, self.three_phase)
        middle = [high, low] if self.three_phase else [high]
        values = [low, *middle, low / self.final_div_factor]
        return through(step, list(zip([0.0, *ends], values, strict=True)), self.anneal_strategy)


@keras.saving.register_keras_serializable(package="keras_recipes")
class OneCycleMomentum(Curve):
    """Momentum for a `OneCycle`: low while the rate is high.

    The value goes from max_momentum down to base_momentum while the rate climbs and back while it
    falls, with the same corners; torch's `cycle_momentum`.

    Args:
        total_steps: steps of the run, >= 2.
        base_momentum: the lowest momentum, from 0 to 1.
        max_momentum: the highest, from `base_momentum` to 1.
        pct_start: part of the run that the rate's climb takes, between 0 and 1.
        anneal_strategy: `cos` or `linear`.
        three_phase: as the `OneCycle` has it.

    >>> schedule = OneCycleMomentum(total_steps=10, pct_start=0.5)
    >>> [round(float(schedule(step)), 2) for step in (0, 4, 9)]
    [0.95, 0.85, 0.95]
    """

    def __init__(
        self,
        total_steps: Steps,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        three_phase: bool = False,
    ):
        self.total_steps = check_steps("total_steps", total_steps, ge=2)
        self.base_momentum = check_fraction("base_momentum", base_momentum)
        self.max_momentum = check_number("max_momentum", max_momentum, ge=self.base_momentum, le=1)
        self.pct_start = check_peak("pct_start", pct_start, self.total_steps)
        self.anneal_strategy = check_choice("anneal_strategy", anneal_strategy, ANNEALING)
        self.three_phase = check_bool("three_phase", three_phase)

    def rate(self, step: Tensor) -> Tensor:
        ends = phases(self.total_steps, self.pct_start, self.three_phase)
        high, low = self.max_momentum, self.base_momentum
        values = [high, low, high, high] if self.three_phase else [high, low, high]
        return through(step, list(zip([0.0, *ends], values, strict=True)), self.anneal_strategy)


def check_peak(name: str, value: object, total: int) -> float:
    """A part of the run that leaves at least a step before the peak and one after it."""
    found = check_number(name, value, gt=0, le=1)
    if not 0 < found * total - 1 < total - 1:
        raise ValueError(
            f"Argument `{name}` must put the peak inside the run of {total} steps: between "
            f"{1 / total:.4g} and 1. Received: {name}={value}"
        )
    return found


def phases(total: int, part: float, three: bool) -> list[float]:
    """Last step of each phase, as torch counts them; fractions of a step are kept."""
    peak = float(part * total) - 1
    if not three:
        return [peak, total - 1.0]
    return [peak, 2 * float(part * total) - 2, total - 1.0]


def through(step: Tensor, corners: Sequence[Corner], annealing: str) -> Tensor:
    """The value at a step on the way through corners, constant after the last."""
    time = ops.cast(step, "float64")
    value = ops.full_like(time, corners[0][1])
    for index in range(1, len(corners)):
        (start, first), (end, last) = corners[index - 1], corners[index]
        length = max(end - start, 1e-6)
        part = ops.clip((time - start) / length, 0.0, 1.0)
        if annealing == "cos":
            part = 0.5 * (1.0 - ops.cos(math.pi * part))
        here = first * (1.0 - part) + last * part
        value = here if index == 1 else ops.where(time > start, here, value)
    return value
