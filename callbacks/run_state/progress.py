"""Where a training is, and when its next checkpoint is due."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace

from ...arguments import check_number

TEXT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(epoch|step|minute|second)s?")
EXPECTED = "`auto`, `1 epochs`, `500 steps`, `5 minutes`, `30 seconds`, or a number of minutes"
SECONDS = {"minute": 60.0, "second": 1.0}
# With `auto`, the time between two checkpoints as a multiple of what the last one took,
AUTO_FACTOR = 100.0
# and its least value in seconds.
AUTO_MIN_SECONDS = 1.0


@dataclass(frozen=True)
class Position:
    """A place between two executions of the training step.

    Attributes:
        epoch: index of the current epoch.
        step: number of batches of this epoch that have been trained.
        total: number of batches trained since the beginning.
        steps: number of batches in an epoch, or None if it is not known.
        steps_per_execution: number of batches in an execution.
        stopped: whether training has ended before its last epoch.

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

    def resumed(self, steps_per_execution: int) -> Position:
        """The same place in the training that resumes from it."""
        return replace(self, stopped=False, steps_per_execution=steps_per_execution)

    def at_step(self, step: int, steps: int | None) -> Position:
        """After `step` batches of this epoch, which has `steps` of them."""
        # The last execution of an epoch may have fewer batches than the others.
        step = step if steps is None else min(step, steps)
        return replace(self, step=step, total=self.total + step - self.step, steps=steps)

    def after_epoch(self, epoch: int, stopped: bool) -> Position:
        """The end of an epoch, which is the beginning of the next one."""
        return replace(self, epoch=epoch + 1, step=0, stopped=stopped)

    def check(self, steps_per_execution: int) -> None:
        """See whether an execution of this many steps can begin here.

        Raises:
            ValueError: this place is within one.
        """
        if self.step % steps_per_execution and self.step != self.steps:
            raise ValueError(
                f"The checkpoint is {self}, in executions of {self.steps_per_execution} steps. "
                f"With `steps_per_execution={steps_per_execution}` no execution begins there."
            )

    def __str__(self) -> str:
        if self.step:
            return f"after step {self.step} of epoch {self.epoch + 1}"
        return f"after epoch {self.epoch}" if self.epoch else "at the beginning"


class Interval:
    """The epochs, steps or time between two checkpoints.

    With `auto`, a checkpoint is due when the time since the last one is 100 times what that one
    took, so that checkpoints take 1 % of the training time.

    Args:
        every: `auto`, `1 epochs`, `500 steps`, `5 minutes`, `30 seconds`, or a number of minutes.

    Raises:
        ValueError: it is none of these.

    >>> interval = Interval("500 steps")
    >>> interval.after_steps(480, 499), interval.after_steps(499, 512), interval.after_epoch(0)
    (False, True, False)
    """

    def __init__(self, every: str | float = "auto"):
        self.every = every
        self.epochs: int | None = None
        self.steps: int | None = None
        self.seconds: float | None = None
        if every == "auto":
            self.seconds = AUTO_MIN_SECONDS
        elif isinstance(every, str):
            self._parse(every)
        else:
            self.seconds = 60 * check_number("every", every, gt=0)
        self.restart()

    def _parse(self, every: str) -> None:
        found = TEXT.fullmatch(every.strip())
        amount = float(found[1]) if found else 0.0
        if found is None or amount == 0:
            raise ValueError(f"Argument `every` must be {EXPECTED}. Received: every={every!r}")
        if found[2] in SECONDS:
            self.seconds = amount * SECONDS[found[2]]
            return
        if amount != int(amount):
            raise ValueError(
                f"Argument `every` must be a whole number of {found[2]}s. Received: every={every!r}"
            )
        setattr(self, f"{found[2]}s", int(amount))

    def restart(self) -> None:
        """Measure the time from now on."""
        self._last = time.monotonic()

    def saved(self, seconds: float) -> None:
        """A checkpoint was attempted, and took this time."""
        self.restart()
        if self.every == "auto":
            self.seconds = max(AUTO_MIN_SECONDS, AUTO_FACTOR * seconds)

    def after_steps(self, before: int, after: int) -> bool:
        """Whether a checkpoint is due within an epoch, where the total of steps rose as given."""
        if self.steps is not None:
            return before // self.steps < after // self.steps
        return self._is_time()

    def after_epoch(self, epoch: int) -> bool:
        """Whether a checkpoint is due after the epoch of this index."""
        if self.epochs is not None:
            return (epoch + 1) % self.epochs == 0
        return self._is_time()

    def _is_time(self) -> bool:
        return self.seconds is not None and time.monotonic() - self._last >= self.seconds
