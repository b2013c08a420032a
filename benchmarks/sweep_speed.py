"""A sweep with two jobs against keras-tuner's own serial search: same space, trials and epochs.

Run:    python benchmarks/sweep_speed.py [--trials 16] [--epochs 40] [--rounds 1]

Both sides search learning rate and batch size of a small network on digits by random search, each
as a command of its own, from its start to its end: imports, all trials, and what each keeps of
them. keras-tuner's side is `RandomSearch` over a hypermodel as its guide writes it, on all cores;
its runs and ours alternate. The ratio of the median times is printed; the bar is 3. The time of
the processors is printed beside, for a machine that has other work to do.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BAR = 3.0
SEED = 11

SWEEP = {
    "name": "speed",
    "recipe": "digits_mlp",
    "overrides": {
        "callbacks": [],
        "learning_rate": 0.1,
        "model.layers": [
            {"dense": {"units": 128, "activation": "relu"}},
            {"dense": {"units": 64, "activation": "relu"}},
        ],
    },
    "objective": {"minimize": "val_loss"},
    "space": {
        "learning_rate": {"log_uniform": {"min": 1e-3, "max": 0.3}},
        "data.batch_size": {"choice": [32, 64, 128]},
    },
    "seed": SEED,
}


def keras_tuner_search(folder: str, trials: int, epochs: int) -> None:
    """keras-tuner's guide, for this network and space."""
    import keras
    import keras_tuner
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    train, validation = (x[:1257], y[:1257]), (x[1257:1527], y[1257:1527])

    class Model(keras_tuner.HyperModel):
        def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
            model = keras.Sequential(
                [
                    keras.Input((64,)),
                    keras.layers.Dense(128, activation="relu"),
                    keras.layers.Dense(64, activation="relu"),
                    keras.layers.Dense(10, activation="softmax"),
                ]
            )
            rate = hp.Float("learning_rate", 1e-3, 0.3, sampling="log")
            optimizer = keras.optimizers.SGD(rate, momentum=0.9, weight_decay=1e-4)
            model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
            return model

        def fit(self, hp, model, *arguments, **named):
            batch = hp.Choice("batch_size", [32, 64, 128])
            return model.fit(*arguments, batch_size=batch, **named)

    tuner = keras_tuner.RandomSearch(
        Model(), "val_loss", trials, seed=SEED, directory=folder, project_name="search"
    )
    tuner.search(*train, validation_data=validation, epochs=epochs, verbose=0)


def seconds(command: list[str], folder: str) -> tuple[float, float]:
    """Wall-clock time of a command, and that of the processors."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(Path(folder) / "log.txt", "ab") as log:
        subprocess.run(command, cwd=folder, check=True, stdout=log, stderr=log)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, busy


def ours(trials: int, epochs: int) -> tuple[float, float]:
    """Our command, with two jobs."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = {**SWEEP, "budget": {"trials": trials}}
        sweep["overrides"] = {**SWEEP["overrides"], "epochs": epochs}
        (Path(folder) / "speed.yaml").write_text(json.dumps(sweep), encoding="utf-8")
        command = [sys.executable, "-m", "keras_recipes", "sweep", "speed.yaml", "--jobs", "2"]
        return seconds(command, folder)


def theirs(trials: int, epochs: int) -> tuple[float, float]:
    """keras-tuner's search, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.abspath(__file__)
        return seconds(
            [
                sys.executable,
                script,
                "--serial",
                folder,
                f"--trials={trials}",
                f"--epochs={epochs}",
            ],
            folder,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--serial", metavar="DIR", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serial:
        keras_tuner_search(arguments.serial, arguments.trials, arguments.epochs)
        return 0
    mine, other = [], []
    for _ in range(arguments.rounds):
        other.append(theirs(arguments.trials, arguments.epochs))
        mine.append(ours(arguments.trials, arguments.epochs))
        print(
            f"keras-tuner, serial: {other[-1][0]:.1f} s ({other[-1][1]:.1f} s of processors); "
            f"two jobs: {mine[-1][0]:.1f} s ({mine[-1][1]:.1f} s)",
            flush=True,
        )
    ratio = statistics.median(t for t, _ in other) / statistics.median(t for t, _ in mine)
    print(f"{arguments.trials} trials: {ratio:.2f} times as fast (bar: {BAR})")
    return 0 if ratio >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
