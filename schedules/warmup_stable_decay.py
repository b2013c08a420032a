"""A climb, a plateau and a fall."""

from __future__ import annotations

import math
from typing import Literal

import keras

from ..arguments import check_choice, check_fraction
from .arguments import Steps, check_rate, check_steps
from .base import Curve, fraction
from .tensors import Tensor, ops

WARMUPS = ("linear", "cosine", "1-sqrt")
DECAYS = ("linear", "cosine", "1-sqrt")


@keras.saving.register_keras_serializable(package="keras_recipes")
class WarmupStableDecay(Curve):
    """A climb to the rate, a stretch at it, and a fall to its lowest.

    rate(t) = learning_rate * (f * (1 - min_ratio) + min_ratio), where with p the part of the phase
    that is over, f is in the climb p, (1 - cos(pi p)) / 2 or 1 - sqrt(1 - p), then 1, and in the
    fall 1 - p, (1 + cos(pi p)) / 2 or 1 - sqrt(p); min_ratio afterwards
    (Hu et al. 2024; transformers' `get_wsd_schedule`)

    Args:
        learning_rate: the rate in the middle, >= 0.
        warmup_steps: steps of the warm-up, >= 0.
        stable_steps: steps at the rate, >= 0.
        decay_steps: steps of the fall, >= 1.
        warmup_type: `linear`, `cosine` or `1-sqrt`.
        decay_type: `linear`, `cosine` or `1-sqrt`.
        min_ratio: lowest rate as a fraction of the highest, from 0 to 1.

    >>> schedule = WarmupStableDecay(1.0, 10, 10, 10, decay_type="linear")
    >>> [round(float(schedule(step)), 3) for step in (0, 5, 15, 25, 30)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        learning_rate: float,
        warmup_steps: Steps,
        stable_steps: Steps,
        decay_steps: Steps,
        warmup_type: Literal["linear", "cosine", "1-sqrt"] = "linear",
        decay_type: Literal["linear", "cosine", "1-sqrt"] = "cosine",
        min_ratio: float = 0.0,
    ):
        self.learning_rate = check_rate("learning_rate", learning_rate)
        self.warmup_steps = check_steps("warmup_steps", warmup_steps, ge=0)
        self.stable_steps = check_steps("stable_steps", stable_steps, ge=0)
        self.decay_steps = check_steps("decay_steps", decay_steps)
        self.warmup_type = check_choice("warmup_type", warmup_type, WARMUPS)
        self.decay_type = check_choice("decay_type", decay_type, DECAYS)
        self.min_ratio = check_fraction("min_ratio", min_ratio)

    def phases(self) -> list[tuple[int, str]]:
        """The end of the climb, the beginning and the end of the fall."""
        flat = self.warmup_steps + self.stable_steps
        own = [(self.warmup_steps, "warm-up ends")] if self.warmup_steps else []
        return [*own, (flat, "decay"), (flat + self.decay_steps, "end")]

    def rate(self, step: Tensor) -> Tensor:
        falling = ops.maximum(step - self.warmup_steps - self.stable_steps, 0)
        factor = 1.0 - rising(self.decay_type, fraction(falling, self.decay_steps), down=True)
        if self.warmup_steps:
            climb = rising(self.warmup_type, fraction(step, self.warmup_steps))
            factor = ops.where(step < self.warmup_steps, climb, factor)
        return self.learning_rate * (factor * (1.0 - self.min_ratio) + self.min_ratio)


def rising(shape: str, part: Tensor, *, down: bool = False) -> Tensor:
    """A curve from 0 at part 0 to 1 at part 1.

    Args:
        down: the shape of a fall, upside down: 1 - sqrt(p) falls as sqrt(p) rises.
    """
    if shape == "linear":
        return part
    if shape == "cosine":
        return 0.5 * (1.0 - ops.cos(math.pi * part))
    return ops.sqrt(part) if down else 1.0 - ops.sqrt(1.0 - part)
