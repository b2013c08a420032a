"""What every oracle of a sweep does beyond keras-tuner's own: constraints, seeds, whole files."""

import hashlib
import json
import random
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from .... import disk
from ...errors import RecipeError
from ..spec.domains import from_unit
from ..spec.records import Sweep
from ..spec.trial import satisfied
from .hyperparameters import (
    ORACLE_PREFIX,
    active_of,
    encoded,
    hyperparameters,
    kept_values,
    searched,
)

# Draws in vain, because they were tried or break a constraint, before a space counts as exhausted.
MOST_DRAWS = 2000
# What a worker does after an epoch, by the status that answers its report.
WORDS = {
    TrialStatus.RUNNING: "continue",
    TrialStatus.STOPPED: "stop",
    TrialStatus.IDLE: "pause",
}


class SweepOracle(keras_tuner.Oracle):
    """Mixed into each of keras-tuner's oracles, before it.

    - Settings satisfy the constraints, and none is tried twice.
    - The seed is spread out: keras-tuner counts one up with every value drawn, so that the searches
      of neighbouring seeds would be the same search moved by a value, and it takes seed 0 for none.
    - The n-th random setting depends on the seed and n alone, not on the order in which trials end.
    - An epoch that is reported twice, by a worker that began again, counts once.
    - Files are written whole, and a failure leaves the oracle usable.
    """

    sweep: Sweep
    # Whether it writes keras-tuner's own files, one for itself and one for each trial.
    writes = True

    def bind(self, sweep: Sweep) -> "SweepOracle":
        """Make this the oracle of a sweep."""
        self.sweep = sweep
        self.verbose = 0
        return self

    # Drawing settings.

    def draw(
        self,
        pick: Callable[[str, float], float] = lambda name, share: share,
        extra: Mapping[str, Any] | None = None,
    ) -> dict[str, Any] | None:
        """A setting that is new and satisfies the constraints; None where none is found.

        Args:
            pick: name and a random share of the unit interval -> the share to take.
            extra: what the trial is told beside its setting.
        """
        names = [name for name, _ in searched(self.sweep)]
        for _ in range(MOST_DRAWS):
            source = random.Random(self._seed_state)
            self._seed_state += 1
            shares = {name: pick(name, source.random()) for name in names}
            values = {**self.setting(shares), **(extra or {})}
            if not self._duplicate(values) and self.allows(values):
                return values
        return None

    def setting(self, shares: Mapping[str, float]) -> dict[str, Any]:
        """keras-tuner's values for a share of each domain, from 0 to 1."""
        values = {
            name: encoded(parameter.domain, from_unit(parameter.domain, shares[name]))
            for name, parameter in searched(self.sweep)
        }
        return kept_values(self.sweep, values)

    def allows(self, values: Mapping[str, Any]) -> bool:
        """Whether the constraints hold for keras-tuner's values of a trial."""
        try:
            return satisfied(self.sweep, active_of(self.sweep, values))
        except RecipeError:
            # A setting that makes no recipe is a trial that fails and says why.
            return True
        except ValueError:
            return False

    def _random_values(self) -> dict[str, Any] | None:
        return self.draw()

    def _compute_values_hash(self, values: Mapping[str, Any]) -> str:
        setting = {key: values[key] for key in values if not key.startswith(ORACLE_PREFIX)}
        return super()._compute_values_hash(setting)

    def waits(self) -> bool:
        """Whether a trial runs, or waits to run again, from which more may follow."""
        return bool(self.ongoing_trials or self._retry_queue)

    def done_or_idle(self) -> dict[str, Any]:
        """The answer where there is nothing to try now."""
        return idle() if self.waits() else stopped()

    def _retry(self, trial: Trial) -> bool:
        """Whether a failed trial is tried again; keras-tuner's own prints to the terminal."""
        if trial.status != TrialStatus.INVALID:
            return False
        if self._run_times[trial.trial_id] > self.max_retries_per_trial:
            trial.status = TrialStatus.FAILED
            return False
        self._retry_queue.append(trial.trial_id)
        return True

    # What comes back.

    @keras_tuner.synchronized
    def update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int = 0) -> Trial:
        """Take the values of an epoch, counted from 1; the answer's status is the decision.

        RUNNING: go on. STOPPED: end the trial, it is not worth its epochs. IDLE: pause it.
        """
        for name in metrics:
            tracked = self.trials[trial_id].metrics.metrics.get(name)
            if tracked is not None:
                tracked._observations.pop(step, None)
        trial = super().update_trial(trial_id, metrics, step=step)
        status = self.decision(trial, step)
        if status == TrialStatus.RUNNING:
            return trial
        answer = Trial.from_state(trial.get_state())
        answer.status = status
        return answer

    def decision(self, trial: Trial, epoch: int) -> str:
        """What a trial is to do after an epoch: RUNNING, STOPPED or IDLE."""
        return TrialStatus.RUNNING

    def report(self, trial_id: str, epoch: int, value: float) -> str:
        """`continue`, `stop` or `pause`, for the value of the objective after an epoch, from 1."""
        return WORDS[self.update_trial(trial_id, {self.objective.name: value}, epoch).status]

    def value_until(self, trial: Trial, epoch: int) -> float | None:
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

    def worse_first(self, trial: Trial) -> float:
        """A number that is small for a good trial; infinite for one without a score."""
        if trial.status != TrialStatus.COMPLETED or trial.score is None:
            return float("inf")
        return trial.score if self.minimizes else -trial.score

    # The state on disk, where keras-tuner's own tuners keep it.

    def save(self) -> None:
        if self.writes:
            _write_whole(Path(self._get_oracle_fname()), self.get_state())

    def _save_trial(self, trial: Trial) -> None:
        if self.writes:
            folder = Path(self._get_trial_dir(trial.trial_id))
            _write_whole(folder / "trial.json", trial.get_state())

    def get_state(self) -> dict[str, Any]:
        state = super().get_state()
        # A set has no order, and a state is the same wherever it is written.
        state["tried_so_far"] = sorted(state["tried_so_far"])
        return state


def spread(seed: int) -> int:
    """A seed far from that of its neighbours, and never 0.

    >>> spread(0) != 0, abs(spread(1) - spread(2)) > 1000
    (True, True)
    """
    digest = hashlib.sha256(f"sweep {seed}".encode()).digest()
    return 1 + int.from_bytes(digest[:4], "big") % (2**31 - 2)


def common(sweep: Sweep) -> dict[str, Any]:
    """The arguments that every oracle of keras-tuner takes."""
    return {
        "objective": keras_tuner.Objective(sweep.objective.metric, sweep.objective.direction),
        "hyperparameters": hyperparameters(sweep),
        "tune_new_entries": False,
        "allow_new_entries": False,
        "seed": spread(sweep.seed),
        "max_retries_per_trial": sweep.retries,
        "max_consecutive_failed_trials": sweep.max_consecutive_failures,
    }


def stopped() -> dict[str, Any]:
    """The answer of an oracle that is done."""
    return {"status": TrialStatus.STOPPED, "values": None}


def idle() -> dict[str, Any]:
    """The answer of an oracle that waits for a trial to end."""
    return {"status": TrialStatus.IDLE, "values": None}


def running(values: dict[str, Any]) -> dict[str, Any]:
    """The answer of an oracle that has a setting to try."""
    return {"status": TrialStatus.RUNNING, "values": values}


def _write_whole(path: Path, state: Any) -> None:
    """Write JSON, whole or not at all."""
    text = json.dumps(state, default=_plain)
    disk.when_there_is_space(lambda: disk.write_text(path, text))


def _plain(value: Any) -> Any:
    """Numbers of numpy as numbers; sets, which oracles keep, as lists."""
    return value.item() if hasattr(value, "item") else sorted(value)
