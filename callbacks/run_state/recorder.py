"""When a checkpoint is due, and its writing while a training runs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

from ...arguments import check_number
from ...disk import waiting
from ...messages import logger
from .checkpoint import Checkpoint, DamagedCheckpoint
from .checks import check_state
from .fit import Position
from .store import CheckpointStore
from .training_state import Captured

TEXT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(epoch|step|minute|second)s?")
EXPECTED = "`auto`, `1 epochs`, `500 steps`, `5 minutes`, `30 seconds`, or a number of minutes"
SECONDS = {"minute": 60.0, "second": 1.0}
# With `auto`, the time between two checkpoints as a multiple of what the last one took,
AUTO_FACTOR = 100.0
# and its least value in seconds.
AUTO_MIN_SECONDS = 1.0


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
        match = TEXT.fullmatch(every.strip())
        amount = float(match[1]) if match else 0.0
        if match is None or amount == 0:
            raise ValueError(f"Argument `every` must be {EXPECTED}. Received: every={every!r}")
        if match[2] in SECONDS:
            self.seconds = amount * SECONDS[match[2]]
            return
        if amount != int(amount):
            raise ValueError(
                f"Argument `every` must be a whole number of {match[2]}s. Received: every={every!r}"
            )
        setattr(self, f"{match[2]}s", int(amount))

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


class Recorder:
    """Finds and writes the checkpoints of a training, and logs what goes wrong.

    Args:
        store: where they are.
        interval: measures the time of each write.

    Attributes:
        problems: the messages that were logged.
    """

    def __init__(self, store: CheckpointStore, interval: Interval):
        self.store = store
        self.interval = interval
        self.problems: list[str] = []
        self._cause: str | None = None
        self._writing: Future[None] | None = None

    def restart(self) -> None:
        """A training begins: log every cause of a failed write again."""
        self._cause = None

    def finish(self) -> None:
        """Wait for the checkpoint that is being written, if there is one."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def find(self) -> Checkpoint | None:
        """The newest intact checkpoint, or None where there is none at all.

        Raises:
            DamagedCheckpoint: there are some, and all are damaged.
        """
        search = self.store.search()
        for problem in search.damaged:
            self.warn(f"damaged, and not used: {problem}")
        if search.newest is not None:
            check_state(search.newest)
        elif search.damaged:
            raise DamagedCheckpoint(
                f"All checkpoints are damaged: {'; '.join(search.damaged)}. "
                "Remove them to train from the start."
            )
        return search.newest

    def write(
        self,
        capture: Callable[[], Captured],
        position: Position,
        *,
        wait: bool = False,
        background: bool = False,
    ) -> None:
        """Write a checkpoint; if that fails, log it and let training continue.

        Args:
            capture: returns the state to write.
            wait: whether to wait for space on a full disk.
            background: whether training continues while a copy of the state is written. Where time
                decides and the last one is not yet written, this one is left out.
        """
        last = self._writing
        if background and last is not None and not last.done() and self.interval.seconds:
            return
        self.finish()
        began = time.monotonic()
        if not background:
            self._save(capture, position, began, wait)
            return
        captured = capture().copy()
        copied, thread = Event(), ThreadPoolExecutor(1, "checkpoint")
        self._writing = thread.submit(self._save, lambda: captured, position, began, copied=copied)
        thread.shutdown(wait=False)
        # Files that callbacks have written are stored before training can change them.
        copied.wait()
        self.interval.restart()

    def _save(
        self,
        capture: Callable[[], Captured],
        position: Position,
        began: float,
        wait: bool = False,
        copied: Event | None = None,
    ) -> None:
        copied, cause = copied or Event(), None
        try:
            captured = capture()
            waiting.when_there_is_space(
                lambda: self.store.save(
                    captured.arrays, captured.state, captured.files, copied=copied.set
                ),
                waiting.PATIENCE if wait else 0.0,
            )
        except (OSError, DamagedCheckpoint) as error:
            cause = getattr(error, "strerror", None) or str(error)
        finally:
            copied.set()
        # The same cause is logged once.
        if cause != self._cause:
            self._log(cause, position)
        self._cause = cause
        self.interval.saved(time.monotonic() - began)

    def _log(self, cause: str | None, position: Position) -> None:
        if cause is None:
            self.warn("checkpoints are written again")
            return
        paths = self.store.paths_or_none()
        last = f"{paths[-1].name} in {self.store.folder}" if paths else "none"
        self.warn(
            f"the checkpoint {position} could not be written: {cause}. Training continues. The "
            f"last checkpoint to resume from: {last}"
        )

    def warn(self, problem: str) -> None:
        """Log a problem, and keep it in `problems`."""
        self.problems.append(f"RunState: {problem}.")
        logger.warning(self.problems[-1])
