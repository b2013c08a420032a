"""An epoch of an RBM against scikit-learn, a jitted JAX scan, and the bare matrix products.

Run:    python benchmarks/rbm_speed.py --data mnist.npz [--estimator cd1] [--rounds 15]
            [--rows 12000]

All sides train the same RBM: 784 visible and 500 hidden units, batches of 100, momentum and weight
cost, in float32. With `cd1` hidden units are sampled after the data and means elsewhere, `cd25`
samples hidden units 25 times, and `pcd` continues 100 chains whose visible units are sampled too;
scikit-learn does its own update, persistent CD, whatever the estimator. `ours` is `RBM.fit`, as
anybody calls it; `without XLA` the same with `jit_compile=False`, and `bfloat16` with
`matmul_precision="bfloat16"`. `products` is the matrix products of an update, two a Gibbs step
and three more, and nothing else, in one compiled loop of TensorFlow.

The sides take turns, some rows of an epoch each a round, in an order drawn anew; printed are
seconds scaled to an epoch of 60,000 rows and medians of the rounds' ratios. JAX is left out where
it is not installed. The file is in the layout of `keras.datasets.mnist`.
"""

import argparse
import importlib.util
import os
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from keras_recipes.pretraining import (
    RBM,
    ContrastiveDivergence,
    Initialization,
    MomentumSGD,
    PersistentCD,
    Regularization,
)
from keras_recipes.pretraining.estimators import Estimator

UNITS, BATCH, EPOCH = 500, 100, 60_000
RATE, MOMENTUM, COST, STDDEV = 0.1, 0.5, 2e-4, 0.1


@dataclass(frozen=True)
class Kind:
    """An estimator of the gradient: Gibbs steps an update, from the data or from chains."""

    steps: int
    persistent: bool = False

    def estimator(self) -> Estimator:
        """As this package has it."""
        if self.persistent:
            return PersistentCD(BATCH, self.steps)
        return ContrastiveDivergence(self.steps)


KINDS = {"cd1": Kind(1), "cd25": Kind(25), "pcd": Kind(1, persistent=True)}


def ours(rows: np.ndarray, kind: Kind, products: Any, jit: Any) -> Callable[[], float]:
    """Seconds of the second epoch of a `fit`: the first compiles."""
    rbm = RBM(
        UNITS,
        estimator=kind.estimator(),
        regularization=Regularization(l2=COST),
        initialization=Initialization(STDDEV),
        matmul_precision=products,
    )
    rbm.compile(
        MomentumSGD(RATE, MOMENTUM), steps_per_execution=len(rows) // BATCH, jit_compile=jit
    )
    done: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: done.append(time.perf_counter())
    )

    def run() -> float:
        done.clear()
        rbm.fit(rows, batch_size=BATCH, epochs=2, callbacks=[clock], verbose=0, diagnostics=0)
        return done[1] - done[0]

    return run


def scikit_learn(rows: np.ndarray) -> Callable[[], float]:
    """Seconds of an epoch of `BernoulliRBM`."""
    from sklearn.neural_network import BernoulliRBM

    rbm = BernoulliRBM(UNITS, learning_rate=RATE, batch_size=BATCH, n_iter=1, random_state=0)
    return lambda: timed(lambda: rbm.fit(rows))


def products(rows: np.ndarray, kind: Kind) -> Callable[[], float]:
    """Seconds of the matrix products of an epoch."""
    v = tf.constant(rows[:BATCH])
    weights = tf.random.stateless_normal((rows.shape[1], UNITS), (0, 0)) * STDDEV

    @tf.function
    def epoch() -> tf.Tensor:
        total = 0.0
        for step in tf.range(len(rows) // BATCH):
            # Nothing here is the same in every step, so nothing moves out of the loop.
            h = h_again = tf.matmul(v * tf.cast(step, tf.float32), weights)
            again = v
            for _ in range(kind.steps):
                again = tf.matmul(h_again, weights, transpose_b=True)
                h_again = tf.matmul(again, weights)
            total += tf.matmul(v, h, transpose_a=True)[0, 0]
            total += tf.matmul(again, h_again, transpose_a=True)[0, 0]
        return total

    epoch()
    return lambda: timed(lambda: epoch().numpy())


def jax_scan(rows: np.ndarray, kind: Kind) -> Callable[[], float]:
    """Seconds of an epoch as one jitted scan."""
    import jax
    import jax.numpy as jnp

    held, sigmoid = jnp.asarray(rows), jax.nn.sigmoid
    zeros = {"W": jnp.zeros((rows.shape[1], UNITS)), "a": jnp.zeros(rows.shape[1])}
    zeros["b"] = jnp.zeros(UNITS)
    start = {**zeros, "W": STDDEV * jax.random.normal(jax.random.key(0), zeros["W"].shape)}

    def draw(key, mean):
        return (jax.random.uniform(key, mean.shape) < mean).astype(jnp.float32)

    def gibbs(p, h, keys):
        again = sigmoid(h @ p["W"].T + p["a"])
        again = draw(keys[0], again) if kind.persistent else again
        h_again = sigmoid(again @ p["W"] + p["b"])
        return again, h_again, draw(keys[1], h_again)

    def step(carry, drawn):
        (p, moving, chains), (key, index) = carry, drawn
        keys = jax.random.split(key, 2 * kind.steps + 1)
        v = held[index]
        h = sigmoid(v @ p["W"] + p["b"])
        sample = chains if kind.persistent else draw(keys[0], h)
        for n in range(kind.steps - 1):
            _, _, sample = gibbs(p, sample, keys[2 * n + 1 :])
        again, h_again, sample = gibbs(p, sample, keys[-2:])
        gradient = {
            "W": (again.T @ h_again - v.T @ h) / BATCH + COST * p["W"],
            "a": (again - v).mean(0),
            "b": (h_again - h).mean(0),
        }
        moving = {k: MOMENTUM * moving[k] - RATE * gradient[k] for k in p}
        error = ((v - again) ** 2).mean()
        return ({k: p[k] + moving[k] for k in p}, moving, sample), error

    @jax.jit
    def epoch(carry, key, order):
        keys = jax.random.split(key, len(order))
        carry, errors = jax.lax.scan(step, carry, (keys, order))
        return carry, errors.mean()

    state = {"carry": (start, zeros, jnp.zeros((BATCH, UNITS))), "epoch": 0}

    def run() -> None:
        state["epoch"] += 1
        order = np.random.default_rng(state["epoch"]).permutation(len(rows)).reshape(-1, BATCH)
        key = jax.random.key(state["epoch"])
        state["carry"], error = epoch(state["carry"], key, jnp.asarray(order))
        error.block_until_ready()

    run()
    return lambda: timed(run)


def timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def report(seconds: dict[str, list[float]], scale: float) -> None:
    """One line a side."""
    mine = seconds["ours"]
    for name, values in seconds.items():
        ratios = [a / b for a, b in zip(values, mine, strict=True)]
        print(
            f"{name}: {statistics.median(values) * scale:.2f} s an epoch "
            f"(quickest {min(values) * scale:.2f}), {statistics.median(ratios):.2f} times ours"
        )
    for name in [name for name in seconds if name.startswith("ours")]:
        share = [a / b for a, b in zip(seconds["products"], seconds[name], strict=True)]
        print(f"{name}: {statistics.median(share):.0%} of the speed of the float32 products alone")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True, help="an .npz with `x_train`")
    parser.add_argument("--estimator", choices=list(KINDS), default="cd1")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rows", type=int, default=12_000)
    arguments = parser.parse_args()
    with np.load(arguments.data) as file:
        rows = file["x_train"][: arguments.rows].reshape(arguments.rows, -1) / np.float32(255)
    kind = KINDS[arguments.estimator]
    sides = {
        "ours": ours(rows, kind, "float32", "auto"),
        "ours, without XLA": ours(rows, kind, "float32", False),
        "ours, bfloat16": ours(rows, kind, "bfloat16", "auto"),
        "scikit-learn": scikit_learn(rows),
        "products": products(rows, kind),
    }
    if importlib.util.find_spec("jax"):
        sides["jax"] = jax_scan(rows, kind)
    random.seed(0)
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    order = list(sides)
    for _ in range(arguments.rounds):
        random.shuffle(order)
        for name in order:
            seconds[name].append(sides[name]())
    report(seconds, EPOCH / arguments.rows)


if __name__ == "__main__":
    main()
