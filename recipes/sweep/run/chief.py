"""The one owner of a sweep's search: gives out trials, receives values, survives being killed."""

import math
import threading
import time
from collections.abc import Callable
from enum import StrEnum

from .... import disk
from ..engine.oracle_state import OracleState
from ..engine.search import STATUS, Search
from ..engine.trial import Decision, NoTrial, Trial, TrialOutcome
from ..stored import is_trial_id
from .leases import MOST_DEATHS, Leases
from .space import SpaceWait

# No training has more epochs.
MAX_EPOCHS = 10_000_000
MAX_NAME = 200


class BadCall(ValueError):
    """A worker sent an invalid value; it changed nothing."""


class LeaseLost(Exception):
    """The worker's lease of this trial has ended; another worker has it, or it is finished."""


class Event(StrEnum):
    """What happens to a trial."""

    STARTED = "started"
    CONTINUED = "continued"
    EPOCH = "epoch"
    PUT_BACK = "put back"
    RETRY = "retry"
    ENDED = "ended"
    FAILED = "failed"


class Chief:
    """A search with leases, budgets and a state that is complete on disk after every step.

    Every call of a worker is checked; one is carried out at a time.

    Args:
        search: the trials, and what chooses them.
        state: where its state is stored.
        leases: how long a silent worker keeps its trial.
        most_failures: failed trials in a row that end the search.
        epochs: epochs of all trials after which no new one starts; None for no bound.
        seconds: seconds of search after which no new one starts; None for no bound.
        on_event: called with what happens, and the name of the trial.

    Attributes:
        lock: held while anything changes; hold it to read several things of the search.
        exhausted: whether no new trials are started.
        workers: names of the workers that have asked for a trial.
        full: whether the state could not be written for as long as a sweep waits for space.
    """

    def __init__(
        self,
        search: Search,
        state: OracleState,
        *,
        leases: Leases | None = None,
        most_failures: int = 3,
        epochs: int | None = None,
        seconds: float | None = None,
        on_event: Callable[[Event, str], None] = lambda event, trial_id: None,
    ):
        self.search = search
        self.state = state
        self.leases = Leases() if leases is None else leases
        self.most_failures = most_failures
        self.epochs = epochs
        self.seconds = seconds
        self.exhausted = False
        self.workers: set[str] = set()
        self.full = False
        self.lock = threading.RLock()
        self._stopping: str | None = None
        self._silent: list[str] = []
        self._on_event = on_event
        self._failures = 0
        self._started = time.monotonic()
        self._space = SpaceWait()
        self._before = state.load(search)

    @property
    def spent(self) -> float:
        """Seconds of search, including those before an interruption."""
        return self._before + time.monotonic() - self._started

    @property
    def stopping(self) -> str | None:
        """Why no more trials are given out; None while they are."""
        return self._stopping if self.search.error is None else str(self.search.error)

    # Calls of a worker.

    def next_trial(self, worker: str) -> Trial | NoTrial:
        """A trial to run."""
        if not 0 < len(worker) <= MAX_NAME or not worker.isprintable():
            raise BadCall(f"expected the name of a worker. Received {worker!r:.100}")
        with self.lock:
            self.workers.add(worker)
            self.expire()
            if self._space.waits and not self._save():
                for trial_id in self.leases.of(worker):
                    self.leases.renew(trial_id)
                return self._wait()
            again = bool(self.search.waiting) or worker in self.search.running.values()
            if not again and self._over_budget():
                self.exhausted = True
            if self.stopping or (self.exhausted and not again):
                return self._no_trial()
            trial = self.search.next_trial(worker)
            if trial is NoTrial.WAIT:
                return trial
            if isinstance(trial, NoTrial):
                self.exhausted = True
                return self._no_trial()
            self.leases.give(trial.trial_id, worker)
            if not self._save():
                # It is given out only once it is on disk, where a restarted chief finds it.
                return self._wait()
            self._on_event(Event.CONTINUED if again else Event.STARTED, trial.trial_id)
            return trial

    def report(self, trial_id: str, epoch: int, value: float, *, worker: str) -> Decision:
        """Receive the value of the objective after an epoch, from 1.

        It is not written to disk before the trial ends: its worker stores it as well, and reports
        again what a new chief does not know.
        """
        if not math.isfinite(value):
            raise BadCall(f"expected a finite value of {self.search.objective}. Received {value}")
        if not 1 <= epoch <= MAX_EPOCHS:
            raise BadCall(f"expected an epoch from 1 to {MAX_EPOCHS}. Received {epoch}")
        with self.lock:
            self._check_lease(trial_id, worker)
            decision = self.search.report(trial_id, epoch, value)
            self._on_event(Event.EPOCH, trial_id)
            return decision

    def end(self, trial_id: str, outcome: TrialOutcome, message: str = "", *, worker: str) -> None:
        """End a trial."""
        with self.lock:
            if self.search.has_ended(trial_id):
                return  # The answer to the first call was lost.
            self._check_lease(trial_id, worker)
            if outcome not in STATUS:
                raise BadCall(f"expected one of {', '.join(STATUS)}. Received {outcome}")
            completed = outcome in (TrialOutcome.COMPLETED, TrialOutcome.STOPPED)
            if completed and not self.search.trial(trial_id).reported:
                raise BadCall(f"trial {trial_id} has no value, and cannot be completed")
            self._end(trial_id, outcome, message)

    def heartbeat(self, trial_id: str, *, worker: str) -> Trial:
        """Renew the lease of a worker that runs a trial; the trial as it is known here."""
        with self.lock:
            self._check_lease(trial_id, worker)
            return self.search.trial(trial_id)

    # Calls of the owner.

    def expire(self) -> None:
        """Put back the trials of workers that have fallen silent."""
        with self.lock:
            for trial_id in self.leases.expired():
                self._silent.append(self.leases.holder(trial_id) or "")
                self.put_back(trial_id)

    def silent(self) -> list[str]:
        """The workers that have fallen silent since the last call."""
        with self.lock:
            self.expire()
            workers, self._silent = self._silent, []
            return workers

    def lost(self, worker: str) -> None:
        """Put back the trials of a worker that is known to be dead."""
        with self.lock:
            for trial_id in self.leases.of(worker):
                self.put_back(trial_id)

    def put_back(self, trial_id: str) -> None:
        """Let another worker continue a trial, unless its workers die without any progress."""
        with self.lock:
            deaths = self.leases.died(trial_id, len(self.search.trial(trial_id).reported))
            if deaths >= MOST_DEATHS:
                message = f"its worker died {deaths} times without finishing another epoch"
                self._end(trial_id, TrialOutcome.FAILED, message)
                return
            self.leases.drop(trial_id)
            self.search.put_back(trial_id)
            self._save()
            self._on_event(Event.PUT_BACK, trial_id)

    def stop(self, reason: str) -> None:
        """Give out no more trials."""
        with self.lock:
            self._stopping = self.stopping or reason

    @property
    def finished(self) -> bool:
        """Whether no trial runs and none will."""
        with self.lock:
            waiting = bool(self.search.waiting) and not self.stopping
            over = self.exhausted or self.stopping is not None
            return over and not waiting and not self.search.running

    def save(self) -> None:
        """Write the state, if it is not on disk.

        Raises:
            OSError: it cannot be written.
        """
        with self.lock:
            if self._space.waits:
                self.state.save(self.search, self.spent)
                self._space.over()

    def _check_lease(self, trial_id: str, worker: str) -> None:
        """Renew the lease of a trial, or refuse the call."""
        if not is_trial_id(trial_id):
            raise BadCall(f"expected the number of a trial. Received {trial_id!r:.100}")
        holder = self.leases.holder(trial_id)
        if holder is None and trial_id in self.search.waiting:
            # It still runs: the chief was restarted, or the lease has just ended.
            self.search.take(trial_id, worker)
            self.leases.give(trial_id, worker)
        elif holder != worker:
            raise LeaseLost(f"trial {trial_id} is not leased to {worker}")
        self.leases.renew(trial_id)

    def _end(self, trial_id: str, outcome: TrialOutcome, message: str) -> None:
        ended = self.search.end(trial_id, outcome, message)
        self.leases.drop(trial_id)
        if trial_id in self.search.waiting:
            # Before the end of the attempt is saved, so that a kill in between loses no event.
            self._on_event(Event.RETRY, trial_id)
            self._save()
            return
        failed = ended.outcome is TrialOutcome.FAILED
        self._failures = self._failures + 1 if failed else 0
        if self._failures >= self.most_failures:
            self.stop(f"{self._failures} trials in a row failed, the last because {message}")
        self._save()
        self._on_event(Event.FAILED if failed else Event.ENDED, trial_id)

    def _no_trial(self) -> NoTrial:
        """DONE, or WAIT while a trial runs that another worker may have to continue."""
        waits = bool(self.search.running) and not self.stopping
        return NoTrial.WAIT if waits else NoTrial.DONE

    def _over_budget(self) -> bool:
        return (self.epochs is not None and self.search.epochs() >= self.epochs) or (
            self.seconds is not None and self.spent >= self.seconds
        )

    def _wait(self) -> NoTrial:
        """No trial until there is space on the disk."""
        return self._no_trial() if self.full else NoTrial.WAIT

    def _save(self) -> bool:
        """Write the state, and return whether it is on disk; if it is full, the next call tries."""
        try:
            self.state.save(self.search, self.spent)
        except OSError as error:
            if not disk.is_full(error):
                self.stop(f"the state of the search cannot be written: {error.strerror}")
                raise
            if self._space.too_long():
                self.full = True
                self.stop("the disk is full")
            return False
        self._space.over()
        return True
