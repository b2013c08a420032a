"""Which worker holds which trial, and until when.

A worker that is alive says so every few seconds. One that has not been heard of for the length of
a lease is taken for dead, and its trial goes to another. If the first one comes back, its calls
are refused: it has lost the lease.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from ...errors import RequestError

LEASE_SECONDS = 30.0
# A day: no worker that lives is silent for longer.
MOST = 86_400.0
# Deaths of workers in one trial, with no epoch finished between them, before it counts as failed.
MOST_DEATHS = 5


def lease_seconds(asked: float | None) -> float:
    """The length of a lease that was asked for, or the usual one.

    Raises:
        RequestError: nothing can be leased for so long.
    """
    if asked is None:
        return LEASE_SECONDS
    if isinstance(asked, bool) or not isinstance(asked, (int, float)) or not 0 < asked <= MOST:
        raise RequestError(f"--lease: expected seconds from 0 to {MOST:.0f}. Received {asked!r}.")
    return float(asked)


@dataclass
class Lease:
    """A trial in the hands of a worker."""

    trial_id: str
    worker: str
    until: float


class Leases:
    """The leases of all trials that run.

    Args:
        seconds: how long a lease lasts after the last sign of life.
        clock: the time in seconds, never running backwards.
    """

    def __init__(
        self, seconds: float = LEASE_SECONDS, *, clock: Callable[[], float] = time.monotonic
    ):
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
            raise ValueError(f"Argument `seconds` must be > 0. Received: seconds={seconds!r}")
        self.seconds = float(seconds)
        self._clock = clock
        self._held: dict[str, Lease] = {}
        self._deaths: dict[str, tuple[int, int]] = {}

    def give(self, trial_id: str, worker: str) -> None:
        """Lease a trial to a worker."""
        self._held[trial_id] = Lease(trial_id, worker, self._clock() + self.seconds)

    def renew(self, trial_id: str) -> None:
        """Count the lease from now."""
        self._held[trial_id].until = self._clock() + self.seconds

    def holder(self, trial_id: str) -> str | None:
        """The worker that holds a trial."""
        lease = self._held.get(trial_id)
        return None if lease is None else lease.worker

    def of(self, worker: str) -> list[str]:
        """The trials that a worker holds."""
        return [lease.trial_id for lease in self._held.values() if lease.worker == worker]

    def drop(self, trial_id: str) -> None:
        """End a lease."""
        self._held.pop(trial_id, None)

    def expired(self) -> list[str]:
        """The trials whose workers have not been heard of in time."""
        now = self._clock()
        return [lease.trial_id for lease in self._held.values() if lease.until < now]

    def died(self, trial_id: str, epochs: int) -> int:
        """Count the death of a trial's worker; how many there were since it last got further.

        Args:
            epochs: epochs of the trial that are finished.
        """
        deaths, before = self._deaths.get(trial_id, (0, -1))
        deaths = 1 if epochs > before else deaths + 1
        self._deaths[trial_id] = (deaths, max(epochs, before))
        return deaths
