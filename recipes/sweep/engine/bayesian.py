"""Bayesian search: a model of the objective, over settings that can be tried."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

from ..spec.records import Sweep
from .hyperparameters import searched
from .oracle import Answer, SweepOracle, running

# Candidates: drawn from the whole space, and then around the best of them.
DRAWN = 250
AROUND = 50
STEPS = (0.1, 0.03, 0.01)
RESTARTS = 4


class BayesianSearch(SweepOracle):
    """Settings where a Gaussian process expects the best: the lowest mean - beta * deviation.

    The model is that of keras-tuner's Bayesian search, whose own search for the lowest point moves
    in a continuous cube, where most points are not settings; here only settings that satisfy the
    constraints are candidates. keras-tuner also draws differently after it is resumed, as its
    random state is not stored, and breaks on a trial that waits for a retry; here the draws of the
    n-th trial depend on n alone.

    Args:
        sweep: a sweep whose algorithm is `bayesian`.
    """

    def __init__(self, sweep: Sweep):
        super().__init__(sweep, max_trials=sweep.trials)
        arguments = sweep.algorithm.arguments
        self.initial_points = arguments["initial_points"] or 3 * max(1, len(searched(sweep)))
        self.beta = float(arguments["beta"])
        self.model = GaussianProcessRegressor(
            kernel=Matern(nu=2.5),
            n_restarts_optimizer=RESTARTS,
            normalize_y=True,
            alpha=arguments["alpha"],
            random_state=self.seed,
        )

    def populate_space(self, trial_id: str) -> Answer:
        done = [row for row in self.trials.values() if row.status == TrialStatus.COMPLETED]
        if len(done) < self.initial_points:
            return self.random()
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
        return self.random() if best is None else running(best[2])

    def _fit(self, done: list[Trial]) -> None:
        """Fit the model to the scores; for trials that run, to a pessimistic guess of them."""
        open_ = [row for row in self.trials.values() if row.status == TrialStatus.RUNNING]
        x = np.array([self._point(trial.hyperparameters.values) for trial in done])
        y = np.array([self.loss(trial) for trial in done])
        # A value that overflowed is as bad as the worst that did not.
        y = np.minimum(y, max(y[np.isfinite(y)], default=0.0))
        with warnings.catch_warnings():
            # A length scale at its bound means that a parameter does not matter.
            warnings.simplefilter("ignore")
            self.model.fit(x, y)
            if open_:
                guesses = np.array([self._point(row.hyperparameters.values) for row in open_])
                mean, deviation = self.model.predict(guesses, return_std=True)
                worse = mean + deviation
                self.model.fit(np.concatenate([x, guesses]), np.concatenate([y, worse]))

    def _lowest(self, cube: np.ndarray) -> tuple[float, np.ndarray, dict[str, object]] | None:
        """Bound, point and values of the setting with the lowest bound; None where none is new."""
        names = [name for name, _ in searched(self.sweep)]
        rows = [self.setting(dict(zip(names, point, strict=True))) for point in cube]
        rows = [row for row in rows if self.is_new(row) and self.allows(row)]
        if not rows:
            return None
        cube = np.array([self._point(row) for row in rows])
        predicted: Any = self.model.predict(cube, return_std=True)
        bound = predicted[0] - self.beta * predicted[1]
        index = int(np.argmin(bound))
        return float(bound[index]), cube[index], rows[index]

    def _point(self, values: Mapping[str, object]) -> list[float]:
        """A setting as a point of the unit cube."""
        return [
            parameter.domain.to_unit(parameter.domain.decode(values[name]))
            for name, parameter in searched(self.sweep)
        ]
