"""Which worker holds which trial, and until when.

A worker sends a heartbeat every few seconds. If none has come for the length of a lease, it counts
as dead, and its trial goes to another worker. If the first one comes back, its calls are refused:
it has lost the lease.
"""

import time
from collections.abc import Callable

from ...errors import RequestError

LEASE_SECONDS = 30.0
# A day.
MOST = 86_400.0
# Deaths of workers in one trial, with no epoch finished between them, before it counts as failed.
MOST_DEATHS = 5


def lease_seconds(asked: float | None) -> float:
    """The length of a lease in seconds: the requested one, or the default.

    Raises:
        RequestError: it is not a number of seconds up to a day.
    """
    if asked is None:
        return LEASE_SECONDS
    if isinstance(asked, bool) or not isinstance(asked, (int, float)) or not 0 < asked <= MOST:
        raise RequestError(f"--lease: expected seconds from 0 to {MOST:.0f}. Received {asked!r}.")
    return float(asked)


class Leases:
    """The leases of all trials that run.

    Args:
        seconds: how long a lease lasts after the last heartbeat.
        clock: the time in seconds, never running backwards.
    """

    def __init__(
        self, seconds: float = LEASE_SECONDS, *, clock: Callable[[], float] = time.monotonic
    ):
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
            raise ValueError(f"Argument `seconds` must be > 0. Received: seconds={seconds!r}")
        self.seconds = float(seconds)
        self._clock = clock
        # Trial -> the worker that holds it, and the end of the lease.
        self._held: dict[str, tuple[str, float]] = {}
        # Trial -> workers that died in it, and the most epochs that any of them had finished.
        self._deaths: dict[str, tuple[int, int]] = {}

    def give(self, trial_id: str, worker: str) -> None:
        """Lease a trial to a worker."""
        self._held[trial_id] = (worker, self._clock() + self.seconds)

    def renew(self, trial_id: str) -> None:
        """Restart the lease from now."""
        self.give(trial_id, self._held[trial_id][0])

    def holder(self, trial_id: str) -> str | None:
        """The worker that holds a trial."""
        return self._held.get(trial_id, (None, 0.0))[0]

    def of(self, worker: str) -> list[str]:
        """The trials that a worker holds."""
        return [trial_id for trial_id, (holder, _) in self._held.items() if holder == worker]

    def drop(self, trial_id: str) -> None:
        """End a lease."""
        self._held.pop(trial_id, None)

    def expired(self) -> list[str]:
        """The trials whose workers have sent no heartbeat in time."""
        now = self._clock()
        return [trial_id for trial_id, (_, until) in self._held.items() if until < now]

    def died(self, trial_id: str, epochs: int) -> int:
        """Count the death of a trial's worker; the number of deaths since its last new epoch.

        Args:
            epochs: epochs of the trial that are finished.
        """
        deaths, before = self._deaths.get(trial_id, (0, -1))
        deaths = 1 if epochs > before else deaths + 1
        self._deaths[trial_id] = (deaths, max(epochs, before))
        return deaths
