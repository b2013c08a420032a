"""A momentum that follows a schedule, in optimizers of Keras that know a constant one alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

# What an optimizer calls its momentum: Adam's first moment is the same average of gradients.
NAMES = ("momentum", "beta_1")


class MomentumNow:
    """The momentum of one update, where Keras's update rule expects a constant.

    Keras asks a constant momentum whether it is zero at all, while it traces; this one is not.
    """

    def __init__(self, value: tf.Tensor):
        self.value = value

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> tf.Tensor:
        return self.value if dtype is None else tf.cast(self.value, dtype)

    def __ne__(self, other: object) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return False

    def __gt__(self, other: Any) -> bool:
        return True

    def __rsub__(self, other: float) -> tf.Tensor:
        return other - self.value

    __hash__ = None  # type: ignore[assignment]


class ScheduledMomentum:
    """Sets the momentum of an optimizer for each update.

    Args:
        schedule: momentum at each update, from 0 to 1.
        optimizer: one with `momentum` > 0 or `beta_1`.

    Raises:
        ValueError: the optimizer has no momentum to set.
    """

    def __init__(self, schedule: Any, optimizer: Any):
        self.schedule = schedule
        # An optimizer that scales the loss holds the one with the momentum.
        self.holder = getattr(optimizer, "inner_optimizer", optimizer)
        self.name = momentum_name(self.holder)
        self.constant = getattr(self.holder, self.name)

    @contextmanager
    def at(self, update: Any) -> Iterator[None]:
        """The momentum of an update, while the optimizer writes it."""
        value = tf.cast(self.schedule(update), tf.float32)
        setattr(self.holder, self.name, MomentumNow(value))
        try:
            yield
        finally:
            setattr(self.holder, self.name, self.constant)


def momentum_name(optimizer: Any) -> str:
    """What the optimizer calls its momentum."""
    for name in NAMES:
        value = getattr(optimizer, name, None)
        if value is None:
            continue
        if value == 0:
            raise ValueError(
                f"The momentum follows a schedule, and the optimizer has `{name}={value}`, which "
                "makes it keep no moving average. Give it any momentum above 0."
            )
        return name
    raise ValueError(
        f"The momentum follows a schedule, and the optimizer {type(optimizer).__name__} has "
        f"neither of {', '.join(f'`{name}`' for name in NAMES)}."
    )
