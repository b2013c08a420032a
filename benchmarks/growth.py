"""How the cost of training grows with rows, width, trials and cores, beside its limit; a picture.

Run:    python benchmarks/growth.py [--rounds 5] [--out docs/pictures/growth.png]

A recipe's training of 784-units-units-10 on rows of 784 bytes, batches of 128, with clipping, decay
and all that it writes. The limit is the time of the matrix products of a step alone, eight of them,
in a compiled loop of TensorFlow. Each figure is the fastest of the rounds; every number of cores is
a process of its own, which may use no more.

A sweep is the command from its start to its end, over the rate of a small network on digits, with a
job for each core. Its limit is the time of the training loops alone, shared by the cores.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

BATCH = 128
WIDTHS = (32, 64, 128, 256, 512, 1024)
ROWS = (1_000, 4_000, 16_000, 64_000)
TRIALS, EPOCHS = (1, 4, 16, 64), 40
# Rows where the width varies, and width where the rows do.
FIXED = (16_000, 128)


SWEEP = {
    "name": "growth",
    "recipe": "digits_mlp",
    "overrides": {"callbacks": [], "learning_rate": 0.1, "epochs": EPOCHS, "data.batch_size": 32},
    "objective": {"minimize": "val_loss"},
    "space": {"learning_rate": {"log_uniform": {"min": 1e-3, "max": 0.3}}},
}


def training(units: int, rows: int) -> Callable[[], float]:
    """Seconds of an epoch of a recipe's training."""
    import numpy as np

    import keras_recipes
    from keras_recipes.recipes.build.experiment import experiment
    from keras_recipes.recipes.build.inputs import data_of
    from keras_recipes.recipes.record.directory import RunDirectory
    from keras_recipes.recipes.run.run_callbacks import run_callbacks

    random = np.random.default_rng(0)
    x = random.integers(0, 256, (rows, 784), dtype="uint8")
    data = {"source": "arrays", "validation": None, "test": None, "batch_size": BATCH}
    recipe = keras_recipes.load(
        {
            "name": "scaling",
            "data": {**data, "scale": "minmax"},
            "model": {"layers": [{"dense": {"units": units, "activation": "relu"}}] * 2},
            "learning_rate": 0.01,
            "gradient_clipping": {"global_norm": 1.0},
            "weight_decay": {"rate": 1e-4},
            "jit_compile": True,
        }
    )
    folder = Path(tempfile.mkdtemp())
    built = experiment(recipe, data_of(recipe, (x, random.integers(0, 10, rows))), folder)
    callbacks = run_callbacks(built, RunDirectory(folder), progress=False)
    given = {**built.fit_arguments, "epochs": 1}
    return lambda: timed(lambda: built.model.fit(**given, callbacks=callbacks))


def products(units: int, rows: int) -> Callable[[], float]:
    """Seconds of the matrix products of an epoch."""
    import tensorflow as tf

    sizes = [(784, units), (units, units), (units, 10)]
    kernels = [tf.random.normal(size) for size in sizes]
    first = tf.random.normal((BATCH, 784))

    @tf.function
    def epoch() -> tf.Tensor:
        total = 0.0
        for step in tf.range(rows // BATCH):
            # Nothing here is the same in every step, so nothing moves out of the loop.
            inputs = [first * tf.cast(step, tf.float32)]
            for kernel in kernels:
                inputs.append(tf.matmul(inputs[-1], kernel))
            back = inputs[-1]
            for n in reversed(range(3)):
                total += tf.matmul(inputs[n], back, transpose_a=True)[0, 0]
                if n:
                    back = tf.matmul(back, kernels[n], transpose_b=True)
        return total

    epoch()
    return lambda: timed(lambda: epoch().numpy())


def digits_epoch() -> Callable[[], float]:
    """Seconds of an epoch of the sweep's trials, with validation and without files."""
    import keras_recipes
    from keras_recipes.callbacks.epoch_order import EpochOrder
    from keras_recipes.recipes.build.experiment import experiment
    from keras_recipes.recipes.build.inputs import data_of

    recipe = keras_recipes.load(SWEEP["recipe"], SWEEP["overrides"])
    built = experiment(recipe, data_of(recipe), Path(tempfile.mkdtemp()))
    given = {**built.fit_arguments, "epochs": EPOCHS}
    callbacks = [EpochOrder(built.training.epoch)]
    return lambda: timed(lambda: built.model.fit(**given, callbacks=callbacks)) / EPOCHS


def sweep_seconds(trials: int, cores: Sequence[int]) -> float:
    """Seconds of the command that searches, with a job for each core."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "growth.yaml").write_text(json.dumps(SWEEP), encoding="utf-8")
        command = [sys.executable, "-m", "keras_recipes", "sweep", "growth.yaml", "--out", "sweep"]
        command += [f"budget.trials={trials}", f"--jobs={len(cores)}"]
        return timed(
            lambda: subprocess.run(
                command,
                cwd=folder,
                check=True,
                capture_output=True,
                preexec_fn=lambda: os.sched_setaffinity(0, cores),
            )
        )


def timed(run: Callable[[], object]) -> float:
    """Seconds of a call."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def measured(rounds: int) -> dict[str, list[float]]:
    """Milliseconds a step by width, of training and of the products; seconds an epoch by rows."""
    steps = FIXED[0] // BATCH
    both = {"training": training, "products": products}
    found: dict[str, list[float]] = {name: [] for name in (*both, "rows")}
    for width in WIDTHS:
        sides = {name: make(width, FIXED[0]) for name, make in both.items()}
        seconds = {name: [run() for _ in range(rounds + 1)] for name, run in sides.items()}
        for name, values in seconds.items():
            found[name].append(1e3 * min(values[1:]) / steps)
    for rows in ROWS:
        run = training(FIXED[1], rows)
        found["rows"].append(min([run() for _ in range(rounds + 1)][1:]))
    run = digits_epoch()
    found["epoch"] = [min([run() for _ in range(rounds + 1)][1:])]
    return found


def on_cores(count: int, rounds: int) -> dict[str, list[float]]:
    """What a process measures that may use so many cores."""
    command = [sys.executable, __file__, "--child", "--rounds", str(rounds)]
    cores = sorted(os.sched_getaffinity(0))[:count]
    done = subprocess.run(
        command, check=True, capture_output=True, preexec_fn=lambda: os.sched_setaffinity(0, cores)
    )
    found = json.loads(done.stdout.splitlines()[-1])
    found["sweep"] = [sweep_seconds(trials, cores) for trials in TRIALS]
    # Each job has a core; on more than one the epoch of a small network takes no less.
    found["loops"] = [trials * EPOCHS * found["epoch"][0] / count for trials in TRIALS]
    return found


def printed(found: dict[int, dict[str, list[float]]]) -> None:
    """A table for each axis."""
    for count, one in found.items():
        print(f"{count} core{'s' * (count > 1)}, ms a step; training, products, ratio")
        for width, mine, limit in zip(WIDTHS, one["training"], one["products"], strict=True):
            print(f"  {width:5d} units {mine:8.2f} {limit:8.2f} {mine / limit:6.2f}")
        print(f"{count} core{'s' * (count > 1)}, seconds an epoch")
        for rows, seconds in zip(ROWS, one["rows"], strict=True):
            print(f"  {rows:6d} rows {seconds:8.3f}")
        print(f"{count} core{'s' * (count > 1)}, seconds a sweep; whole, training loops")
        for trials, seconds, loops in zip(TRIALS, one["sweep"], one["loops"], strict=True):
            print(f"  {trials:6d} trials {seconds:8.1f} {loops:8.1f}")


def drawn(found: dict[int, dict[str, list[float]]], path: str) -> None:
    """The axes in one picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
    left, middle, right = axes
    for count, one in found.items():
        words = f"{count} core{'s' * (count > 1)}"
        (line,) = left.loglog(WIDTHS, one["training"], "o-", label=f"training, {words}")
        colour = line.get_color()
        left.loglog(WIDTHS, one["products"], "--", color=colour, label=f"products alone, {words}")
        middle.loglog(ROWS, one["rows"], "o-", color=colour, label=words)
        right.loglog(TRIALS, one["sweep"], "o-", color=colour, label=f"sweep, {words}")
        right.loglog(TRIALS, one["loops"], "--", color=colour, label=f"training loops, {words}")
    left.set(xlabel="units of both hidden layers", ylabel="ms a step")
    middle.set(xlabel=f"rows, at {FIXED[1]} units", ylabel="seconds an epoch")
    right.set(xlabel=f"trials of {EPOCHS} epochs", ylabel="seconds")
    for each in axes:
        each.grid(True, which="major", alpha=0.3)
        each.legend()
    figure.savefig(path, dpi=110)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with one core and with all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        print(json.dumps(measured(options.rounds)))
        return
    counts = sorted({1, len(os.sched_getaffinity(0))})
    found = {count: on_cores(count, options.rounds) for count in counts}
    printed(found)
    if options.out is not None:
        drawn(found, options.out)


if __name__ == "__main__":
    main()
