"""The oracle of a sweep, and the life of its trials: every transition of it stands here.

    next_trial                report: epoch by epoch
    (new) ----> running ----> end(COMPLETED, STOPPED) ----> ended, with a score
                 |   ^  ----> end(FAILED), end(CRASHED) ---> ended, without one
        put_back,|   | next_trial, take
    end(CRASHED) v   |
                waiting         (CRASHED waits for as many retries as the sweep allows)

Whatever is keras-tuner's own about a trial, its private names among them, stays inside of `engine`.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TypeVar

from keras_tuner.engine import trial as kt

from ..spec.algorithms import ALGORITHMS
from ..spec.records import Sweep
from .coarse_to_fine import CoarseToFineSearch, Round
from .hyperparameters import INITIAL_EPOCH
from .oracle import SweepOracle
from .trial import Decision, NoTrial, Trial, TrialOutcome

T = TypeVar("T")

# What a worker may report as the end of a trial, as keras-tuner calls it.
STATUS = {
    TrialOutcome.COMPLETED: kt.TrialStatus.COMPLETED,
    TrialOutcome.STOPPED: kt.TrialStatus.COMPLETED,
    TrialOutcome.FAILED: kt.TrialStatus.FAILED,
    TrialOutcome.CRASHED: kt.TrialStatus.INVALID,
}
OUTCOME = {
    kt.TrialStatus.COMPLETED: TrialOutcome.COMPLETED,
    kt.TrialStatus.FAILED: TrialOutcome.FAILED,
    kt.TrialStatus.INVALID: TrialOutcome.CRASHED,
}


def make_oracle(sweep: Sweep) -> SweepOracle:
    """The oracle that a sweep asks for."""
    module, _, name = ALGORITHMS[sweep.algorithm.name].oracle.partition(".")
    oracle: type[SweepOracle] = getattr(import_module(f".{module}", __package__), name)
    return oracle(sweep)


class OracleError(RuntimeError):
    """The oracle raised an error. It cannot be used any more: it still holds its own lock."""


class Search:
    """The trials of a sweep, and the oracle that chooses them.

    It is not safe for threads: `Chief` lets in one call at a time.

    Attributes:
        oracle: one of keras-tuner's.
        stopped: trials that the search ended early.
        error: why the oracle cannot be used any more; None while it can.
    """

    def __init__(self, oracle: SweepOracle):
        self.oracle = oracle
        self.stopped: set[str] = set()
        self.error: OracleError | None = None

    @property
    def objective(self) -> str:
        """Name of the metric that decides."""
        return self.oracle.objective.name

    # The state of trials.

    def trial(self, trial_id: str) -> Trial:
        """The present state of a trial."""
        found = self.oracle.trials[trial_id]
        outcome = OUTCOME.get(found.status)
        if trial_id in self.stopped and outcome is TrialOutcome.COMPLETED:
            outcome = TrialOutcome.STOPPED
        return Trial(
            trial_id,
            dict(found.hyperparameters.values),
            outcome,
            None if found.score is None else float(found.score),
            found.message or "",
            dict(self.oracle.curve(found)),
        )

    def trials(self) -> list[Trial]:
        """Every trial, in the order in which they started."""
        return [self.trial(name) for name in self.oracle.start_order]

    @property
    def running(self) -> dict[str, str]:
        """Trial -> worker, of the trials that run."""
        return {trial.trial_id: worker for worker, trial in self.oracle.ongoing_trials.items()}

    @property
    def waiting(self) -> list[str]:
        """Trials that wait for a worker to continue or retry them."""
        return self.oracle.waiting

    def has_ended(self, trial_id: str) -> bool:
        """Whether a trial has ended for good."""
        return trial_id in self.oracle.end_order and trial_id not in self.waiting

    def epochs(self) -> int:
        """Epochs trained in all trials, those of a parent not counted again."""
        return sum(
            max(0, max(trial.reported, default=0) - trial.settings.get(INITIAL_EPOCH, 0))
            for trial in self.trials()
        )

    def rounds(self) -> list[Round] | None:
        """The rounds of a coarse-to-fine search; None of another one."""
        return self.oracle.rounds() if isinstance(self.oracle, CoarseToFineSearch) else None

    # Transitions.

    def next_trial(self, worker: str) -> Trial | NoTrial:
        """Start a new trial, continue one that waits, or return the one that the worker runs."""
        found = self._call(self.oracle.create_trial, worker)
        if found.status == kt.TrialStatus.STOPPED:
            return NoTrial.DONE
        if found.status == kt.TrialStatus.IDLE:
            return NoTrial.WAIT
        return self.trial(found.trial_id)

    def take(self, trial_id: str, worker: str) -> None:
        """Give a trial that waits to a worker that still runs it."""
        self.waiting.remove(trial_id)
        self.oracle.ongoing_trials[worker] = self.oracle.trials[trial_id]

    def report(self, trial_id: str, epoch: int, value: float) -> Decision:
        """Take the value of the objective after an epoch, from 1."""
        return self._call(self.oracle.report, trial_id, epoch, value)

    def put_back(self, trial_id: str) -> None:
        """Let another worker continue a trial that runs."""
        self._release(trial_id)
        self.waiting.append(trial_id)

    def end(self, trial_id: str, outcome: TrialOutcome, message: str) -> Trial:
        """End a trial that runs; one that crashed then waits, or has failed for good."""
        if outcome is TrialOutcome.STOPPED:
            self.stopped.add(trial_id)
        known = self.oracle.trials[trial_id].hyperparameters.copy()
        ended = kt.Trial(known, trial_id, STATUS[outcome], message or None)
        self._call(self.oracle.end_trial, ended)
        self._release(trial_id)
        return self.trial(trial_id)

    def _release(self, trial_id: str) -> None:
        for worker, trial in list(self.oracle.ongoing_trials.items()):
            if trial.trial_id == trial_id:
                del self.oracle.ongoing_trials[worker]

    def _call(self, method: Callable[..., T], *arguments: object) -> T:
        if self.error is not None:
            raise self.error
        try:
            return method(*arguments)
        except Exception as error:
            self.error = OracleError(f"the oracle broke: {type(error).__name__}: {error}")
            raise self.error from error
