"""The space in keras-tuner's terms, and back."""

import keras_tuner
import pytest

from keras_recipes.recipes.sweep.engine.hyperparameters import (
    active_of,
    hyperparameters,
    kept_values,
    names_of,
)
from keras_recipes.recipes.sweep.spec.choices import Choice
from keras_recipes.recipes.sweep.spec.corners import drawn
from keras_recipes.recipes.sweep.spec.ranges import Int, LogUniform, Uniform

SPACE = {
    "optimizer": {"choice": [{"sgd": {"momentum": 0.0}}, {"sgd": {"momentum": 0.9}}, "adam"]},
    "learning_rate": [
        {"log_uniform": {"min": 0.01, "max": 1}, "when": {"optimizer": "sgd"}},
        {"log_uniform": {"min": 1e-4, "max": 1e-2}, "when": {"optimizer": "adam"}},
    ],
    "data.batch_size": {"int": {"min": 16, "max": 64, "step": 16}},
    "epochs": {"int": {"min": 2, "max": 40, "log": True}},
    "model.layers[2].dropout.rate": {"uniform": {"min": 0, "max": 0.3, "step": 0.1}},
    "weight_decay.rate": {"uniform": {"min": 0, "max": 1}},
    "gradient_accumulation": {"fixed": 2},
    "data.drop_remainder": {"choice": [True, False]},
    "loss": {"choice": [None, "sparse_categorical_crossentropy"]},
}


def test_names_are_different_and_fixed_values_are_not_searched(made):
    sweep = made(space=SPACE)
    names = names_of(sweep)
    assert len(set(names)) == len(names)
    assert names.count("learning_rate") == names.count("learning_rate@2") == 1
    space = hyperparameters(sweep)
    assert "gradient_accumulation" not in space.values
    assert len(space.space) == len(names) - 1


@pytest.mark.parametrize(
    "domain",
    [
        Uniform(0.0, 1.0),
        Uniform(0.0, 0.3, 0.1),
        LogUniform(1e-5, 1.0),
        Int(1, 5),
        Int(16, 64, 16),
        Choice((True, 1, None, "x", {"a": 2})),
    ],
    ids=repr,
)
def test_what_is_kept_comes_back(domain):
    for value in [*domain.corners(), domain.middle]:
        back = domain.decode(domain.encode(value))
        assert back == value
        assert type(back) is type(value)


def test_settings_survive_keras_tuners_own_messages_exactly(made):
    sweep = made(space=SPACE)
    space = hyperparameters(sweep)
    for values in drawn(sweep.parameters, 40):
        names = dict(zip(names_of(sweep), sweep.parameters, strict=True))
        for name, row in names.items():
            if name in space.values and row.name in values:
                known = [value for value in [values[row.name]] if _belongs(row, value)]
                if known:
                    space.values[name] = row.domain.encode(known[0])
        space.values = kept_values(sweep, space.values)
        there = keras_tuner.HyperParameters.from_proto(space.to_proto())
        again = keras_tuner.HyperParameters.from_config(space.get_config())
        assert (
            active_of(sweep, there.values)
            == active_of(sweep, space.values)
            == active_of(sweep, again.values)
        )
        assert active_of(sweep, space.values) == values


def _belongs(row, value):
    return not isinstance(row.domain, LogUniform) or row.domain.min <= value <= row.domain.max


def test_only_what_is_active_has_a_value_and_the_rest_is_at_its_default(made):
    sweep = made(space=SPACE)
    space = hyperparameters(sweep)
    values = {**space.values, "optimizer": "adam", "learning_rate": 0.5, "learning_rate@2": 0.001}
    kept = kept_values(sweep, values)
    assert kept["learning_rate"] == 0.1  # the middle of 0.01 and 1: it is not active
    assert kept["learning_rate@2"] == 0.001
    space.values = kept
    active = active_of(sweep, space.values)
    assert active["learning_rate"] == 0.001
    assert active["gradient_accumulation"] == 2


def test_a_value_of_an_oracle_that_moves_freely_is_rounded_into_its_range(made):
    sweep = made(space={"learning_rate": {"log_uniform": {"min": 1e-4, "max": 1e-2}}})
    space = hyperparameters(sweep)
    for free, rounded in ((0.00123456789, 0.00123457), (1e-2 + 1e-12, 1e-2), (9e-5, 1e-4)):
        space.values["learning_rate"] = free
        assert active_of(sweep, space.values) == {"learning_rate": rounded}
