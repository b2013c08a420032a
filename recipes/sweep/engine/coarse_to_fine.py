"""Coarse-to-fine random search: rounds of random settings in ranges that narrow."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from keras_tuner.engine.trial import Trial

from ..spec.choices import Choice
from ..spec.domains import Domain
from ..spec.records import Parameter, Sweep
from .hyperparameters import EPOCHS, ROUND, active_of, searched
from .oracle import IDLE, Answer, SweepOracle, ended, running

# The parts of the unit interval of a domain that are drawn from: intervals, in order, none empty.
Region = tuple[tuple[float, float], ...]
WHOLE: Region = ((0.0, 1.0),)


@dataclass(frozen=True)
class Round:
    """A round of the search.

    Attributes:
        number: from 0.
        epochs: epochs of its trainings; None for the recipe's.
        ranges: parameter's name -> (lowest, highest) value, or the values of a choice.
        trials: its trials, in the order in which they started.
        kept: those that the next ranges lie around; empty until the round has ended.
    """

    number: int
    epochs: int | None
    ranges: Mapping[str, tuple[object, ...]]
    trials: tuple[str, ...]
    kept: tuple[str, ...]


class CoarseToFineSearch(SweepOracle):
    """Coarse-to-fine random search.

    Each round draws its settings at random from the ranges of the round, uniformly on the scale of
    each domain (logarithmic for `log_uniform`), and trains each for the round's epochs. When all
    have ended, the best ceil(keep * trials) are kept, and each range narrows: with h the hull of
    the kept values and w the width of the range, both on that scale, the new range has width

        max(h, shrink * w)

    It is centred on the hull, and shifted to lie inside of the old range. Of a choice, the values
    of kept trials remain, and the best others up to the fraction `shrink` of all. A parameter that
    was active in no kept trial keeps its range.

    The trials of a round depend on the seed and on the results of earlier rounds, not on the order
    in which trials end. All trials of a round end before the next round starts.

    Args:
        sweep: a sweep whose algorithm is `coarse_to_fine`.
    """

    def __init__(self, sweep: Sweep):
        super().__init__(sweep)
        arguments = sweep.algorithm.arguments
        self.keep = float(arguments["keep"])
        self.shrink = float(arguments["shrink"])
        count = arguments["rounds"]
        self.sizes = _each(arguments["trials"], count)
        self.epochs = _each(arguments["epochs"], count)

    def populate_space(self, trial_id: str) -> Answer:
        started = len(self.start_order)
        if started >= sum(self.sizes):
            return self.done_or_idle()
        number = next(row for row, end in enumerate(accumulate(self.sizes)) if started < end)
        if not all(map(ended, self.of_rounds(number))):
            return IDLE
        epochs = self.epochs[number]
        extra = {ROUND: number} if epochs is None else {ROUND: number, EPOCHS: epochs}
        regions = self.regions(number)
        values = self.draw(lambda name, fraction: within(regions[name], fraction), extra)
        return self.done_or_idle() if values is None else running(values)

    def _compute_values_hash(self, values: Mapping[str, object]) -> str:
        # The same setting trained for longer is another trial.
        return f"{super()._compute_values_hash(values)} {values.get(EPOCHS)}"

    def of_rounds(self, number: int) -> list[Trial]:
        """The trials of all rounds before one."""
        return [self.trials[name] for name in self.start_order[: sum(self.sizes[:number])]]

    def of_round(self, number: int) -> list[Trial]:
        """The trials of one round."""
        first = sum(self.sizes[:number])
        return [self.trials[name] for name in self.start_order[first : first + self.sizes[number]]]

    def kept(self, number: int) -> list[Trial]:
        """The best of a round."""
        return self.ranked(self.of_round(number))[
            : math.ceil(self.keep * self.sizes[number] - 1e-9)
        ]

    def regions(self, number: int) -> dict[str, Region]:
        """What a round draws from, on the scale of each domain."""
        found = {name: WHOLE for name, _ in searched(self.sweep)}
        for past in range(number):
            ranked, kept = self.ranked(self.of_round(past)), self.kept(past)
            for name, parameter in searched(self.sweep):
                best = self._parts(name, parameter, kept)
                if not best:
                    continue
                if isinstance(parameter.domain, Choice) and not parameter.domain.ordered:
                    every = self._parts(name, parameter, ranked)
                    found[name] = remaining(found[name], best, every, self.shrink)
                else:
                    low = min(part[0] for part in best)
                    high = max(part[1] for part in best)
                    found[name] = narrowed(found[name], low, high, self.shrink)
        return found

    def _parts(
        self, name: str, parameter: Parameter, trials: Sequence[Trial]
    ) -> list[tuple[float, float]]:
        """The part of the unit interval of each trial in which the parameter is active."""
        found = []
        for trial in trials:
            values = trial.hyperparameters.values
            active = active_of(self.sweep, values)
            if parameter.name in active and name in values:
                value = parameter.domain.decode(values[name])
                if active[parameter.name] == value:
                    found.append(parameter.domain.interval(value))
        return found

    def rounds(self) -> list[Round]:
        """Every round that has started, with its ranges: what the report draws."""
        found = []
        for number in range(len(self.sizes)):
            trials = self.of_round(number)
            if not trials:
                break
            over = len(trials) == self.sizes[number] and all(map(ended, trials))
            regions = self.regions(number)
            found.append(
                Round(
                    number,
                    self.epochs[number],
                    {name: shown(row.domain, regions[name]) for name, row in searched(self.sweep)},
                    tuple(trial.trial_id for trial in trials),
                    tuple(trial.trial_id for trial in self.kept(number)) if over else (),
                )
            )
        return found


def narrowed(region: Region, low: float, high: float, shrink: float) -> Region:
    """An interval around a hull, at least `shrink` times as wide as the one before, and inside it.

    >>> narrowed(((0.0, 1.0),), 0.125, 0.25, 0.5)
    ((0.0, 0.5),)
    >>> narrowed(((0.0, 0.5),), 0.125, 0.375, 0.25)
    ((0.125, 0.375),)
    """
    start, end = region[0][0], region[-1][1]
    width = min(max(high - low, shrink * (end - start)), end - start)
    first = min(max((low + high - width) / 2, start), end - width)
    return ((first, first + width),)


def remaining(
    region: Region,
    kept: Sequence[tuple[float, float]],
    ranked: Sequence[tuple[float, float]],
    shrink: float,
) -> Region:
    """The parts of a choice that stay: the kept, and the next best up to a fraction of all.

    >>> quarters = [(0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0)]
    >>> remaining(((0.0, 1.0),), quarters[3:], quarters[::-1], 0.5)
    ((0.5, 0.75), (0.75, 1.0))
    """
    width = kept[0][1] - kept[0][0]
    size = sum(round((end - start) / width) for start, end in region)
    found = list(dict.fromkeys(kept))
    for part in ranked:
        if part not in found and len(found) < math.ceil(shrink * size - 1e-9):
            found.append(part)
    return tuple(sorted(found))


def within(region: Region, fraction: float) -> float:
    """The point of a region with this fraction of its length below it.

    >>> within(((0.0, 0.25), (0.75, 1.0)), 0.75)
    0.875
    """
    left = fraction * sum(end - start for start, end in region)
    for start, end in region:
        if left <= end - start:
            return start + left
        left -= end - start
    return region[-1][1]


def shown(domain: Domain, region: Region) -> tuple[object, ...]:
    """A region as values: (lowest, highest) of a range, the values of a choice."""
    if isinstance(domain, Choice):
        return tuple(
            value
            for value in domain.values
            if any(start <= domain.to_unit(value) <= end for start, end in region)
        )
    return (domain.from_unit(region[0][0]), domain.from_unit(region[-1][1]))


def _each(given: int | list[int], rounds: int) -> list[int]:
    return list(given) if isinstance(given, list) else [given] * rounds
