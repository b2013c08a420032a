"""What an experiment tracker is, and the thread that sends a run to one."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Literal, Protocol

import numpy as np

from ...messages import logger
from ..record.contents import JSONObject
from ..record.result import Status

# How long the end of a run waits for what is still to be sent.
WAIT_SECONDS = 120.0
Kind = Literal["run", "sweep", "trial"]
# Left edge, right edge and count of each bin, by the name of a weight.
Histograms = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class TrackedRun:
    """A run as trackers see it.

    Attributes:
        id: the same each time the run is resumed; 32 hexadecimal digits.
        name: of the run directory.
        group: the recipe's name, which the runs of a recipe share.
        recipe: the resolved recipe as plain data.
        kind: a run, a sweep, or one training of a sweep's trials.
        parent: id of the sweep that a trial belongs to.
    """

    id: str
    name: str
    group: str
    recipe: JSONObject
    kind: Kind = "run"
    parent: str = ""


@dataclass(frozen=True)
class Ending:
    """How a run has ended.

    Attributes:
        epoch: the last one.
        values: metrics of the saved model by split, such as `test/loss`.
        artifacts: files to keep with the run.
    """

    status: Status
    epoch: int
    values: Mapping[str, float]
    artifacts: Sequence[Path]


def as_counts(histogram: np.ndarray) -> tuple[list[int], list[float]]:
    """Counts of the bins, and the edges between which they are: one more.

    >>> as_counts(np.array([[0.0, 0.5, 3.0], [0.5, 1.0, 7.0]]))
    ([3, 7], [0.0, 0.5, 1.0])
    """
    left, right, counts = histogram.T
    return counts.astype(int).tolist(), [*left.tolist(), float(right[-1])]


class Tracker(Protocol):
    """A store of runs outside of the run directory. Every method may raise anything."""

    def begin(self, run: TrackedRun) -> set[int]:
        """Find or create the run; return the epochs that are already stored."""
        ...

    def log(self, epoch: int, values: Mapping[str, float], histograms: Histograms) -> None:
        """Store the values of an epoch, from 1; for a sweep, those of a trial that has ended."""
        ...

    def end(self, ending: Ending) -> None:
        """Store how the run has ended."""
        ...


class Sender:
    """Sends a run to one tracker, each epoch once, in a thread that training does not wait for.

    Whatever the tracker raises switches it off, with one warning.

    Args:
        name: of the tracker, for the warning.
        make: called in the thread, as the package of a tracker takes seconds to import.
    """

    def __init__(self, name: str, make: Callable[[], Tracker], run: TrackedRun):
        self.name = name
        self._make = make
        self._tracked = run
        self._waiting: SimpleQueue[tuple[int, Mapping[str, float], Histograms] | Ending] = (
            SimpleQueue()
        )
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name=f"tracker-{name}")
        self._thread.start()

    def send(
        self, epoch: int, values: Mapping[str, float], histograms: Histograms | None = None
    ) -> None:
        """Let the values of an epoch be sent, unless the tracker has them."""
        if self._thread.is_alive():
            self._waiting.put((epoch, values, histograms or {}))

    def wait_until_ready(self, seconds: float) -> None:
        """Wait until the tracker has the run, or is off, but no longer than that."""
        self._ready.wait(seconds)

    def end(self, ending: Ending, seconds: float = WAIT_SECONDS) -> None:
        """Send how the run has ended, and wait until everything is sent."""
        self._waiting.put(ending)
        self._thread.join(seconds)
        if self._thread.is_alive():
            logger.warning(
                f"{self.name}: has not answered for {seconds:.0f} s; not all of this run was sent."
            )

    def _work(self) -> None:
        try:
            self._send_all(self._make())
        except BaseException as error:
            cause = (str(error).splitlines() or [""])[0]
            logger.warning(
                f"{self.name}: {type(error).__name__}: {cause} The run is no longer sent to "
                f"{self.name}; its training is not affected."
            )
        finally:
            self._ready.set()

    def _send_all(self, tracker: Tracker) -> None:
        there = tracker.begin(self._tracked)
        self._ready.set()
        while not isinstance(item := self._waiting.get(), Ending):
            epoch, values, histograms = item
            if epoch not in there:
                tracker.log(epoch, values, histograms)
                there.add(epoch)
        tracker.end(item)
