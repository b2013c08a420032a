"""The one owner of a sweep's oracle: hands out trials, takes values, survives being killed."""

import math
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from .... import disk
from .keep import Keep
from .layout import is_trial_id
from .leases import MOST_DEATHS, Leases
from .space import Waiting

# No training has more epochs; a number beyond it is no epoch.
MOST_EPOCHS = 10_000_000
MOST_NAME = 200
ENDS = (TrialStatus.COMPLETED, TrialStatus.INVALID, TrialStatus.FAILED)


class BadCall(ValueError):
    """A worker said what cannot be; nothing was changed by it."""


class NotYours(Exception):
    """The worker's lease of this trial has ended; somebody else has it, or it is finished."""


class Chief:
    """An oracle with leases, budgets and a state that is whole on disk after every step.

    What a worker asks for has the names of keras-tuner's protocol, each with the name of the worker
    that calls. Every call is checked, and carried out whole, one at a time.

    Args:
        oracle: what chooses the trials.
        keep: where its state is kept.
        leases: how long a silent worker keeps its trial.
        most_failures: failed trials in a row that end the search.
        epochs: epochs of all trials after which no new one begins; None for no bound.
        seconds: seconds of search after which no new one begins; None for no bound.
        tell: called with what happens, and the trial that it happens to.

    Attributes:
        lock: held while anything changes; who reads several things of the oracle holds it, too.
        stopping: why no more trials are handed out; None while they are.
        workers: names of the workers that have asked for a trial.
        full: whether the state could not be written for as long as a sweep waits for space.
    """

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        keep: Keep,
        *,
        leases: Leases | None = None,
        most_failures: int = 3,
        epochs: int | None = None,
        seconds: float | None = None,
        tell: Callable[[str, Trial], None] = lambda event, trial: None,
    ):
        self.oracle = oracle
        self.keep = keep
        self.leases = Leases() if leases is None else leases
        self.most_failures = most_failures
        self.epochs = epochs
        self.seconds = seconds
        self.stopping: str | None = None
        self.exhausted = False
        self.workers: set[str] = set()
        self._silent: list[str] = []
        self._tell = tell
        self.lock = threading.RLock()
        self._failures = 0
        self._began = time.monotonic()
        self.full = False
        self._space = Waiting()
        self._before = keep.load(oracle)
        # Its state is kept here, in one file.
        oracle.writes = False  # type: ignore[attr-defined]
        # The oracle would print, and raise while it holds its own lock.
        oracle.verbose = 0
        oracle.max_consecutive_failed_trials = sys.maxsize

    @property
    def spent(self) -> float:
        """Seconds of search, with those before the search was interrupted."""
        return self._before + time.monotonic() - self._began

    # What a worker asks for.

    def create_trial(self, tuner_id: str) -> Trial:
        """A trial to run; IDLE where there is none yet, STOPPED where there will be none."""
        if not 0 < len(tuner_id) <= MOST_NAME or not tuner_id.isprintable():
            raise BadCall(f"expected the name of a worker. Received {tuner_id!r:.100}")
        with self.lock:
            self.workers.add(tuner_id)
            self.expire()
            if self._space.waits and not self._save():
                for trial_id in self.leases.of(tuner_id):
                    self.leases.renew(trial_id)
                return self._wait()
            again = bool(self.oracle._retry_queue) or tuner_id in self.oracle.ongoing_trials
            if self.stopping or (self.exhausted and not again):
                return self._no_trial()
            if not again and self._over_budget():
                self.exhausted = True
                return self._no_trial()
            trial = self._asked("create_trial", tuner_id)
            if trial.status == TrialStatus.RUNNING:
                self.leases.give(trial.trial_id, tuner_id)
                if not self._save():
                    # It is handed out once it is on disk: another chief must know of it.
                    return self._wait()
                self._tell("again" if again else "began", trial)
                return copied(trial)
            if trial.status == TrialStatus.STOPPED:
                self.exhausted = True
                return self._no_trial()
            return trial

    def update_trial(
        self, trial_id: str, metrics: Mapping[str, float], step: int = 0, *, worker: str
    ) -> Trial:
        """Take the values of an epoch; the status of the answer is the oracle's decision.

        They are not written to disk before the trial ends: its worker has them, and tells again
        those that a chief that was killed does not know.
        """
        check_name(trial_id)
        check_value(self.oracle.objective.name, metrics, step)
        with self.lock:
            trial = self._held(trial_id, worker)
            answer = self._asked("update_trial", trial_id, dict(metrics), step=step)
            self._tell("epoch", trial)
            return copied(answer)

    def end_trial(self, trial: Trial, *, worker: str, message: str | None = None) -> None:
        """Take the end of a trial: COMPLETED, INVALID to be tried again, or FAILED."""
        check_name(trial.trial_id)
        with self.lock:
            if trial.trial_id in self.oracle.end_order and not self._waits(trial.trial_id):
                return  # The answer to the first call was lost on its way.
            own = self._held(trial.trial_id, worker)
            if trial.status not in ENDS:
                raise BadCall(f"expected one of {', '.join(ENDS)}. Received {trial.status}")
            if trial.status == TrialStatus.COMPLETED and not steps_of(own):
                raise BadCall(f"trial {trial.trial_id} has no value, and cannot be completed")
            ended = copied(own)
            ended.status = trial.status
            ended.message = message or trial.message
            self._end(ended)

    def get_trial(self, trial_id: str, *, worker: str) -> Trial:
        """A sign of life from the worker that runs a trial, and the trial as it is known here."""
        check_name(trial_id)
        with self.lock:
            return copied(self._held(trial_id, worker))

    # What the owner does.

    def expire(self) -> None:
        """Put back the trials of workers that have fallen silent."""
        with self.lock:
            for trial_id in self.leases.expired():
                self._silent.append(self.leases.holder(trial_id) or "")
                self.put_back(trial_id)

    def silent(self) -> list[str]:
        """The workers that have fallen silent since this was asked last."""
        with self.lock:
            self.expire()
            found, self._silent = self._silent, []
            return found

    def lost(self, worker: str) -> None:
        """Put back what a worker held that is known to be dead."""
        with self.lock:
            for trial_id in self.leases.of(worker):
                self.put_back(trial_id)

    def put_back(self, trial_id: str) -> None:
        """Let another worker continue a trial, unless its workers die without getting further."""
        with self.lock:
            trial = self.oracle.trials[trial_id]
            deaths = self.leases.died(trial_id, len(steps_of(trial)))
            if deaths >= MOST_DEATHS:
                ended = copied(trial)
                ended.status = TrialStatus.FAILED
                ended.message = f"its worker died {deaths} times without finishing another epoch"
                self._end(ended)
                return
            self._release(trial_id)
            self.oracle._retry_queue.append(trial_id)
            self._save()
            self._tell("put back", trial)

    def stop(self, reason: str) -> None:
        """Hand out no more trials."""
        with self.lock:
            self.stopping = self.stopping or reason

    @property
    def ongoing(self) -> dict[str, str]:
        """Trial -> worker, of the trials that run."""
        with self.lock:
            return {trial.trial_id: worker for worker, trial in self.oracle.ongoing_trials.items()}

    @property
    def finished(self) -> bool:
        """Whether no trial runs and none will."""
        with self.lock:
            waiting = bool(self.oracle._retry_queue) and not self.stopping
            over = self.exhausted or self.stopping is not None
            return over and not waiting and not self.oracle.ongoing_trials

    def save(self) -> None:
        """Write the state, if it is not on disk.

        Raises:
            OSError: it cannot be written.
        """
        with self.lock:
            if self._space.waits:
                self.keep.save(self.oracle, self.spent)
                self._space.over()

    # How it is done.

    def _asked(self, method: str, *arguments: Any, **named: Any) -> Trial:
        """An answer of the oracle; an error in it ends the search, for it keeps its lock then."""
        if self.stopping and self.stopping.startswith("the oracle broke"):
            raise RuntimeError(self.stopping)
        try:
            return getattr(self.oracle, method)(*arguments, **named)
        except Exception as error:
            self.stopping = f"the oracle broke: {type(error).__name__}: {error}"
            raise RuntimeError(self.stopping) from error

    def _held(self, trial_id: str, worker: str) -> Trial:
        """The trial, with its lease renewed, or `NotYours`."""
        holder = self.leases.holder(trial_id)
        if holder is None and self._waits(trial_id):
            # It runs still: the chief was restarted, or the lease ran out by a hair.
            self.oracle._retry_queue.remove(trial_id)
            self.oracle.ongoing_trials[worker] = self.oracle.trials[trial_id]
            self.leases.give(trial_id, worker)
        elif holder != worker:
            raise NotYours(f"trial {trial_id} is not leased to {worker}")
        self.leases.renew(trial_id)
        return self.oracle.trials[trial_id]

    def _waits(self, trial_id: str) -> bool:
        return trial_id in self.oracle._retry_queue

    def _end(self, trial: Trial) -> None:
        self._asked("end_trial", trial)
        self._release(trial.trial_id)
        ended = self.oracle.trials[trial.trial_id]
        if ended.status == TrialStatus.FAILED:
            self._failures += 1
        elif ended.status == TrialStatus.COMPLETED:
            self._failures = 0
        elif self._waits(trial.trial_id):
            # Before it is noted that the try is over: a kill in between costs no try.
            self._tell("retry", ended)
            self._save()
            return
        if self._failures >= self.most_failures:
            self.stop(f"{self._failures} trials in a row failed, the last because {ended.message}")
        self._save()
        self._tell("failed" if ended.status == TrialStatus.FAILED else "ended", ended)

    def _release(self, trial_id: str) -> None:
        self.leases.drop(trial_id)
        for worker, trial in list(self.oracle.ongoing_trials.items()):
            if trial.trial_id == trial_id:
                del self.oracle.ongoing_trials[worker]

    def _no_trial(self) -> Trial:
        """STOPPED; IDLE while a trial runs whose worker may yet die and leave it to another."""
        waits = bool(self.oracle.ongoing_trials) and not self.stopping
        status = TrialStatus.IDLE if waits else TrialStatus.STOPPED
        return Trial(keras_tuner.HyperParameters(), trial_id="", status=status)

    def _over_budget(self) -> bool:
        trained = sum(epochs_of(trial) for trial in self.oracle.trials.values())
        return (self.epochs is not None and trained >= self.epochs) or (
            self.seconds is not None and self.spent >= self.seconds
        )

    def _wait(self) -> Trial:
        """No trial before there is space on the disk."""
        if self.full:
            return self._no_trial()
        return Trial(keras_tuner.HyperParameters(), trial_id="", status=TrialStatus.IDLE)

    def _save(self) -> bool:
        """Write the state; where the disk is full, the next call does.

        Returns:
            Whether it is on disk.
        """
        try:
            self.keep.save(self.oracle, self.spent)
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


def check_name(trial_id: str) -> None:
    """Refuse what is no name of a trial.

    Raises:
        BadCall: it is none.
    """
    if not is_trial_id(trial_id):
        raise BadCall(f"expected the number of a trial. Received {trial_id!r:.100}")


def check_value(objective: str, metrics: Mapping[str, float], step: int) -> None:
    """Refuse what is no value of an epoch.

    Raises:
        BadCall: it is another metric than the objective, not finite, or of no epoch.
    """
    if set(metrics) != {objective} or not math.isfinite(metrics[objective]):
        raise BadCall(
            f"expected a finite value of {objective}. Received {str(dict(metrics))[:200]}"
        )
    if not 1 <= step <= MOST_EPOCHS:
        raise BadCall(f"expected an epoch from 1 to {MOST_EPOCHS}. Received {step}")


def steps_of(trial: Trial) -> set[int]:
    """The epochs of which values were reported."""
    return {
        observation.step
        for history in trial.metrics.metrics.values()
        for observation in history.get_history()
    }


def epochs_of(trial: Trial) -> int:
    """The epochs that a trial has trained, without those of the trial that it continues."""
    before = trial.hyperparameters.values.get("tuner/initial_epoch", 0)
    return max(0, max(steps_of(trial), default=0) - before)


def copied(trial: Trial) -> Trial:
    """A trial of its own, as a worker behind a network has it."""
    return Trial.from_state(trial.get_state())
