"""Up to where two recipes compute the same: known differences, and none that is guessed."""

import numpy as np
import pytest

import keras_recipes
from keras_recipes.recipes.build.compiling import optimizer
from keras_recipes.recipes.build.objects import Builder
from keras_recipes.recipes.sweep.run.beginnings import common_batches, groups

STEPS = 4
FALL = {"piecewise_constant": {"boundaries": [12], "values": [0.1, 0.01]}}
LATER = {"piecewise_constant": {"boundaries": [15], "values": [0.1, 0.01]}}
BASE = {
    "name": "small",
    "data": {"source": "iris", "batch_size": 32},
    "model": {"layers": [{"dense": {"units": 4}}]},
    "optimizer": {"sgd": {"momentum": 0.5}},
    "learning_rate": FALL,
    "epochs": 5,
}
PHASES = [{"epochs": 2}, {"epochs": 3, "learning_rate": 0.01}]


def recipe(**changes):
    return keras_recipes.load({**BASE, **changes})


def shared(*recipes):
    return common_batches(recipes, lambda recipe: STEPS)


def first_different(one, other):
    """The update at which the rates of two recipes part, one update after another."""
    rates = [optimizer(r, Builder(r, STEPS))._learning_rate for r in (one, other)]
    values = ([np.float32(rate(step)) for rate in rates] for step in range(10_000))
    return next(step for step, (a, b) in enumerate(values) if a != b)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"learning_rate": LATER}),
        ({}, {"learning_rate": LATER, "epochs": 8}),
        (
            {"learning_rate": {"warmup_stable_decay": [3, 6, 5]}},
            {"learning_rate": {"warmup_stable_decay": [3, 9, 5]}},
        ),
        (
            {"learning_rate": {"cosine": {"initial_learning_rate": 0.1, "decay_steps": "100%"}}},
            {
                "learning_rate": {"cosine": {"initial_learning_rate": 0.1, "decay_steps": "100%"}},
                "epochs": 8,
            },
        ),
    ],
    ids=["boundary", "boundary and epochs", "cooldown", "cosine of the run"],
)
def test_schedules_share_what_is_before_their_first_different_rate(first, second):
    names = ("warmup_steps", "stable_steps", "decay_steps")
    for changes in (first, second):
        rate = changes.get("learning_rate", {})
        if isinstance(rate.get("warmup_stable_decay"), list):
            steps = dict(zip(names, rate["warmup_stable_decay"], strict=True))
            changes["learning_rate"] = {
                "warmup_stable_decay": {"learning_rate": 0.1, **steps},
            }
    one, other = recipe(**first), recipe(**second)
    assert shared(one, other) == {(0, 1): first_different(one, other)}


def test_batches_are_counted_where_several_make_an_update():
    one = recipe(gradient_accumulation=2, epochs=20)
    other = recipe(gradient_accumulation=2, epochs=20, learning_rate=LATER)
    assert shared(one, other) == {(0, 1): 2 * first_different(one, other)}


@pytest.mark.parametrize(
    ("first", "second", "batches"),
    [
        # All of the shorter run.
        ({}, {"epochs": 8}, 20),
        ({"learning_rate": 0.1}, {"learning_rate": 0.1, "epochs": 8}, 20),
        ({}, {"checkpoints": {"keep": 9}}, 20),
        (
            {"optimizer": {"sgd": {"momentum": FALL}}},
            {"optimizer": {"sgd": {"momentum": LATER}}},
            None,
        ),
        ({"weight_decay": {"rate": FALL}}, {"weight_decay": {"rate": LATER}}, None),
        ({"phases": PHASES}, {"phases": [PHASES[0], {"epochs": 3, "learning_rate": 0.1}]}, 8),
    ],
    ids=["epochs", "constant rate", "checkpoints", "momentum", "weight decay", "phases"],
)
def test_what_acts_later_is_shared_before(first, second, batches):
    expected = (
        first_different(recipe(), recipe(learning_rate=LATER)) if batches is None else batches
    )
    assert shared(recipe(**first), recipe(**second)) == {(0, 1): expected}


EARLY = [{"early_stopping": {"monitor": "val_loss", "patience": 2}}]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"seed": 1}),
        ({}, {"data": {"source": "iris", "batch_size": 16}}),
        ({}, {"model": {"layers": [{"dense": {"units": 5}}]}}),
        ({}, {"callbacks": EARLY}),
        ({"learning_rate": 0.1}, {"learning_rate": 0.2}),
        ({"learning_rate": 0.1}, {}),
        ({"precision": "auto"}, {"precision": "auto", "learning_rate": LATER}),
        (
            {"weight_averaging": {"decay": 0.9, "start": "50%"}},
            {"weight_averaging": {"decay": 0.9, "start": "50%"}, "epochs": 8},
        ),
        (
            {"phases": PHASES},
            {"phases": [{"epochs": 2}, {"epochs": 4, "learning_rate": 0.01}], "epochs": 6},
        ),
        (
            {"phases": PHASES, "callbacks": EARLY},
            {"phases": [PHASES[0], {"epochs": 3, "learning_rate": 0.1}], "callbacks": EARLY},
        ),
    ],
    ids=[
        "seed", "batch size", "layers", "callbacks", "constant rates", "a rate and a schedule",
        "measured precision", "percent of the run", "lengths of phases", "phases that end early",
    ],
)  # fmt: skip
def test_any_other_difference_shares_nothing(first, second):
    assert shared(recipe(**first), recipe(**second)) == {}


def test_three_share_as_much_as_each_two():
    third = {"piecewise_constant": {"boundaries": [9], "values": [0.1, 0.02]}}
    recipes = [recipe(), recipe(learning_rate=LATER), recipe(learning_rate=third)]
    found = shared(*recipes)
    for (a, b), batches in found.items():
        assert batches == first_different(recipes[a], recipes[b])
    assert len(found) == 3


def test_only_what_may_share_is_compared():
    assert groups([recipe(), recipe(seed=1)]) == []
    assert groups([recipe(seed=1), recipe(), recipe(learning_rate=LATER)]) == [[1, 2]]
