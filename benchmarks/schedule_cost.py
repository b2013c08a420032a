"""What a deeply composed schedule costs in a compiled training step, against a plain number.

Run:    python benchmarks/schedule_cost.py [--rounds 300]

Both sides train 784-128-128-10 on the same batch of 128, 40 steps an execution, with momentum. One
has a number as its learning rate, the other a composition of twelve schedules, five deep. They
take turns, an execution each a round, in an order drawn anew. The median of the rounds' ratios is
printed, and beside it that of a second model with a number, which tells what no difference is.
"""

import argparse
import random
import statistics

import keras
from step_cost import measure, network, runner

from keras_recipes.schedules import (
    Clamp,
    Cooldown,
    Cosine,
    CosineRestarts,
    Exponential,
    Expression,
    Noise,
    PiecewiseLinear,
    Plateau,
    Product,
    Repeat,
    Scale,
    Sequential,
    Warmup,
)

BAR = 1.02


def deep() -> keras.optimizers.schedules.LearningRateSchedule:
    """Warm-up, restarts, noise, a formula, bounds and more, each inside another."""
    waves = Sequential(
        [
            Warmup(500, CosineRestarts(0.1, 1000), shape="cosine"),
            Repeat(PiecewiseLinear([0, 200, 400], [0.1, 0.01, 0.1]), 400),
            Scale(Exponential(0.1, 1000, 0.9), 0.5),
        ],
        boundaries=[20_000, 40_000],
    )
    formula = Expression("0.5 + 0.5 * cos(pi * progress) ** 2", total_steps=100_000)
    bounded = Clamp(Noise(Product([waves, formula]), 0.1), minimum=1e-4, maximum=0.1)
    return Cooldown(Plateau(Product([bounded, Cosine(1.0, 100_000, 0.5)])), 90_000, 10_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    arguments = parser.parse_args()
    random.seed(0)
    rates = {"number": 0.01, "number again": 0.01, "schedule": deep()}
    for jit in (False, True):
        runs = {
            name: runner(keras.Model(*network(128)), keras.optimizers.SGD(rate, momentum=0.9), jit)
            for name, rate in rates.items()
        }
        seconds = measure(runs, arguments.rounds)
        for name in ("number again", "schedule"):
            pairs = zip(seconds[name], seconds["number"], strict=True)
            ratio = statistics.median(a / b for a, b in pairs)
            least = min(seconds[name]) / min(seconds["number"])
            bar = f" (bar {BAR})" if name == "schedule" else ""
            print(
                f"{'XLA' if jit else 'graph'}, {name}: {ratio:.3f} times the number{bar}, "
                f"{least:.3f} in the quickest round",
                flush=True,
            )


if __name__ == "__main__":
    main()
