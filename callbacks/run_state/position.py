"""Where a training is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Position:
    """A place between two executions of the training step.

    Attributes:
        epoch: the epoch that it is in, from 0.
        step: batches of it that were trained.
        total: batches of the whole training.
        steps: batches of an epoch, or None where that is not known.
        steps_per_execution: batches between two places.
        stopped: whether nothing is left to train.

    >>> str(Position(epoch=2, step=7, total=27)), str(Position(epoch=3))
    ('after step 7 of epoch 3', 'after epoch 3')
    """

    epoch: int = 0
    step: int = 0
    total: int = 0
    steps: int | None = None
    steps_per_execution: int = 1
    stopped: bool = False

    def at_epoch(self, epoch: int) -> Position:
        """The beginning of an epoch."""
        return replace(self, epoch=epoch, step=0, stopped=False)

    def going_on(self, steps_per_execution: int) -> Position:
        """The same place, in a training that goes on from it."""
        return replace(self, stopped=False, steps_per_execution=steps_per_execution)

    def at_step(self, step: int, steps: int | None) -> Position:
        """Inside the epoch, or at the end of its training."""
        # The last execution of an epoch may have fewer batches than the others.
        reached = step if steps is None else min(step, steps)
        return replace(self, step=reached, total=self.total + reached - self.step, steps=steps)

    def after_epoch(self, epoch: int, stopped: bool) -> Position:
        """Behind an epoch."""
        return replace(self, epoch=epoch + 1, step=0, stopped=stopped)

    def to_json(self) -> dict[str, Any]:
        """The attributes as plain data."""
        return asdict(self)

    def check(self, steps_per_execution: int) -> None:
        """An execution must not begin in the middle of what was one.

        Raises:
            ValueError: it would.
        """
        whole = self.step % steps_per_execution == 0 or self.step == self.steps
        if not whole:
            raise ValueError(
                f"The checkpoint is {self}, in executions of {self.steps_per_execution} steps. "
                f"With `steps_per_execution={steps_per_execution}` no execution begins there."
            )

    def __str__(self) -> str:
        if self.step:
            return f"after step {self.step} of epoch {self.epoch + 1}"
        return f"after epoch {self.epoch}" if self.epoch else "at the beginning"
