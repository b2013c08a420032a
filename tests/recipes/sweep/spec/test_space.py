"""The space: what is read from it, what is active when, and which corners it has."""

import itertools
import math

import pytest

from keras_recipes.recipes.sweep.spec.choices import Choice, Fixed
from keras_recipes.recipes.sweep.spec.corners import MOST_CORNERS, corners, drawn
from keras_recipes.recipes.sweep.spec.ranges import Int, LogUniform, Uniform
from keras_recipes.recipes.sweep.spec.records import Parameter


def names(sweep):
    return [parameter.name for parameter in sweep.parameters]


def test_every_kind_of_domain(sweep):
    made = sweep(
        """
        data.batch_size: {int: {min: 16, max: 64, step: 16}}
        weight_decay: {rate: {log_uniform: {min: 1e-5, max: 1}}}
        model.layers[2].dropout.rate: {uniform: {min: 0, max: 0.5, step: 0.1}}
        model.layers[0].dense.units: {choice: {values: [32, 64], ordered: true}}
        optimizer: {fixed: adam}
        epochs: {int: {min: 2, max: 50, log: true}}
        """
    )
    assert {row.name: row.domain for row in made.parameters} == {
        "data.batch_size": Int(16, 64, 16),
        "weight_decay.rate": LogUniform(1e-5, 1.0),
        "model.layers[2].dropout.rate": Uniform(0.0, 0.5, 0.1),
        "model.layers[0].dense.units": Choice((32, 64), ordered=True),
        "optimizer": Fixed("adam"),
        "epochs": Int(2, 50, 1, log=True),
    }
    assert made.parameters[2].key == ("model", "layers", 2, "dropout", "rate")
    assert [row.place.line for row in made.parameters] == [4, 5, 6, 7, 8, 9]


def test_keys_may_be_nested_as_deep_as_the_recipe_is(sweep):
    made = sweep(
        """
        learning_rate:
          warmup:
            steps: {choice: [5%, 10%]}
            then: {polynomial: {initial_learning_rate: {log_uniform: {min: 1e-3, max: 1}}}}
        """
    )
    prefix = "learning_rate.warmup"
    assert names(made) == [f"{prefix}.steps", f"{prefix}.then.polynomial.initial_learning_rate"]


def test_a_choice_of_parts_with_ranges_inside(sweep):
    made = sweep(
        """
        optimizer:
          choice:
            - sgd: {momentum: {uniform: {min: 0.0, max: 0.9}}}
            - adam: {beta_1: {choice: [0.8, 0.9]}}
            - adam
        """
    )
    sgd, adam, bare = made.parameters[0].domain.values
    # What stands for a range is its middle, and for a choice its first value.
    assert (sgd, adam, bare) == ({"sgd": {"momentum": 0.45}}, {"adam": {"beta_1": 0.8}}, "adam")
    assert names(made) == ["optimizer", "optimizer.sgd.momentum", "optimizer.adam.beta_1"]
    assert made.parameters[1].when == {"optimizer": (sgd,)}
    assert made.parameters[2].when == {"optimizer": (adam,)}


def test_a_stack_has_widths_of_its_own_for_each_layer(sweep):
    made = sweep(
        """
        model.layers:
          stack:
            depth: {min: 1, max: 3}
            before: [flatten]
            layers: [{dense: {units: {choice: [8, 16]}}}]
            after: [{dropout: {rate: 0.1}}]
        """
    )
    layers = made.parameters[0].domain
    assert layers.ordered
    assert [len(value) for value in layers.values] == [3, 4, 5]
    assert [next(iter(row)) for row in layers.values[1][1:]] == ["dense", "dense", "dropout"]
    widths = {row.name: len(row.when["model.layers"]) for row in made.parameters[1:]}
    # Depth 1, 2 or 3 has a first layer; 3 alone has a third.
    assert widths == {f"model.layers[{index}].dense.units": 4 - index for index in (1, 2, 3)}


def test_one_key_with_ranges_of_its_own_under_each_optimizer(sweep):
    made = sweep(
        """
        learning_rate:
          - {log_uniform: {min: 0.01, max: 1}, when: {optimizer: sgd}}
          - {log_uniform: {min: 1e-4, max: 1e-2}, when: {optimizer: [adam, adamw]}}
        optimizer: {choice: [sgd, {adam: {beta_1: 0.8}}, adamw]}
        """
    )
    # The parent comes first, and a choice is named by its name.
    assert names(made) == ["optimizer", "learning_rate", "learning_rate"]
    assert made.parameters[2].when == {"optimizer": ({"adam": {"beta_1": 0.8}}, "adamw")}
    assert len(made.named("learning_rate")) == 2
    for optimizer, low, high in (("sgd", 0.01, 1.0), ("adamw", 1e-4, 1e-2)):
        values = made.active(
            lambda _, row, word=optimizer: word if row.name == "optimizer" else row.domain.max,
        )
        assert low < values["learning_rate"] == high


def test_conditions_on_numbers_and_on_conditions(sweep):
    made = sweep(
        """
        model.layers[3].dense.activation:
          choice: [relu, tanh]
          when: {'model.layers[3].dense.units': 64}
        model.layers[3].dense.units: {int: {min: 32, max: 128, step: 32}, when: {optimizer: adam}}
        optimizer: {choice: [sgd, adam]}
        """
    )
    assert names(made) == [
        "optimizer",
        "model.layers[3].dense.units",
        "model.layers[3].dense.activation",
    ]

    def chosen(**values):
        pick = {"optimizer": values["optimizer"], "model.layers[3].dense.units": values["units"]}
        return [*made.active(lambda _, row: pick.get(row.name, "relu"))]

    assert len(chosen(optimizer="adam", units=64)) == 3
    assert len(chosen(optimizer="adam", units=96)) == 2
    # A grandchild is not active where its parent is not.
    assert len(chosen(optimizer="sgd", units=64)) == 1


def test_labels_of_parts(sweep):
    made = sweep("optimizer: {choice: [{sgd: {momentum: 0.0}}, {sgd: {momentum: 0.9}}, adam]}")
    domain = made.parameters[0].domain
    assert [domain.label(value) for value in domain.values] == ["sgd#1", "sgd#2", "adam"]
    with pytest.raises(ValueError, match="must be a choice"):
        domain.label("rmsprop")


def parameter(name, domain, **when):
    return Parameter((name,), name, domain, when)


def test_corners_are_all_combinations_of_ends():
    rows = [
        parameter("a", Uniform(0.0, 1.0)),
        parameter("b", Choice(("x", "y", "z"))),
        parameter("c", Int(1, 9, 4)),
    ]
    found = {tuple(values.values()) for values in corners(rows)}
    assert found >= set(itertools.product((0.0, 1.0), "xyz", (1, 9)))


def test_corners_follow_conditions():
    rows = [
        parameter("a", Choice(("x", "y"))),
        parameter("b", Uniform(0.0, 1.0), a=("y",)),
        parameter("c", Int(1, 2), b=(1.0,)),
    ]
    found = [dict(values) for values in corners(rows)]
    assert all(("b" in values) == (values["a"] == "y") for values in found)
    assert {"a": "y", "b": 1.0, "c": 2} in found
    assert all("c" not in values for values in found if values.get("b") != 1.0)


def test_a_large_space_has_every_pair_of_ends():
    rows = [parameter(f"p{index}", Uniform(0.0, 1.0)) for index in range(20)]
    found = list(corners(rows))
    assert len(found) < 1000 < MOST_CORNERS
    for first, second in itertools.combinations(range(20), 2):
        for pair in itertools.product((0.0, 1.0), repeat=2):
            assert any((v[f"p{first}"], v[f"p{second}"]) == pair for v in found)


def test_pairs_of_a_large_space_are_activated():
    rows = [
        parameter("a", Choice(("x", "y"))),
        *(parameter(f"p{index}", Uniform(0.0, 1.0), a=("y",)) for index in range(14)),
    ]
    found = [values for values in corners(rows) if "p0" in values]
    assert any(values["p0"] == 1.0 and values["p13"] == 0.0 for values in found)


def test_draws_are_the_same_every_time_and_fill_the_space():
    rows = [parameter("a", LogUniform(1e-4, 1.0)), parameter("b", Choice((1, 2)))]
    found = list(drawn(rows, 400))
    assert found == list(drawn(rows, 400))
    below = sum(values["a"] < 1e-2 for values in found) / 400
    assert math.isclose(below, 0.5, abs_tol=0.1)


def test_a_very_large_space_is_checked_in_no_more_corners():
    rows = [parameter(f"p{index}", Uniform(0.0, 1.0)) for index in range(150)]
    found = list(corners(rows))
    assert MOST_CORNERS <= len(found) <= MOST_CORNERS + 301
    for pair in itertools.product((0.0, 1.0), repeat=2):
        assert any((v["p3"], v["p140"]) == pair for v in found)
