"""From a recipe to the parts of the training step, counted in optimizer updates."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import keras_recipes
from keras_recipes.recipes import RecipeError
from keras_recipes.recipes.build.experiment import experiment
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.build.objects import Builder
from keras_recipes.recipes.spec import Duration

SMALL = {
    "name": "small",
    # 150 rows: 105 are trained on, in 7 batches of 15.
    "data": {"source": "iris", "validation": 20, "test": 25, "batch_size": 15},
    "model": {"layers": [{"dense": {"units": 4, "activation": "tanh"}}]},
    "optimizer": {"sgd": {"momentum": 0.9}},
    "learning_rate": 0.1,
    "epochs": 6,
}


def built(**changes):
    recipe = keras_recipes.load(SMALL, changes)
    return experiment(recipe, data_of(recipe), Path())


def test_every_part_of_the_step_has_a_key():
    model = built(
        gradient_clipping={"z_score": {"threshold": 3.0}, "nonfinite": "skip"},
        weight_decay={"rate": {"linear": {"initial_learning_rate": 0.1, "decay_steps": "100%"}}},
        layer_rates={"layer_decay": 0.5},
        gradient_accumulation=2,
        gradient_transforms=["gradient_centralization", {"gradient_noise": {"eta": 0.1}}],
        sam={"rho": 0.1},
        adversarial_training={"epsilon": 0.2, "norm": "linf"},
        weight_averaging={"decay": 0.9, "start": "1 epochs"},
    ).model
    parts = model.training_parts
    assert parts.gradient_clipping.z_score.threshold == 3.0
    # 42 batches in pairs are 21 updates.
    assert parts.weight_decay.rate.decay_steps == 21
    assert [row.multiplier for row in model.rate_table()] == [0.5, 0.5, 1.0, 1.0]
    assert parts.gradient_accumulation == 2
    assert [type(t).__name__ for t in parts.gradient_transforms] == [
        "GradientCentralization",
        "GradientNoise",
    ]
    assert parts.sam.rho == 0.1
    assert (parts.adversarial_training.epsilon, parts.adversarial_training.norm) == (0.2, "linf")
    # An epoch is three and a half updates: to the nearest, halves up.
    assert (parts.weight_averaging.decay, parts.weight_averaging.start) == (0.9, 4)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("epsilon", 0, "> 0"), ("weight", 2, ">= 0 and <= 1"), ("norm", "l1", "`l2` or `linf`")],
)
def test_bad_arguments_of_adversarial_training_are_found_when_it_is_read(name, value, expected):
    with pytest.raises(RecipeError, match=f"adversarial_training.{name}: expected.*{expected}"):
        keras_recipes.load(SMALL, {"adversarial_training": {"epsilon": 0.1, name: value}})


def test_a_layer_that_cannot_be_moved_is_an_error_of_its_key():
    part = {"epsilon": 0.2, "layer_name": "hidden"}
    with pytest.raises(RecipeError, match=r"adversarial_training.*names the layer 'hidden'"):
        built(adversarial_training=part)


@pytest.mark.parametrize(
    ("duration", "accumulation", "updates"),
    [
        ("100%", 1, 42),
        ("100%", 2, 21),
        ("100%", 4, 11),  # 10.5, halves up
        ("50%", 3, 7),
        ("2 epochs", 2, 7),
        ("3 steps", 4, 3),
        ("0.1%", 4, 1),
    ],
)
def test_durations_count_updates_whatever_the_accumulation(duration, accumulation, updates):
    recipe = keras_recipes.load(SMALL, {"gradient_accumulation": accumulation})
    builder = Builder(recipe, 7)
    assert builder.value(Duration.parse(duration), ()) == updates
    assert builder.updates_per_epoch == Fraction(7, accumulation)


def test_accumulated_batches_train_as_one_large_batch():
    """The schedule ends at the same place: it counts updates, not batches."""
    rate = {"linear": {"initial_learning_rate": 0.2, "decay_steps": "100%"}}
    small = built(learning_rate=rate, gradient_accumulation=7, jit_compile=False)
    large = built(learning_rate=rate, **{"data.batch_size": "all"}, jit_compile=False)
    for one in (small, large):
        one.model.fit(one.training.dataset, epochs=6, shuffle=False, verbose=0)
        assert int(one.model.optimizer.iterations) == 6
    for ours, theirs in zip(small.model.get_weights(), large.model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_momentum_may_follow_a_schedule():
    cycle = {"one_cycle_momentum": {"total_steps": "100%"}}
    for optimizer in ({"sgd": {"momentum": cycle}}, {"adam": {"beta_1": cycle}}):
        model = built(optimizer=optimizer).model
        assert model.training_parts.momentum.total_steps == 42
        assert float(model.training_parts.momentum(0)) == pytest.approx(0.95)


def test_a_formula_knows_the_run():
    formula = "0.1 * 0.5 ** floor(epoch) * (1 - progress)"
    model = built(learning_rate={"expression": {"formula": formula}}).model
    rate = model.optimizer._learning_rate
    assert (rate.steps_per_epoch, rate.total_steps) == (7, 42)
    assert float(rate(7)) == pytest.approx(0.05 * (1 - 7 / 42))


@pytest.mark.parametrize(("accumulation", "epochs"), [(2, 6), (3, 6), (5, 10), (16, 30), (49, 30)])
def test_a_formula_counts_epochs_exactly_where_batches_are_accumulated(accumulation, epochs):
    """7 batches an epoch: update t begins after t * accumulation of them."""
    model = built(
        learning_rate={"expression": {"formula": "0.001 + 0.01 * epoch"}},
        gradient_accumulation=accumulation,
        epochs=epochs,
    ).model
    rate = model.optimizer._learning_rate
    updates = 7 * epochs // accumulation
    assert rate.total_steps == updates
    steps = np.arange(updates)
    expected = 0.001 + 0.01 * steps * accumulation / 7
    np.testing.assert_allclose(np.asarray(rate(steps)), expected, rtol=1e-7)


def test_a_whole_number_is_a_rate():
    assert float(built(learning_rate=1).model.optimizer.learning_rate) == 1.0


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_the_decay_of_the_recipe_takes_the_place_of_the_optimizers_own(optimizer):
    assert not built(optimizer=optimizer, weight_decay={"rate": 0.1}).model.optimizer.weight_decay
    assert built(optimizer=optimizer).model.optimizer.weight_decay == 0.004


LONG = {"steps": 42, "then": 0.1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0}, "learning_rate: the rate is 0 in every update"),
        (
            {"learning_rate": {"constant": {"learning_rate": 0}}},
            "learning_rate: the rate is 0 in every update",
        ),
        (
            {"learning_rate": {"warmup": {"steps": 42, "then": 0.1}}},
            "learning_rate.warmup.steps: the warm-up takes 42 optimizer updates, and the whole run",
        ),
        (
            {"learning_rate": {"scale": {"factor": 2, "schedule": {"warmup": LONG}}}},
            "learning_rate.scale.schedule.warmup.steps: the warm-up takes 42 optimizer updates",
        ),
        (
            {"learning_rate": {"product": {"schedules": [0.1, {"warmup": LONG}]}}},
            "learning_rate.product.schedules[1].warmup.steps: the warm-up takes 42",
        ),
        (
            {
                "learning_rate": {
                    "sequential": {
                        "schedules": [0.1, {"warmup": {"steps": 33, "then": 1.0}}],
                        "boundaries": [9],
                    }
                }
            },
            "schedules[1].warmup.steps: the warm-up takes 33 optimizer updates, begins after 9",
        ),
        (
            {"learning_rate": {"one_cycle": {"max_learning_rate": 1, "total_steps": 1}}},
            "learning_rate.one_cycle: Argument `total_steps` must be >= 2",
        ),
        (
            {"learning_rate": {"expression": {"formula": "__import__('os')"}}},
            "learning_rate.expression: Argument `formula` may hold arithmetic",
        ),
        (
            {"learning_rate": {"step": {"initial_learning_rate": 0.1, "step_size": 0}}},
            "learning_rate.step",
        ),
        (
            {"optimizer": {"sgd": {"momentum": {"constant": {"learning_rate": 1}}}}},
            "optimizer.sgd.momentum: a momentum must stay below 1",
        ),
        ({"layer_rates": {"rules": [{"match": "x9", "multiplier": 1}]}}, "layer_rates: A rule"),
        (
            {"weight_decay": {"rate": 0.1, "rules": [{"factor": 1, "layer": "conv2d"}]}},
            "weight_decay: A rule of the weight decay, `layer conv2d`, matches no variable",
        ),
        (
            {"gradient_clipping": {"adaptive": 0.1}, "model.layers": []},
            "gradient_clipping: Adaptive clipping bounds no variable",
        ),
        ({"layer_rates": {}}, "layer_rates: Layer rates need `rules` or a `layer_decay`"),
    ],
)
def test_what_cannot_be_is_reported_at_its_place(changes, message):
    with pytest.raises(RecipeError) as caught:
        built(**changes)
    assert message in str(caught.value)
