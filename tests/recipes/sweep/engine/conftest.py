"""Oracles played with made-up trainings: no network, and any order of ends."""

import json
import random
from dataclasses import dataclass
from typing import Any

import pytest

pytest.importorskip("keras_tuner")

from keras_tuner.engine.trial import Trial

from keras_recipes.recipes.sweep.engine.hyperparameters import active_of
from keras_recipes.recipes.sweep.engine.search import make_oracle
from keras_recipes.recipes.sweep.engine.trial import Decision
from keras_recipes.recipes.sweep.spec import load_sweep

SPACE = {
    "optimizer": {"choice": ["sgd", "adam"]},
    "learning_rate": {"log_uniform": {"min": 1e-4, "max": 1.0}},
    "optimizer.sgd.momentum": {
        "uniform": {"min": 0.0, "max": 0.9, "step": 0.1},
        "when": {"optimizer": "sgd"},
    },
    "data.batch_size": {"int": {"min": 16, "max": 128, "log": True}},
}


@dataclass
class Played:
    """What an oracle did: its trials in the order in which they began, and the oracle."""

    oracle: Any
    sweep: Any

    @property
    def rows(self):
        """Values, what is reported beside them, and last epoch of each trial."""
        found = []
        for name in self.oracle.start_order:
            trial = self.oracle.trials[name]
            reported = {
                key.removeprefix("tuner/"): value
                for key, value in trial.hyperparameters.values.items()
                if key.startswith("tuner/")
            }
            curve = self.oracle.curve(trial)
            values = active_of(self.sweep, trial.hyperparameters.values)
            found.append((values, reported, curve[-1][0] if curve else 0))
        return found

    @property
    def values(self):
        return [values for values, _, _ in self.rows]


def value_of(values, epoch):
    """A learning curve with its best at a rate of 0.01, without any noise."""
    import math

    distance = abs(math.log10(values["learning_rate"]) + 2)
    return 0.1 + distance + 1.0 / epoch


@pytest.fixture
def made():
    def load(algorithm="random", *, space=None, **sections):
        tree = {"name": "x", "recipe": "digits_mlp", "algorithm": algorithm, "seed": 3}
        name = algorithm if isinstance(algorithm, str) else next(iter(algorithm))
        if name not in ("hyperband", "coarse_to_fine", "grid"):
            tree["budget"] = {"trials": 10}
        return load_sweep({**tree, "space": space or SPACE, **sections})

    return load


@pytest.fixture
def oracle():
    """A new oracle of a sweep."""
    return make_oracle


@pytest.fixture
def play(oracle):
    """Play a sweep to its end.

    Args of the function it gives:
        sweep: the sweep.
        score: values, epoch -> value of the objective.
        jobs: trials that run at once; which of them ends next is drawn by `order`.
        restart: the oracle is replaced by a new one with its state after every trial.
        fails: number of a trial -> whether it fails.
    """

    def played(sweep, score=value_of, *, jobs=1, order=0, restart=False, fails=lambda name: False,
               epochs=6, most=500):  # fmt: skip
        own = oracle(sweep)
        source = random.Random(order)
        running: dict[str, Trial] = {}
        free = [f"worker{index}" for index in range(jobs)]
        while len(own.trials) < most:
            trial = own.create_trial(free[-1]) if free else None
            if trial is not None and trial.status == "RUNNING":
                running[free.pop()] = trial
                continue
            if not running:
                assert trial.status == "STOPPED"
                return Played(own, sweep)
            worker = source.choice(sorted(running))
            _run(own, sweep, running.pop(worker), score, fails, epochs)
            free.append(worker)
            if restart:
                own = reborn(own, oracle(sweep))
        raise AssertionError("no end")

    return played


def _run(oracle, sweep, trial, score, fails, epochs):
    reported = trial.hyperparameters.values
    values = active_of(sweep, trial.hyperparameters.values)
    first, last = reported.get("tuner/initial_epoch", 0), reported.get("tuner/epochs", epochs)
    for epoch in range(first + 1, last + 1):
        if oracle.report(trial.trial_id, epoch, score(values, epoch)) is not Decision.CONTINUE:
            break
    trial.status = "FAILED" if fails(trial.trial_id) else "COMPLETED"
    oracle.end_trial(trial)


def reborn(old, new):
    """A new oracle in the state of an old one, as it comes back from its file."""
    trials = {
        name: json.loads(json.dumps(old.trials[name].get_state())) for name in old.start_order
    }
    new.trials = {name: Trial.from_state(state) for name, state in trials.items()}
    new.set_state(json.loads(json.dumps(old.get_state(), default=lambda value: value.item())))
    return new
