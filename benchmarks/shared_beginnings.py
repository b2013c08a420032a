"""A sweep of schedules that share their beginnings against keras-tuner's search of the same trials.

Run:    python benchmarks/shared_beginnings.py [--epochs 60] [--rounds 1] [--all] [--rates 4]

40 trials of a small network on digits: four peak rates, each held until one of ten cooldowns
begins, in the second half of the run. Both sides search all of them, each as a command of its own,
from its start to its end: imports, all trials, and what each keeps of them. keras-tuner's side is
its `GridSearch` over the same recipes, with our models and data and without our run directories;
its runs and ours alternate. Printed are the seconds of the processors (user and system, of all
processes) and their ratio; the bar is 3. Both sides must find the same winner with the same loss.
Then some of our trials (all with `--all`) are trained alone, and must be the same bit for bit:
weights, metrics and results.
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
from typing import Any

BAR = 3.0
RATES = [0.02, 0.05, 0.1, 0.2]
# Updates of the cooldown as percent of the run.
COOLDOWNS = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]
CHECKED = 5
BATCH, TRAINED = 16, 1257
STEPS = -(-TRAINED // BATCH)
KEY = "learning_rate.warmup_stable_decay"
UNITS = 256


def cooldowns(epochs: int) -> list[int]:
    """The updates of each cooldown."""
    return [epochs * STEPS * part // 100 for part in COOLDOWNS]


def sweep_of(epochs: int, rates: int) -> dict:
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
            f"{KEY}.learning_rate": {"choice": RATES[:rates]},
            f"{KEY}.decay_steps": {"choice": lengths},
            f"{KEY}.stable_steps": [
                {"fixed": updates - STEPS - length, "when": {f"{KEY}.decay_steps": length}}
                for length in lengths
            ],
        },
    }


def keras_tuner_search(folder: str, epochs: int, rates: int) -> None:
    """keras-tuner's grid search over the same recipes, without run directories or checkpoints.

    Models, rows and their order are those of the recipes, so that both sides compute the same.
    """
    import keras
    import keras_tuner

    import keras_recipes
    from keras_recipes.callbacks.epoch_order import EpochOrder
    from keras_recipes.recipes.build.experiment import experiment
    from keras_recipes.recipes.build.inputs import data_of

    sweep = sweep_of(epochs, rates)
    data = data_of(keras_recipes.load(sweep["recipe"], sweep["overrides"]))

    class Model(keras_tuner.HyperModel):
        def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
            length: Any = hp.Choice("cooldown", cooldowns(epochs))
            values = {
                f"{KEY}.learning_rate": hp.Choice("rate", RATES[:rates]),
                f"{KEY}.decay_steps": length,
                f"{KEY}.stable_steps": epochs * STEPS - STEPS - length,
            }
            recipe = keras_recipes.load(sweep["recipe"], {**sweep["overrides"], **values})
            self.built = experiment(recipe, data, Path(folder))
            return self.built.model

        def fit(self, hp: Any, model: Any, *arguments: Any, **named: Any) -> Any:
            built = self.built
            callbacks = [EpochOrder(built.training.epoch), *named["callbacks"]]
            return model.fit(**built.fit_arguments, callbacks=callbacks)

    tuner = keras_tuner.GridSearch(Model(), "val_loss", directory=folder, project_name="search")
    tuner.search()
    best = tuner.oracle.get_best_trials()[0]
    found = {name: best.hyperparameters.values[name] for name in ("rate", "cooldown")}
    (Path(folder) / "winner.json").write_text(json.dumps({**found, "val_loss": best.score}))


def seconds(command: list[str], folder: Path) -> float:
    """Seconds of the processors that a command takes, with all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(folder / "log.txt", "ab") as log:
        subprocess.run(command, cwd=folder, check=True, stdout=log, stderr=log)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def theirs(folder: Path, epochs: int, rates: int) -> tuple[float, dict]:
    """keras-tuner's search: its seconds and its winner."""
    command = [sys.executable, os.path.abspath(__file__), "--serial", "."]
    spent = seconds([*command, f"--epochs={epochs}", f"--rates={rates}"], folder)
    return spent, json.loads((folder / "winner.json").read_text())


def ours(folder: Path, epochs: int, rates: int, jobs: int) -> tuple[float, dict]:
    """Our command: its seconds and its winner."""
    (folder / "shared.yaml").write_text(json.dumps(sweep_of(epochs, rates)), encoding="utf-8")
    command = [sys.executable, "-m", "keras_recipes", "sweep", "shared.yaml", "--out", "sweep"]
    spent = seconds([*command, f"--jobs={jobs}"], folder)
    found = json.loads((folder / "sweep/result.json").read_text())
    values = found["best"]["values"]
    steps = found["steps"], found["shared_steps"]
    print(f"  trained {steps[0] - steps[1]:,} of {steps[0]:,} steps")
    return spent, {
        "rate": values[f"{KEY}.learning_rate"],
        "cooldown": values[f"{KEY}.decay_steps"],
        "val_loss": found["best"]["score"],
    }


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
    parser.add_argument("--rates", type=int, default=len(RATES), help="of the peak rates")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--all", action="store_true", help="compare every trial with one alone")
    parser.add_argument("--serial", metavar="DIR", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serial:
        keras_tuner_search(arguments.serial, arguments.epochs, arguments.rates)
        return 0
    mine, other, wrong = [], [], []
    for number in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as place:
            folders = [Path(place) / name for name in ("theirs", "ours")]
            for folder in folders:
                folder.mkdir()
            spent, winner = theirs(folders[0], arguments.epochs, arguments.rates)
            other.append(spent)
            spent, found = ours(folders[1], arguments.epochs, arguments.rates, arguments.jobs)
            mine.append(spent)
            print(f"keras-tuner: {other[-1]:.1f} s, {winner}; ours: {mine[-1]:.1f} s, {found}")
            wrong += [] if winner == found else ["the winners differ"]
            if number == arguments.rounds - 1:
                trials = arguments.rates * len(COOLDOWNS)
                wrong += differences(folders[1], trials if arguments.all else CHECKED)
    print("\n".join(wrong))
    ratio = statistics.median(other) / statistics.median(mine)
    print(f"{ratio:.2f} times fewer seconds of the processors (bar: {BAR})")
    return 0 if ratio >= BAR and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
