"""How many epochs a search takes to reach what plain random search reaches with its whole budget.

Run:    python benchmarks/search_efficiency.py [--seeds 20] [--problems digits synthetic]

Every search gets the same budget of epochs and a seed, and is the package's own oracle, played one
trial at a time. The target is the median, over the seeds, of the best value that random search has
when its budget is spent. A search reaches it with the epoch that brings a value as good; counted
are the epochs of all its trials up to there. Printed is the median over the seeds (of two in the
middle the larger, for random search the smaller), and its ratio to random search's own; a seed
that never reaches the target counts as infinitely many.

digits: a network 64-32-10 on half of scikit-learn's digits, validated on a quarter; the last
quarter is never looked at. Rate and L2 decay are searched over seven decades each, at a constant
rate, so that the beginning of a long training is a short one.

synthetic: a bowl over six decades in each of four parameters of different weight, its place drawn
by the seed, above a learning curve that falls as a power of the epoch, slower for small rates, with
noise. No training.
"""

import argparse
import hashlib
import math
import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# A network this small is slower in several threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from sklearn.datasets import load_digits

from keras_recipes.recipes.sweep.engine.hyperparameters import active_of
from keras_recipes.recipes.sweep.engine.search import make_oracle
from keras_recipes.recipes.sweep.engine.trial import Decision
from keras_recipes.recipes.sweep.spec import load_sweep

BAR = 0.5
EPOCHS = 27
TRIALS = 40
BUDGET = TRIALS * EPOCHS
Values = dict[str, float]

ALGORITHMS: dict[str, dict[str, Any]] = {
    "random": {"algorithm": "random", "budget": {"trials": TRIALS}},
    "coarse_to_fine": {
        "algorithm": {
            "coarse_to_fine": {
                "rounds": 4, "trials": [60, 30, 20, 10], "epochs": [1, 3, 9, 27], "keep": 0.2,
                "shrink": 0.35,
            }
        }
    },
    "asha": {
        "algorithm": {"asha": {"reduction_factor": 3, "min_epochs": 1, "max_epochs": EPOCHS}},
        "budget": {"trials": 400},
    },
    "median": {
        "algorithm": {"median": {"warmup": 3, "min_trials": 5}},
        "budget": {"trials": 400},
    },
}  # fmt: skip
NAMES = ("learning_rate", "weight_decay.rate", "optimizer.adam.beta_2", "optimizer.adam.epsilon")
SPACES: dict[str, dict[str, Any]] = {
    "digits": {
        "learning_rate": {"log_uniform": {"min": 1e-5, "max": 1e2}},
        "weight_decay.rate": {"log_uniform": {"min": 1e-8, "max": 1e-1}},
    },
    # Where the parameters stand in a recipe does not matter here.
    "synthetic": {name: {"log_uniform": {"min": 1e-7, "max": 1e-1}} for name in NAMES},
}


@cache
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images and classes to train on, and others to validate on."""
    images, classes = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    half, quarter = len(order) // 2, len(order) // 4
    train, held = order[:half], order[half : half + quarter]
    x, y = (images / 16).astype(np.float32), np.eye(10, dtype=np.float32)[classes]
    return x[train], y[train], x[held], y[held]


def digits(values: Values, seed: int) -> Iterator[float]:
    """Validation loss after each epoch of a training; infinite once it has diverged."""
    x, y, held_x, held_y = rows()
    rate, decay = np.float32(values["learning_rate"]), np.float32(values["weight_decay.rate"])
    source = np.random.default_rng(seed)
    first = source.normal(0, math.sqrt(2 / 64), (64, 32)).astype(np.float32)
    second = source.normal(0, math.sqrt(2 / 32), (32, 10)).astype(np.float32)
    while True:
        with np.errstate(all="ignore"):
            order = source.permutation(len(x))
            for batch in np.split(order[: len(x) // 32 * 32], len(x) // 32):
                inputs = x[batch]
                hidden, scores = forward(inputs, first, second)
                error = (np.exp(scores) - y[batch]) / np.float32(32)
                back = (error @ second.T) * (hidden > 0)
                second -= rate * (hidden.T @ error + decay * second)
                first -= rate * (inputs.T @ back + decay * first)
            _, scores = forward(held_x, first, second)
            loss = float(-(scores * held_y).sum(-1).mean())
        yield loss if math.isfinite(loss) else math.inf


def forward(x: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hidden layer and log-probabilities."""
    hidden = np.maximum(x @ first, 0)
    logits = hidden @ second
    logits -= logits.max(-1, keepdims=True)
    return hidden, logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def synthetic(values: Values, seed: int) -> Iterator[float]:
    """A bowl in four logarithms above a falling power of the epoch, with noise."""
    place = np.random.default_rng([1, seed]).uniform(0.2, 0.8, len(NAMES))
    shares = np.array([(math.log10(values[name]) + 7) / 6 for name in NAMES])
    bowl = float((np.array([4.0, 1.2, 0.4, 0.12]) * (shares - place) ** 2).sum())
    # A small rate takes longer to show what it can do, so that the curves cross.
    power = 0.5 + 0.5 * shares[0]
    mark = hashlib.sha256(f"{seed} {sorted(values.items())}".encode()).digest()
    noise = np.random.default_rng(int.from_bytes(mark[:8], "big"))
    epoch = 0
    while True:
        epoch += 1
        yield 0.1 + bowl + epoch**-power + float(noise.normal(0, 0.01))


PROBLEMS: dict[str, Callable[[Values, int], Iterator[float]]] = {
    "digits": digits,
    "synthetic": synthetic,
}


class Curves:
    """Learning curves of one problem and seed, trained as far as they are asked for."""

    def __init__(self, problem: str, seed: int):
        self.train = PROBLEMS[problem]
        self.seed = seed
        self.begun: dict[tuple, tuple[Iterator[float], list[float]]] = {}

    def value(self, values: Values, epoch: int) -> float:
        mark = tuple(sorted(values.items()))
        if mark not in self.begun:
            self.begun[mark] = (self.train(values, self.seed), [])
        training, known = self.begun[mark]
        while len(known) < epoch:
            known.append(next(training))
        return known[epoch - 1]


def play(name: str, problem: str, seed: int, curves: Curves) -> list[float]:
    """The best value so far after each epoch that a search spends, up to its budget."""
    head = {"name": "x", "recipe": "digits_mlp", "overrides": {"optimizer": "adam"}, "seed": seed}
    sweep = load_sweep({**head, **ALGORITHMS[name], "space": SPACES[problem]})
    best: list[float] = []
    oracle = make_oracle(sweep)
    while len(best) < BUDGET:
        trial = oracle.create_trial("worker")
        if trial.status != "RUNNING":
            break
        told = trial.hyperparameters.values
        values = active_of(sweep, trial.hyperparameters.values)
        first, last = told.get("tuner/initial_epoch", 0), told.get("tuner/epochs", EPOCHS)
        for epoch in range(first + 1, last + 1):
            value = curves.value(values, epoch)
            best.append(min([value, *best[-1:]]))
            # A training that diverged is as bad as can be, and a number.
            if oracle.report(trial.trial_id, epoch, min(value, 1e9)) is not Decision.CONTINUE:
                break
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    return best[:BUDGET]


def epochs_to(best: Sequence[float], target: float) -> float:
    """Epochs until a value as good as the target; infinite where none came."""
    return next((epoch for epoch, value in enumerate(best, 1) if value <= target), math.inf)


def tell(problem: str, found: dict[str, list[list[float]]]) -> None:
    """Print the table of one problem."""
    seeds = len(found["random"])
    target = statistics.median_high(row[-1] for row in found["random"])
    own = statistics.median_low(epochs_to(row, target) for row in found["random"])
    print(f"{problem}: target {target:.4g}, budget {BUDGET} epochs, {seeds} seeds")
    for name, curves in found.items():
        spent = [epochs_to(row, target) for row in curves]
        middle = own if name == "random" else statistics.median_high(spent)
        reached = sum(value < math.inf for value in spent)
        final = statistics.median(row[-1] for row in curves)
        bar = f" (bar {BAR})" if name in ("coarse_to_fine", "asha") else ""
        print(
            f"  {name}: {middle:.0f} epochs to the target, {middle / own:.2f} of random search"
            f"{bar}; {reached} of {seeds} seeds reach it; best in the end {final:.4g}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--problems", nargs="+", choices=[*PROBLEMS], default=[*PROBLEMS])
    arguments = parser.parse_args()
    for problem in arguments.problems:
        found: dict[str, list[list[float]]] = {name: [] for name in ALGORITHMS}
        for seed in range(arguments.seeds):
            curves = Curves(problem, seed)
            for name in ALGORITHMS:
                found[name].append(play(name, problem, seed, curves))
        tell(problem, found)


if __name__ == "__main__":
    main()
