"""Learning rates of a schedule, computed between executions and read by the compiled step.

The numbers of a schedule would be constants of the compiled step, and each other schedule would
need a step of its own. As values of a variable they are data: one program serves every schedule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from ..optimizers import inner_optimizer

# Rates that are computed at a time, from a multiple of this number on: so the rate of an update is
# the same number wherever an execution begins.
CHUNK = 1024


class RateFeed:
    """Gives an optimizer the rates of its schedule from a variable.

    Args:
        optimizer: an optimizer whose learning rate is a schedule.
        variables: those of the schedule, which may change between two executions.

    Attributes:
        optimizer: the optimizer that makes the updates, without a `LossScaleOptimizer` around it.
        schedule: takes an array of updates, and gives the rate of each.
    """

    def __init__(
        self, optimizer: keras.optimizers.Optimizer, variables: Sequence[keras.Variable] = ()
    ):
        self.optimizer = inner_optimizer(optimizer)
        self.use(self.optimizer._learning_rate, variables)
        # Updates before the first one in the window, and the rates of those from there on.
        self._first = tf.Variable(tf.zeros((), tf.int64), trainable=False)
        self._size = 0
        self.reserve(1)

    def use(
        self,
        schedule: keras.optimizers.schedules.LearningRateSchedule,
        variables: Sequence[keras.Variable] = (),
    ) -> None:
        """Let the optimizer follow another schedule; nothing is traced again."""
        self.optimizer._learning_rate = schedule
        self.schedule, self._variables = schedule, list(variables)
        self._chunk: tuple[object, np.ndarray] | None = None

    def reserve(self, updates: int) -> None:
        """Make room for the updates of an execution, before it is traced."""
        if updates > self._size:
            self._size = updates
            self._window = tf.Variable(tf.zeros(updates), trainable=False)

    def fill(self) -> None:
        """Compute the rates of the next execution."""
        first = int(self.optimizer.iterations.numpy())
        last = first + self._size
        found: list[np.ndarray] = []
        for start in range(first // CHUNK * CHUNK, last, CHUNK):
            found.append(self._rates(start)[max(first - start, 0) : last - start])
        self._first.assign(first)
        self._window.assign(np.concatenate(found))

    def _rates(self, start: int) -> np.ndarray:
        """The rates of a chunk, which is computed again when the schedule's variables change."""
        key = start, *(np.asarray(variable).tobytes() for variable in self._variables)
        if self._chunk is None or self._chunk[0] != key:
            updates = tf.range(start, start + CHUNK, dtype=tf.int64)
            self._chunk = key, np.asarray(self.schedule(updates), "float32")
        return self._chunk[1]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the optimizer read its rate from the window, while a step is traced."""
        if self.optimizer._learning_rate is not self.schedule:
            # Somebody has replaced it for a while, such as a range test.
            yield
            return
        self.optimizer._learning_rate = self._rate
        try:
            yield
        finally:
            self.optimizer._learning_rate = self.schedule

    def _rate(self) -> tf.Tensor:
        """The rate of the present update."""
        return tf.gather(self._window, self.optimizer.iterations.value - self._first)
