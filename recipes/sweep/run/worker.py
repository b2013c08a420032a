"""A worker: asks for a trial, trains it, reports how it ended, asks for the next."""

import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from ...garbage import only_new_garbage
from ..engine.trial import Decision, NoTrial, Trial, TrialOutcome, plan_of
from ..spec.records import Sweep
from .chief import Chief, LeaseLost
from .leases import LEASE_SECONDS
from .trial import Trainer, TrialResult

T = TypeVar("T")
# Heartbeats in the length of a lease.
BEATS = 5
# Seconds until a worker that got no trial asks again.
PAUSE = 0.2


class ChiefGone(Exception):
    """The chief did not answer for as long as the worker waits, or cannot continue."""


class Client(Protocol):
    """What a worker asks a chief, in the same process or over a network."""

    def next_trial(self) -> Trial | NoTrial: ...
    def report(self, trial_id: str, epoch: int, value: float) -> Decision: ...
    def end(self, trial_id: str, outcome: TrialOutcome, message: str) -> None: ...
    def heartbeat(self, trial_id: str) -> Trial: ...


class LocalClient:
    """A chief in the same process."""

    def __init__(self, chief: Chief, worker: str = "worker0"):
        self.chief = chief
        self.worker = worker

    def next_trial(self) -> Trial | NoTrial:
        return _answered(lambda: self.chief.next_trial(self.worker))

    def report(self, trial_id: str, epoch: int, value: float) -> Decision:
        return _answered(lambda: self.chief.report(trial_id, epoch, value, worker=self.worker))

    def end(self, trial_id: str, outcome: TrialOutcome, message: str) -> None:
        _answered(lambda: self.chief.end(trial_id, outcome, message, worker=self.worker))

    def heartbeat(self, trial_id: str) -> Trial:
        return _answered(lambda: self.chief.heartbeat(trial_id, worker=self.worker))


def _answered(call: Callable[[], T]) -> T:
    """The answer to a call; a chief whose oracle raised an error counts as gone."""
    try:
        return call()
    except RuntimeError as error:
        raise ChiefGone(str(error)) from error


class Heartbeat:
    """Renews the lease of a trial from a thread while the trial trains.

    Attributes:
        error: why the trial is no longer this worker's; None while it is.
    """

    def __init__(self, client: Client, trial_id: str, seconds: float):
        self.client = client
        self.trial_id = trial_id
        self.seconds = seconds
        self.error: LeaseLost | ChiefGone | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _beat(self) -> None:
        while not self._over.wait(self.seconds):
            try:
                self.client.heartbeat(self.trial_id)
            except (LeaseLost, ChiefGone) as error:
                if not self._over.is_set():
                    self.error = error
                return


class Worker:
    """Works on a sweep until there is nothing left to do.

    Args:
        sweep: the sweep.
        client: the connection to the chief.
        trainer: trains a trial.
        lease: seconds of a lease.

    Attributes:
        done: number of trials that were carried out.
    """

    def __init__(
        self, sweep: Sweep, client: Client, trainer: Trainer, *, lease: float = LEASE_SECONDS
    ):
        self.sweep = sweep
        self.client = client
        self.trainer = trainer
        self.lease = lease
        self.done = 0

    def work(self, more: Callable[[], bool] = lambda: True) -> TrialOutcome | None:
        """Carry out trials, one after another, while there are `more` to do.

        Returns:
            INTERRUPTED or OUT_OF_SPACE, if the last trial ended that way; None otherwise.

        Raises:
            ChiefGone: the chief does not answer any more.
        """
        with only_new_garbage():
            while more():
                trial = self.client.next_trial()
                if trial is NoTrial.DONE:
                    return None
                if isinstance(trial, NoTrial):
                    time.sleep(PAUSE)
                    continue
                outcome = self.carry_out(trial)
                if outcome in (TrialOutcome.INTERRUPTED, TrialOutcome.OUT_OF_SPACE):
                    return outcome
                self.done += 1
        return None

    def carry_out(self, trial: Trial) -> TrialOutcome | None:
        """Train a trial and report how it ended; None where another worker has it now."""
        with Heartbeat(self.client, trial.trial_id, self.lease / BEATS) as heartbeat:
            result = self._train(trial, heartbeat)
        if isinstance(heartbeat.error, ChiefGone):
            raise heartbeat.error
        if heartbeat.error is not None:
            return None
        if result.outcome not in (TrialOutcome.INTERRUPTED, TrialOutcome.OUT_OF_SPACE):
            self._end(trial, result)
        return result.outcome

    def _train(self, trial: Trial, heartbeat: Heartbeat) -> TrialResult:
        def report(epoch: int, value: float) -> Decision:
            if epoch in trial.reported:
                return Decision.CONTINUE
            try:
                decision = self.client.report(trial.trial_id, epoch, value)
            except (LeaseLost, ChiefGone) as error:
                heartbeat.error = error
                decision = Decision.PAUSE
            # Another worker continues it from the checkpoint of a pause.
            return decision if heartbeat.error is None else Decision.PAUSE

        return self.trainer.run(plan_of(self.sweep, trial), report)

    def _end(self, trial: Trial, result: TrialResult) -> None:
        try:
            known = self.client.heartbeat(trial.trial_id).reported
            for epoch, value in result.curve:
                if epoch not in known:
                    self.client.report(trial.trial_id, epoch, value)
            self.client.end(trial.trial_id, result.outcome, result.reason)
        except LeaseLost:
            return
