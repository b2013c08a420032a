"""keras-tuner's random, grid and Hyperband search, for a sweep."""

from collections.abc import Iterator
from typing import Any

import keras_tuner

from ..spec.conditions import is_active
from ..spec.domains import points
from ..spec.records import Fixed, Sweep
from .base import SweepOracle, common, running
from .hyperparameters import encoded, kept_values, names_of


class RandomSearch(SweepOracle, keras_tuner.oracles.RandomSearchOracle):
    """Settings drawn at random."""

    def __init__(self, sweep: Sweep):
        super().__init__(max_trials=sweep.trials, **common(sweep))  # type: ignore[arg-type]
        self.bind(sweep)


class GridSearch(SweepOracle, keras_tuner.oracles.GridSearchOracle):
    """Every combination, the last parameter changing fastest.

    keras-tuner's own grid forgets where it was when it is resumed, and always takes ten points of a
    range. Here the n-th trial is the n-th combination.
    """

    def __init__(self, sweep: Sweep):
        super().__init__(max_trials=sweep.trials, **common(sweep))
        self.bind(sweep)
        self._rest = combinations(sweep, sweep.algorithm.arguments["points"])
        self._listed: list[dict[str, Any]] = []

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        number = len(self.start_order)
        while len(self._listed) <= number:
            values = next((row for row in self._rest if self.allows(row)), None)
            if values is None:
                return self.done_or_idle()
            self._listed.append(values)
        return running(dict(self._listed[number]))


def combinations(sweep: Sweep, most: int) -> Iterator[dict[str, Any]]:
    """Every combination of active parameters, as keras-tuner keeps values."""
    names = names_of(sweep)

    def below(index: int, values: dict[str, Any], kept: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if index == len(sweep.parameters):
            yield kept_values(sweep, kept)
            return
        parameter = sweep.parameters[index]
        if not is_active(parameter.when, values):
            yield from below(index + 1, values, kept)
            return
        fixed = isinstance(parameter.domain, Fixed)
        for value in points(parameter.domain, most):
            more = {} if fixed else {names[index]: encoded(parameter.domain, value)}
            yield from below(index + 1, {**values, parameter.name: value}, {**kept, **more})

    return below(0, {}, {})


class HyperbandSearch(SweepOracle, keras_tuner.oracles.HyperbandOracle):
    """Brackets of many short trainings, of which the best are gone on with."""

    def __init__(self, sweep: Sweep):
        arguments = sweep.algorithm.arguments
        super().__init__(
            max_epochs=arguments["max_epochs"],
            factor=arguments["factor"],
            hyperband_iterations=arguments["iterations"],
            **common(sweep),  # type: ignore[arg-type]
        )
        self.bind(sweep)
