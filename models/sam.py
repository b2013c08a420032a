"""Sharpness-aware minimization: the gradient at the nearby point with the highest loss."""

from __future__ import annotations

import keras
import tensorflow as tf

from ..arguments import check_positive
from .arguments import Configurable
from .norms import TINY, Gradients, global_norm, scaled


@keras.saving.register_keras_serializable(package="keras_recipes")
class SharpnessAware(Configurable):
    """Updates the weights w by the gradient at w + rho * g / ||g||, where g is the gradient at w.

    Such an update looks for a flat minimum (Foret, Kleiner, Mobahi & Neyshabur 2021, algorithm 1).
    It costs a second pass. Loss and metrics are those of the first; clipping and the gradient's
    norm are those of the second. Normalization layers see the batch twice.

    Args:
        rho: radius of the neighborhood, > 0.

    Raises:
        ValueError: a bad argument.

    >>> steps = SharpnessAware(0.5).steps([tf.constant([3.0, 4.0]), None])
    >>> [round(step, 6) for step in steps[0].numpy().tolist()], steps[1] is None
    ([0.3, 0.4], True)
    """

    def __init__(self, rho: float = 0.05):
        self.rho = check_positive("rho", rho)

    def steps(self, gradients: Gradients) -> list[tf.Tensor | None]:
        """How far each variable moves for the second pass."""
        return scaled(gradients, self.rho / tf.maximum(global_norm(gradients), TINY))
