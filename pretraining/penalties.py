"""What keeps a machine's weights small and its hidden units rarely on."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from ..schedules.arguments import number


@keras.saving.register_keras_serializable(package="keras_recipes")
class Penalty:
    """Penalties that are added to minus the log-likelihood.

    - `l2`: l2 / 2 * sum W^2, on the weights alone; its gradient is l2 W (the "weight cost").
    - `l1`: l1 * sum |W|, on the weights alone; its gradient is l1 sign(W).
    - `sparsity_cost`: cost * sum_j KL(target || q_j), where q_j is the activity of hidden unit j,
      averaged over updates as q <- decay q + (1 - decay) mean(h). Its gradient with respect to
      the unit's input is cost * (q_j - target) (Hinton 2010, section 11).

    Args:
        l1, l2: >= 0.
        sparsity_target: wanted activity of hidden units, in (0, 1), or None for no such penalty.
        sparsity_cost: >= 0.
        sparsity_decay: in [0, 1).

    Raises:
        ValueError: a bad argument.

    >>> Penalty(l2=2e-4).l2
    0.0002
    """

    def __init__(
        self,
        l1: float = 0.0,
        l2: float = 0.0,
        *,
        sparsity_target: float | None = None,
        sparsity_cost: float = 0.1,
        sparsity_decay: float = 0.9,
    ):
        self.l1 = number("l1", l1, ge=0)
        self.l2 = number("l2", l2, ge=0)
        self.sparsity_target = sparsity_target
        if sparsity_target is not None:
            self.sparsity_target = _below_one("sparsity_target", sparsity_target, gt=0)
        self.sparsity_cost = number("sparsity_cost", sparsity_cost, ge=0)
        self.sparsity_decay = _below_one("sparsity_decay", sparsity_decay, ge=0)

    def of_weights(self, weights: Any) -> list[Any]:
        """Gradients of the penalties on the weights, those that are not zero."""
        found = []
        if self.l2:
            found.append(self.l2 * weights)
        if self.l1:
            found.append(self.l1 * tf.sign(weights))
        return found

    def activity(self, before: Any, hidden: Any) -> Any:
        """q of this update, from that of the last and the batch's E[h]."""
        decay = self.sparsity_decay
        return decay * before + (1 - decay) * tf.reduce_mean(hidden, 0)

    def of_inputs(self, activity: Any) -> Any:
        """Gradient of the sparsity penalty with respect to the hidden units' inputs."""
        return self.sparsity_cost * (activity - self.sparsity_target)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Penalty:
        """The penalties that `get_config` described."""
        return cls(**config)


def _below_one(name: str, value: Any, **bounds: float) -> float:
    made = number(name, value, **bounds)
    if made >= 1:
        raise ValueError(f"Argument `{name}` must be < 1. Received: {name}={value}")
    return made
