"""Hyperparameters at random on a logarithmic scale, in narrowing rounds: `random_search.md`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from common import COLOURS, figure, finish, percent, save, spread, write_page
from training import SEEDS, Program

# The ranges of the recipe of the sweep `coarse_to_fine_textbook`, and the rate's upper one wider.
LOW, HIGH = np.array([1e-6, 1e-8]), np.array([1.0, 1e-1])
ROUNDS = (14, 7, 4)
KEEP = 4
OVERRIDES = ["data.limit=700", "data.batch_size=100", "epochs=15"]
Draw = Callable[[np.random.Generator, int], np.ndarray]


@dataclass(frozen=True)
class Trial:
    """A pair of rate and decay, its round from 0, and what it reached."""

    rate: float
    decay: float
    round: int
    validation: float
    test: float


class Objective:
    """Trains a pair of rate and decay; its factor makes the decay a variable of the program."""

    def __init__(self) -> None:
        decay = "weight_decay={rate: {plateau: {schedule: 1.0}}, mode: l2}"
        self.program = Program("optimizers_compared", [*OVERRIDES, decay], jit=True)

    def __call__(self, rate: float, decay: float, round: int) -> Trial:
        def set_decay(model) -> None:
            model.training_parts.weight_decay.rate.factor.assign(decay)

        course = self.program.train(seed=1, rate=rate, change=set_decay)
        return Trial(rate, decay, round, course.last("val_accuracy"), course.accuracy)


def logarithmic(draw: np.random.Generator, count: int) -> np.ndarray:
    """Pairs whose exponents are uniform."""
    return np.exp(draw.uniform(np.log(LOW), np.log(HIGH), (count, 2)))


def linear(draw: np.random.Generator, count: int) -> np.ndarray:
    """Pairs that are uniform themselves."""
    return draw.uniform(LOW, HIGH, (count, 2))


def grid(draw: np.random.Generator, count: int) -> np.ndarray:
    """A logarithmic grid of as many values of each, moved by a random part of its step."""
    side = int(np.sqrt(count))
    places = (np.arange(side) + draw.uniform(size=(2, 1))) / side
    exponents = np.log(LOW)[:, None] + places * (np.log(HIGH) - np.log(LOW))[:, None]
    return np.exp(np.stack(np.meshgrid(*exponents), axis=-1).reshape(-1, 2))


def narrowing(objective: Objective, seed: int) -> list[Trial]:
    """Rounds of logarithmic draws, each in the box of the best trials so far."""
    draw, trials = np.random.default_rng(seed), []
    low, high = np.log(LOW), np.log(HIGH)
    for number, count in enumerate(ROUNDS):
        pairs = np.exp(draw.uniform(low, high, (count, 2)))
        trials += [objective(float(rate), float(decay), number) for rate, decay in pairs]
        best = sorted(trials, key=lambda trial: -trial.validation)[:KEEP]
        box = np.log([[trial.rate, trial.decay] for trial in best])
        low, high = box.min(axis=0), box.max(axis=0)
    return trials


def at_once(objective: Objective, how: Draw, seed: int) -> list[Trial]:
    """As many trials in one round."""
    pairs = how(np.random.default_rng(seed), sum(ROUNDS))
    return [objective(float(rate), float(decay), 0) for rate, decay in pairs]


def measure() -> dict[str, list[list[Trial]]]:
    objective = Objective()
    return {
        "three rounds, logarithmic": [narrowing(objective, seed) for seed in SEEDS],
        "one round, logarithmic": [at_once(objective, logarithmic, seed) for seed in SEEDS],
        "one round, uniform": [at_once(objective, linear, seed) for seed in SEEDS],
        "grid, logarithmic": [at_once(objective, grid, seed) for seed in SEEDS],
    }


def draw(found: dict[str, list[list[Trial]]]) -> None:
    picture = figure(10, 3.8)
    left, right = picture.subplots(1, 2, width_ratios=[1.2, 1])
    trials = found["three rounds, logarithmic"][0]
    for number, marker in enumerate("os*"):
        of = [trial for trial in trials if trial.round == number]
        points = left.scatter(
            [trial.rate for trial in of],
            [trial.decay for trial in of],
            c=[trial.validation for trial in of],
            vmin=0,
            vmax=1,
            marker=marker,
            s=36 + 24 * number,
            edgecolors="black",
            linewidths=0.4,
            label=f"round {number + 1}",
        )
    left.set(xscale="log", yscale="log")
    picture.colorbar(points, ax=left, label="validation accuracy")
    finish(left, "three rounds, seed 1", "learning rate", "weight decay")
    for (name, searches), colour in zip(found.items(), COLOURS, strict=False):
        best = [np.maximum.accumulate([t.validation for t in trials]) for trials in searches]
        length = min(len(each) for each in best)
        mean = np.mean([each[:length] for each in best], axis=0)
        right.plot(np.arange(1, length + 1), mean, color=colour, label=name)
    right.set_ylim(0.6, 1.0)
    finish(right, "mean of five searches", "trials", "best validation accuracy so far")
    save(picture, "random_search")


def main() -> None:
    found = measure()
    draw(found)
    rows = []
    for name, searches in found.items():
        best = [max(trials, key=lambda trial: trial.validation) for trials in searches]
        good = [np.mean([t.validation > 0.8 for t in trials]) for trials in searches]
        rates = [trial.rate for trial in best]
        rows.append(
            [
                name,
                f"{len(searches[0])}",
                percent(good),
                percent([trial.validation for trial in best]),
                percent([trial.test for trial in best]),
                f"{min(rates):.2g} to {max(rates):.2g}",
                spread([np.log10(trial.decay) for trial in best]),
            ]
        )
    columns = (
        "search",
        "trials",
        "trials above 80 %, %",
        "best validation accuracy, %",
        "its test accuracy, %",
        "its rate",
        "its decay, exponent of 10",
    )
    write_page("random_search", {"search": (columns, rows)})


if __name__ == "__main__":
    main()
