"""How often 95 % intervals of log Z hold the exact value, over small RBMs.

Run:    python benchmarks/ais_coverage.py [--rbms 100] [--runs 100] [--temperatures 60]
            [--between 3] [--sweeps 20] [--seed 0]

Each RBM has 4 to 16 visible and 2 to 12 hidden units, and parameters drawn from a normal
distribution whose standard deviation is drawn from 0.2 to 1.5; its log Z is a sum over all states,
from which its exact samples are drawn too. Printed are, for each estimate, how many of the
intervals hold log Z, the mean error over its standard error (0 if there is no bias), and the mean
width of an interval in nats. With 100 RBMs the fraction itself has a standard error of 2.2
points, so that a figure between 93 and 97 % is what intervals that are right give two times in
three; more RBMs make it sharper.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from keras_recipes.pretraining import (
    RBM,
    Initialization,
    LogPartition,
    Trajectory,
    bracket_log_partition,
    exact_log_partition,
)


def random_rbm(seed: int) -> RBM:
    """A small RBM with parameters drawn at random."""
    random = np.random.default_rng(seed)
    width, units = random.integers(4, 17), random.integers(2, 13)
    scale = float(random.uniform(0.2, 1.5))
    rbm = RBM(int(units), initialization=Initialization(scale), seed=seed)
    rbm.build((None, int(width)))
    rbm.visible_bias.assign(scale * random.normal(size=width))
    rbm.hidden_bias.assign(scale * random.normal(size=units))
    return rbm


def exact_samples(rbm: RBM, count: int, seed: int) -> np.ndarray:
    """Rows drawn from the distribution over all visible states."""
    states = (np.arange(2**rbm.width)[:, None] >> np.arange(rbm.width) & 1).astype("float32")
    logs = -rbm.free_energy(states).astype("float64")
    weights = np.exp(logs - logs.max())
    random = np.random.default_rng([seed, 1])
    return states[random.choice(len(states), count, p=weights / weights.sum())]


def estimates(rbm: RBM, seed: int, options: argparse.Namespace) -> dict[str, LogPartition]:
    """Every estimate of log Z."""
    rows = exact_samples(rbm, options.runs, seed)
    annealed = bracket_log_partition(rbm, rows, temperatures=options.temperatures, seed=seed)
    ladder = Trajectory(rbm, between=options.between)
    along = ladder.log_partition(options.runs, options.sweeps, burn_in=options.sweeps, seed=seed)
    return {
        "annealing up": annealed.lower,
        "annealing down": annealed.upper,
        "up and down": annealed.value,
        "trajectory, up": along.lower,
        "trajectory, down": along.upper,
        "trajectory, both": along.value,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Coverage of intervals of log Z.")
    parser.add_argument("--rbms", type=int, default=100)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--temperatures", type=int, default=60)
    parser.add_argument("--between", type=int, default=3)
    parser.add_argument("--sweeps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    held: dict[str, list[tuple[bool, float, float]]] = {}
    for number in range(options.rbms):
        seed = options.seed + number
        rbm = random_rbm(seed)
        exact = exact_log_partition(rbm).value
        for name, found in estimates(rbm, seed, options).items():
            low, high = found.interval()
            off = (found.value - exact) / found.error
            held.setdefault(name, []).append((low <= exact <= high, off, high - low))
        if number % 10 == 9 or number + 1 == options.rbms:
            print(f"{number + 1} RBMs      held  off/error  width, nats", flush=True)
            for name, rows in held.items():
                inside, off, width = np.mean(rows, 0)
                print(f"{name:18s} {100 * inside:6.1f} % {off:9.2f} {width:9.3f}", flush=True)


if __name__ == "__main__":
    main()
