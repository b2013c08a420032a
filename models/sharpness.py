"""Sharpness-aware minimization: the gradient where the loss nearby is worst."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .arguments import positive
from .norms import TINY, Gradients, global_norm


@keras.saving.register_keras_serializable(package="keras_recipes")
class SharpnessAware:
    """Updates the weights w by the gradient at w + rho * g / ||g||, g being the one at w.

    Such an update looks for a flat minimum (Foret, Kleiner, Mobahi & Neyshabur 2021, algorithm 1).
    It costs a second pass. Loss and metrics are those of the first; clipping and the gradient's
    norm are those of the second. Normalization layers see the batch twice.

    Args:
        rho: how far to look, > 0.

    Raises:
        ValueError: a bad argument.

    >>> steps = SharpnessAware(0.5).steps([tf.constant([3.0, 4.0]), None])
    >>> [round(step, 6) for step in steps[0].numpy().tolist()], steps[1] is None
    ([0.3, 0.4], True)
    """

    def __init__(self, rho: float = 0.05):
        self.rho = positive("rho", rho)

    def steps(self, gradients: Gradients) -> list[tf.Tensor | None]:
        """How far each variable moves for the second pass."""
        factor = self.rho / tf.maximum(global_norm(gradients), TINY)
        return [g if g is None else g * tf.cast(factor, g.dtype) for g in gradients]

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"rho": self.rho}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SharpnessAware:
        """The settings that `get_config` described."""
        return cls(**config)
