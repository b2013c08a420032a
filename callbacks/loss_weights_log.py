"""The weights of the losses of several outputs, in the logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .base import StatefulCallback


class LossWeightsLog(StatefulCallback):
    """Logs the weight of each loss after an epoch, as `OUTPUT_weight`.

    Args:
        weights: output -> what gives its present weight.

    >>> log = LossWeightsLog({"price": lambda: 0.5})
    >>> log.on_epoch_end(0, logs := {})
    >>> logs
    {'price_weight': 0.5}
    """

    def __init__(self, weights: Mapping[str, Callable[[], float]]):
        super().__init__()
        self.weights = weights

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add the weights to the logs."""
        if logs is not None:
            logs.update({f"{name}_weight": weight() for name, weight in self.weights.items()})
