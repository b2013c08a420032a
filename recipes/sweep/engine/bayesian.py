"""keras-tuner's Bayesian search, for a sweep: its model, asked about settings that can be tried."""

import warnings
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus

from ..spec.domains import to_unit
from ..spec.records import Sweep
from .base import SweepOracle, common, running
from .hyperparameters import decoded, searched

# Settings asked about: drawn from everywhere, and then around the best of them.
DRAWN = 250
AROUND = 50
STEPS = (0.1, 0.03, 0.01)
RESTARTS = 4


class BayesianSearch(SweepOracle, keras_tuner.oracles.BayesianOptimizationOracle):
    """Settings where a Gaussian process expects the best: the lowest mean - beta * deviation.

    The model is keras-tuner's. Its search for the lowest point moves in a continuous cube, where
    most points are no settings; here it is asked about settings alone, those that satisfy the
    constraints. keras-tuner also draws differently after it is resumed, as its random state is not
    kept, and breaks on a trial that waits to be run again; here the n-th trial's draws depend on n.

    Args:
        sweep: a sweep whose algorithm is `bayesian`.
    """

    def __init__(self, sweep: Sweep):
        arguments = sweep.algorithm.arguments
        super().__init__(
            max_trials=sweep.trials,  # type: ignore[arg-type]
            num_initial_points=arguments["initial_points"],
            alpha=arguments["alpha"],
            beta=arguments["beta"],
            **common(sweep),
        )
        self.bind(sweep)
        self.gpr.n_restarts_optimizer = RESTARTS

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        done = [row for row in self.trials.values() if row.status == TrialStatus.COMPLETED]
        first = self.num_initial_points or 3 * max(1, len(searched(self.sweep)))
        if len(done) < first:
            return self._random_populate_space()
        self._fit(done)
        source = np.random.default_rng([self.seed, len(self.start_order)])
        size = len(searched(self.sweep))
        best = self._lowest(source.random((DRAWN, size)))
        for step in STEPS:
            if best is None:
                break
            near = np.clip(best[1] + source.normal(0.0, step, (AROUND, size)), 0.0, 1.0)
            better = self._lowest(near)
            best = best if better is None or better[0] >= best[0] else better
        return self._random_populate_space() if best is None else running(best[2])

    def _fit(self, done: list[Trial]) -> None:
        """Fit the model to what came of the trials; of those that run, to a pessimistic guess."""
        open_ = [row for row in self.trials.values() if row.status == TrialStatus.RUNNING]
        x = np.array([self._shares(trial.hyperparameters.values) for trial in done])
        y = np.array([self.worse_first(trial) for trial in done])
        # A value that overflowed is as bad as the worst that did not.
        y = np.minimum(y, max(y[np.isfinite(y)], default=0.0))
        with warnings.catch_warnings():
            # A length scale at its bound says that a parameter does not matter.
            warnings.simplefilter("ignore")
            self.gpr.fit(x, y)
            if open_:
                guesses = np.array([self._shares(row.hyperparameters.values) for row in open_])
                mean, deviation = self.gpr.predict(guesses, return_std=True)
                worse = mean + deviation
                self.gpr.fit(np.concatenate([x, guesses]), np.concatenate([y, worse]))

    def _lowest(self, cube: np.ndarray) -> tuple[float, np.ndarray, dict[str, Any]] | None:
        """Bound, shares and values of the setting with the lowest bound; None where none is new."""
        names = [name for name, _ in searched(self.sweep)]
        rows = [self.setting(dict(zip(names, shares, strict=True))) for shares in cube]
        rows = [row for row in rows if not self._duplicate(row) and self.allows(row)]
        if not rows:
            return None
        shares = np.array([self._shares(row) for row in rows])
        predicted: Any = self.gpr.predict(shares, return_std=True)
        bound = predicted[0] - self.beta * predicted[1]
        index = int(np.argmin(bound))
        return float(bound[index]), shares[index], rows[index]

    def _shares(self, values: dict[str, Any]) -> list[float]:
        """A setting as a point of the unit cube."""
        return [
            to_unit(parameter.domain, decoded(parameter.domain, values[name]))
            for name, parameter in searched(self.sweep)
        ]

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.gpr.n_restarts_optimizer = RESTARTS
