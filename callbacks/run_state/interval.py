"""When a checkpoint is due."""

from __future__ import annotations

import re
import time
from typing import Any

from ...arguments import check_number

TEXT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(epoch|step|minute|second)s?")
EXPECTED = "`auto`, `1 epochs`, `500 steps`, `5 minutes`, `30 seconds`, or a number of minutes"
SECONDS = {"minute": 60.0, "second": 1.0}
# With `auto`, training goes on at least so many times as long as the last checkpoint took,
PATIENCE = 100.0
# and at least so many seconds.
LEAST = 1.0


class Interval:
    """Epochs, steps or a time between two checkpoints.

    With `auto` a checkpoint is due when the time since the last one is a hundred times what that
    one took, so that all of them together take 1 % of the training.

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
            self.seconds = LEAST
        elif isinstance(every, str):
            self._read(every)
        else:
            self.seconds = 60 * check_number("every", every, gt=0)
        self._last = time.monotonic()

    def _read(self, every: str) -> None:
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

    def begin(self) -> None:
        """Training begins."""
        self._last = time.monotonic()

    def saved(self, seconds: float) -> None:
        """A checkpoint was tried, which took so long."""
        self._last = time.monotonic()
        if self.every == "auto":
            self.seconds = max(LEAST, PATIENCE * seconds)

    def after_steps(self, before: int, after: int) -> bool:
        """Whether one is due inside an epoch, between so many steps of the training."""
        if self.steps is not None:
            return before // self.steps < after // self.steps
        return self._time_is_up()

    def after_epoch(self, epoch: int) -> bool:
        """Whether one is due after an epoch, counted from 0."""
        if self.epochs is not None:
            return (epoch + 1) % self.epochs == 0
        return self._time_is_up()

    def _time_is_up(self) -> bool:
        return self.seconds is not None and time.monotonic() - self._last >= self.seconds

    def __deepcopy__(self, memo: dict[int, Any]) -> Interval:
        return Interval(self.every)
