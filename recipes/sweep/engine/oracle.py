"""What every oracle of a sweep does beyond keras-tuner's own: constraints, seeds, decisions."""

import hashlib
import random
import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import TypedDict

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from ...errors import RecipeError
from ..spec.records import Sweep
from ..spec.trial import satisfied
from .hyperparameters import (
    ORACLE_PREFIX,
    active_of,
    hyperparameters,
    kept_values,
    searched,
)
from .trial import Decision

# The answers of an oracle that waits for a trial to end, and of one that is done.


class Answer(TypedDict):
    """What an oracle answers to the question for the next trial, as keras-tuner reads it."""

    status: str
    values: dict[str, object] | None


IDLE: Answer = {"status": TrialStatus.IDLE, "values": None}
STOPPED: Answer = {"status": TrialStatus.STOPPED, "values": None}
# Draws that were tried before or break a constraint, before a space counts as exhausted.
MAX_DRAWS = 2000


class SweepOracle(keras_tuner.Oracle):
    """The base of every oracle, in front of keras-tuner's own where there is one.

    - Settings satisfy the constraints, and none is tried twice.
    - The seed is hashed: keras-tuner adds one to it for every value drawn, so that neighbouring
      seeds would give the same search shifted by a value, and it ignores seed 0.
    - The n-th random setting depends on the seed and n alone, not on the order in which trials end.
    - An epoch that is reported twice, by a worker that was restarted, counts once.
    - It writes no files; `oracle_state` keeps the state of a search in one.

    Args:
        sweep: the sweep.
        arguments: further arguments of keras-tuner's oracle.
    """

    def __init__(self, sweep: Sweep, **arguments: object):
        self.sweep = sweep
        super().__init__(
            objective=keras_tuner.Objective(sweep.objective.metric, sweep.objective.direction),
            hyperparameters=hyperparameters(sweep),
            tune_new_entries=False,
            allow_new_entries=False,
            seed=hashed_seed(sweep.seed),
            max_retries_per_trial=sweep.retries,
            # keras-tuner would raise while it holds its lock; `Chief` counts them.
            max_consecutive_failed_trials=2**63,
            **arguments,
        )
        self.verbose = 0

    # Drawing settings.

    def draw(
        self,
        pick: Callable[[str, float], float] = lambda name, fraction: fraction,
        extra: Mapping[str, object] | None = None,
    ) -> dict[str, object] | None:
        """A setting that is new and satisfies the constraints; None where none is found.

        Args:
            pick: name and a random number of the unit interval -> the one to use.
            extra: values that the trial gets beside its setting.
        """
        names = [name for name, _ in searched(self.sweep)]
        for _ in range(MAX_DRAWS):
            source = random.Random(self._seed_state)
            self._seed_state += 1
            fractions = {name: pick(name, source.random()) for name in names}
            values = {**self.setting(fractions), **(extra or {})}
            if self.is_new(values) and self.allows(values):
                return values
        return None

    def setting(self, fractions: Mapping[str, float]) -> dict[str, object]:
        """keras-tuner's values for a point of the unit cube."""
        values = {
            name: parameter.domain.encode(parameter.domain.from_unit(fractions[name]))
            for name, parameter in searched(self.sweep)
        }
        return kept_values(self.sweep, values)

    def is_new(self, values: Mapping[str, object]) -> bool:
        """Whether no trial has had these values of keras-tuner's."""
        return not self._duplicate(values)

    def allows(self, values: Mapping[str, object]) -> bool:
        """Whether the constraints hold for keras-tuner's values of a trial."""
        try:
            return satisfied(self.sweep, active_of(self.sweep, values))
        except RecipeError:
            # A setting that makes no recipe is a trial that fails and says why.
            return True
        except ValueError:
            return False

    def random(self) -> Answer:
        """The answer with a random setting, if there is a new one."""
        values = self.draw()
        return STOPPED if values is None else running(values)

    def _random_values(self) -> dict[str, object] | None:
        return self.draw()  # keras-tuner's Hyperband asks for it.

    def _compute_values_hash(self, values: Mapping[str, object]) -> str:
        setting = {key: values[key] for key in values if not key.startswith(ORACLE_PREFIX)}
        return super()._compute_values_hash(setting)

    @property
    def waiting(self) -> list[str]:
        """Trials that wait for a worker to continue or retry them."""
        return self._retry_queue

    def is_busy(self) -> bool:
        """Whether a trial runs, or waits for a worker, from which more may follow."""
        return bool(self.ongoing_trials or self.waiting)

    def done_or_idle(self) -> Answer:
        """The answer where there is nothing to try now."""
        return IDLE if self.is_busy() else STOPPED

    def _retry(self, trial: Trial) -> bool:
        """Whether a failed trial is tried again; keras-tuner's own prints to the terminal."""
        if trial.status != TrialStatus.INVALID:
            return False
        if self._run_times[trial.trial_id] > self.max_retries_per_trial:
            trial.status = TrialStatus.FAILED
            return False
        self.waiting.append(trial.trial_id)
        return True

    # Values of the objective.

    def report(self, trial_id: str, epoch: int, value: float) -> Decision:
        """Take the value of the objective after an epoch, from 1, and decide on the trial."""
        return self.decision(
            self.update_trial(trial_id, {self.objective.name: value}, epoch), epoch
        )

    @keras_tuner.synchronized
    def update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int = 0) -> Trial:
        """Take the values of an epoch, in the place of values that were reported for it before."""
        for name in metrics:
            tracked = self.trials[trial_id].metrics.metrics.get(name)
            if tracked is not None:
                tracked._observations.pop(step, None)
        return super().update_trial(trial_id, metrics, step=step)

    def decision(self, trial: Trial, epoch: int) -> Decision:
        """Whether a trial is worth more epochs."""
        return Decision.CONTINUE

    def best_until(self, trial: Trial, epoch: int) -> float | None:
        """The best value of a trial's objective in its epochs up to one; None without any."""
        values = [value for step, value in self.curve(trial) if step <= epoch]
        return None if not values else (min if self.minimizes else max)(values)

    def curve(self, trial: Trial) -> list[tuple[int, float]]:
        """Epoch and value of the objective, in order, of the epochs that were reported."""
        if not trial.metrics.exists(self.objective.name):
            return []
        history = trial.metrics.get_history(self.objective.name)
        return [(int(row.step), statistics.fmean(row.value)) for row in history]

    @property
    def minimizes(self) -> bool:
        """Whether less is better."""
        return self.objective.direction == "min"

    def loss(self, trial: Trial) -> float:
        """A number that is small for a good trial; infinite for one without a score."""
        if trial.status != TrialStatus.COMPLETED or trial.score is None:
            return float("inf")
        return trial.score if self.minimizes else -trial.score

    def ranked(self, trials: Iterable[Trial]) -> list[Trial]:
        """Those of the trials that were completed, best first."""
        done = [trial for trial in trials if trial.status == TrialStatus.COMPLETED]
        return sorted(done, key=lambda trial: (self.loss(trial), trial.trial_id))

    # The state.

    def save(self) -> None:
        pass

    def _save_trial(self, trial: Trial) -> None:
        pass

    def get_state(self) -> dict[str, object]:
        state = super().get_state()
        # A set has no order, and a state is the same wherever it is written.
        state["tried_so_far"] = sorted(state["tried_so_far"])
        return state


def hashed_seed(seed: int) -> int:
    """A seed far from that of its neighbours, and never 0.

    >>> hashed_seed(0) != 0, abs(hashed_seed(1) - hashed_seed(2)) > 1000
    (True, True)
    """
    digest = hashlib.sha256(f"sweep {seed}".encode()).digest()
    return 1 + int.from_bytes(digest[:4], "big") % (2**31 - 2)


def ended(trial: Trial) -> bool:
    """Whether a trial has ended for good."""
    return trial.status in (TrialStatus.COMPLETED, TrialStatus.FAILED)


def running(values: dict[str, object]) -> Answer:
    """The answer of an oracle that has a setting to try."""
    return {"status": TrialStatus.RUNNING, "values": values}
