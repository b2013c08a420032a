"""A worker: asks for a trial, trains it, tells what came of it, asks for the next."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from keras_tuner.engine.trial import Trial, TrialStatus

from ..spec.records import Sweep
from .chief import NotYours, steps_of
from .client import ChiefGone, Client
from .leases import LEASE_SECONDS
from .plan import plan_of
from .space import lacks_space
from .training import CONTINUE, STOP, GivenUp
from .trial import Interrupted, Outcome, Trainer

# Signs of life in the length of a lease.
BEATS = 5
# Seconds until a worker that got no trial asks again.
PAUSE = 0.2


@contextmanager
def only_new_garbage() -> Iterator[None]:
    """Let collections of garbage leave alone what is there now.

    Keras collects garbage whenever it forgets a model, before each trial. What TensorFlow has
    imported makes that last a quarter of a second; nothing of it is ever garbage.
    """
    if gc.get_freeze_count():
        # Somebody else has, and will end it.
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


class Heart:
    """Signs of life for a trial, from a thread of their own, while the trial trains.

    Attributes:
        lost: why the trial is no longer this worker's; None while it is.
    """

    def __init__(self, client: Client, trial_id: str, seconds: float):
        self.client = client
        self.trial_id = trial_id
        self.seconds = seconds
        self.lost: Exception | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> "Heart":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _beat(self) -> None:
        while not self._over.wait(self.seconds):
            try:
                self.client.alive(self.trial_id)
            except (NotYours, ChiefGone) as error:
                if not self._over.is_set():
                    self.lost = error
                return


class Worker:
    """Works on a sweep until there is nothing left to do.

    Args:
        sweep: the sweep.
        client: the way to the chief.
        trainer: carries a trial out.
        lease: seconds of a lease.

    Attributes:
        done: trials that were carried out.
    """

    def __init__(
        self, sweep: Sweep, client: Client, trainer: Trainer, *, lease: float = LEASE_SECONDS
    ):
        self.sweep = sweep
        self.client = client
        self.trainer = trainer
        self.lease = lease
        self.done = 0

    def work(self, go_on: Callable[[], bool] = lambda: True) -> None:
        """Carry out trials, one after another.

        Raises:
            Interrupted: a signal ended a training.
            ChiefGone: there is nobody to work for.
            OSError: the disk was full for as long as a sweep waits.
        """
        with only_new_garbage():
            while go_on():
                trial = self.client.create_trial()
                if trial.status == TrialStatus.STOPPED:
                    return
                if trial.status == TrialStatus.IDLE:
                    time.sleep(PAUSE)
                    continue
                self.carry_out(trial)
                self.done += 1

    def carry_out(self, trial: Trial) -> None:
        """Train a trial and tell the chief how it ended."""
        with Heart(self.client, trial.trial_id, self.lease / BEATS) as heart:
            try:
                outcome = self._train(trial, heart)
            except GivenUp:
                if isinstance(heart.lost, ChiefGone):
                    raise heart.lost from None
                return  # Somebody else has it.
        if heart.lost is None:
            self._end(trial, outcome)

    def _train(self, trial: Trial, heart: Heart) -> Outcome:
        metric = self.sweep.objective.metric
        known = steps_of(trial)

        def report(epoch: int, value: float) -> str:
            if epoch in known:
                return CONTINUE
            try:
                answer = self.client.update_trial(trial.trial_id, {metric: value}, epoch)
            except (NotYours, ChiefGone) as error:
                heart.lost = error
            if heart.lost is not None:
                # In the middle of a training any other error would count as its failure.
                raise GivenUp
            return CONTINUE if answer.status == TrialStatus.RUNNING else STOP

        try:
            return self.trainer.run(plan_of(self.sweep, trial), report)
        except Interrupted:
            raise
        except Exception as error:
            if lacks_space(error):
                # Nothing is wrong with the trial; the sweep ends, and continues it later.
                raise
            # One bad trial is a row of the table, never the end of the search.
            return Outcome(TrialStatus.INVALID, f"{type(error).__name__}: {error}")

    def _end(self, trial: Trial, outcome: Outcome) -> None:
        metric = self.sweep.objective.metric
        try:
            known = steps_of(self.client.alive(trial.trial_id))
            for epoch, value in outcome.curve:
                if epoch not in known:
                    self.client.update_trial(trial.trial_id, {metric: value}, epoch)
            trial.status, trial.message = outcome.status, outcome.reason or None
            self.client.end_trial(trial)
        except NotYours:
            return
