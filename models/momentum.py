"""A momentum that follows a schedule, for Keras optimizers, where it is a constant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from ..optimizers import inner_optimizer

# What an optimizer calls its momentum: Adam's first moment is the same average of gradients.
NAMES = ("momentum", "beta_1")


class MomentumValue:
    """The momentum of one update, where Keras's update rule expects a constant.

    Keras compares the momentum with 0 while it traces; a tensor has no value then, so each
    comparison is answered as for a number above 0.
    """

    def __init__(self, value: tf.Tensor):
        self.value = value

    def __tf_tensor__(
        self, dtype: tf.DType | str | None = None, name: str | None = None
    ) -> tf.Tensor:
        return self.value if dtype is None else tf.cast(self.value, dtype)

    def __ne__(self, other: object) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return False

    def __gt__(self, other: object) -> bool:
        return True

    def __rsub__(self, other: float) -> tf.Tensor:
        return other - self.value

    def __hash__(self) -> int:
        return id(self)


class ScheduledMomentum:
    """Sets the momentum of an optimizer for each update.

    Args:
        schedule: momentum at each update, from 0 to 1.
        optimizer: an optimizer with `momentum` > 0 or `beta_1`.

    Raises:
        ValueError: the optimizer has no momentum to set.
    """

    def __init__(
        self,
        schedule: keras.optimizers.schedules.LearningRateSchedule,
        optimizer: keras.optimizers.Optimizer,
    ):
        self.schedule = schedule
        self.owner = inner_optimizer(optimizer)
        self.name = momentum_name(self.owner)
        self.constant = getattr(self.owner, self.name)

    @contextmanager
    def at(self, update: tf.Tensor) -> Iterator[None]:
        """The momentum of an update, while the optimizer applies it."""
        value = tf.cast(self.schedule(update), tf.float32)
        setattr(self.owner, self.name, MomentumValue(value))
        try:
            yield
        finally:
            setattr(self.owner, self.name, self.constant)


def momentum_name(optimizer: keras.optimizers.Optimizer) -> str:
    """What the optimizer calls its momentum."""
    for name in NAMES:
        value = getattr(optimizer, name, None)
        if value == 0:
            raise ValueError(
                f"The momentum follows a schedule, but the optimizer has `{name}={value}` and so "
                "keeps no moving average. Give it any momentum above 0."
            )
        if value is not None:
            return name
    raise ValueError(
        f"The momentum follows a schedule, but the optimizer {type(optimizer).__name__} has "
        f"neither of {', '.join(f'`{name}`' for name in NAMES)}."
    )
