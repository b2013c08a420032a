"""A sweep of schedules that share their beginnings against keras-tuner's search of the same trials.

Run:    python benchmarks/shared_beginnings.py [--epochs 60] [--rounds 1] [--all]

40 trials of a small network on digits: four peak rates, each held until one of ten cooldowns
begins, in the second half of the run. Both sides search all of them, each as a command of its own,
from its start to its end: imports, all trials, and what each keeps of them. keras-tuner's side is
`GridSearch` over a hypermodel as its guide writes it, with the same schedule; its runs and ours
alternate. Printed are the seconds of the processors (user and system, of all processes) and their
ratio; the bar is 3. Both sides must find the same winner. Then some of our trials (all with
`--all`) are trained alone, and must be the same bit for bit: weights, metrics and results.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

BAR = 3.0
RATES = [0.02, 0.05, 0.1, 0.2]
# Epochs of the cooldown, of `--epochs`, as percent.
COOLDOWNS = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]
CHECKED = 5
BATCH, TRAINED, VALIDATED = 16, 1257, 270
STEPS = -(-TRAINED // BATCH)
KEY = "learning_rate.warmup_stable_decay"
UNITS = 256


def cooldowns(epochs: int) -> list[int]:
    """The updates of each cooldown."""
    return [epochs * STEPS * part // 100 for part in COOLDOWNS]


def sweep_of(epochs: int) -> dict:
    """The sweep: for each cooldown the stable stretch that ends where it begins."""
    updates, lengths = epochs * STEPS, cooldowns(epochs)
    return {
        "name": "shared",
        "recipe": "digits_mlp",
        "overrides": {
            "callbacks": [],
            "epochs": epochs,
            "data.batch_size": BATCH,
            "model.layers": [{"dense": {"units": UNITS, "activation": "relu"}}] * 2,
            "learning_rate": {
                "warmup_stable_decay": {
                    "learning_rate": 0.1,
                    "warmup_steps": STEPS,
                    "stable_steps": STEPS,
                    "decay_steps": STEPS,
                }
            },
        },
        "objective": {"minimize": "val_loss"},
        "algorithm": "grid",
        "space": {
            f"{KEY}.learning_rate": {"choice": RATES},
            f"{KEY}.decay_steps": {"choice": lengths},
            f"{KEY}.stable_steps": [
                {"fixed": updates - STEPS - length, "when": {f"{KEY}.decay_steps": length}}
                for length in lengths
            ],
        },
    }


def keras_tuner_search(folder: str, epochs: int) -> None:
    """keras-tuner's guide, for this network, space and schedule."""
    import keras
    import keras_tuner
    from sklearn.datasets import load_digits

    from keras_recipes.schedules import WarmupStableDecay

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    train = x[:TRAINED], y[:TRAINED]
    validation = tuple(part[TRAINED : TRAINED + VALIDATED] for part in (x, y))

    def build(hp: keras_tuner.HyperParameters) -> keras.Model:
        keras.utils.set_random_seed(1)
        model = keras.Sequential(
            [
                keras.Input((64,)),
                keras.layers.Dense(UNITS, activation="relu"),
                keras.layers.Dense(UNITS, activation="relu"),
                keras.layers.Dense(10, activation="softmax"),
            ]
        )
        peak, length = hp.Choice("rate", RATES), hp.Choice("cooldown", cooldowns(epochs))
        rate = WarmupStableDecay(peak, STEPS, epochs * STEPS - STEPS - length, length)
        optimizer = keras.optimizers.SGD(rate, momentum=0.9, weight_decay=1e-4, clipnorm=1.0)
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    tuner = keras_tuner.GridSearch(build, "val_loss", directory=folder, project_name="search")
    tuner.search(*train, validation_data=validation, epochs=epochs, batch_size=BATCH, verbose=0)
    best = tuner.get_best_hyperparameters()[0].values
    winner = {"rate": best["rate"], "cooldown": best["cooldown"]}
    (Path(folder) / "winner.json").write_text(json.dumps(winner))


def seconds(command: list[str], folder: Path) -> float:
    """Seconds of the processors that a command takes, with all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(folder / "log.txt", "ab") as log:
        subprocess.run(command, cwd=folder, check=True, stdout=log, stderr=log)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def theirs(folder: Path, epochs: int) -> tuple[float, dict]:
    """keras-tuner's search: its seconds and its winner."""
    command = [sys.executable, os.path.abspath(__file__), f"--epochs={epochs}", "--serial", "."]
    spent = seconds(command, folder)
    return spent, json.loads((folder / "winner.json").read_text())


def ours(folder: Path, epochs: int, jobs: int) -> tuple[float, dict]:
    """Our command: its seconds and its winner."""
    (folder / "shared.yaml").write_text(json.dumps(sweep_of(epochs)), encoding="utf-8")
    command = [sys.executable, "-m", "keras_recipes", "sweep", "shared.yaml", "--out", "sweep"]
    spent = seconds([*command, f"--jobs={jobs}"], folder)
    found = json.loads((folder / "sweep/result.json").read_text())
    values = found["best"]["values"]
    steps = found["steps"], found["shared_steps"]
    print(f"  trained {steps[0] - steps[1]:,} of {steps[0]:,} steps")
    return spent, {"rate": values[f"{KEY}.learning_rate"], "cooldown": values[f"{KEY}.decay_steps"]}


def differences(folder: Path, number: int) -> list[str]:
    """How some trials, evenly spread, differ from the same recipes trained alone."""
    from keras_recipes.recipes.record.directory import RunDirectory
    from keras_recipes.recipes.run.reproduce import compare_runs
    from keras_recipes.recipes.run.train import train
    from keras_recipes.recipes.spec import load

    runs = sorted((folder / "sweep/trials").iterdir())
    chosen = [runs[index * len(runs) // number] for index in range(number)]
    found = []
    for run in chosen:
        alone = folder / "alone" / run.name
        train(load(run / "recipe.yaml"), out=alone, progress=False, evaluate_test=False)
        found += [f"{run.name}: {d}" for d in compare_runs(RunDirectory(run), RunDirectory(alone))]
    print(f"{len(chosen)} trials trained alone: {len(found)} differences")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--all", action="store_true", help="compare every trial with one alone")
    parser.add_argument("--serial", metavar="DIR", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serial:
        keras_tuner_search(arguments.serial, arguments.epochs)
        return 0
    mine, other, wrong = [], [], []
    for number in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as place:
            folders = [Path(place) / name for name in ("theirs", "ours")]
            for folder in folders:
                folder.mkdir()
            spent, winner = theirs(folders[0], arguments.epochs)
            other.append(spent)
            spent, found = ours(folders[1], arguments.epochs, arguments.jobs)
            mine.append(spent)
            print(f"keras-tuner: {other[-1]:.1f} s, {winner}; ours: {mine[-1]:.1f} s, {found}")
            wrong += [] if winner == found else ["the winners differ"]
            if number == arguments.rounds - 1:
                trials = len(RATES) * len(COOLDOWNS)
                wrong += differences(folders[1], trials if arguments.all else CHECKED)
    print("\n".join(wrong))
    ratio = statistics.median(other) / statistics.median(mine)
    print(f"{ratio:.2f} times fewer seconds of the processors (bar: {BAR})")
    return 0 if ratio >= BAR and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
