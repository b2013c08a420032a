"""Loading a recipe: mistakes and their places, overrides, inheritance, and the way back."""

import contextlib
import json
import math
import re

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_recipes.recipes.errors import RecipeError, RequestError
from keras_recipes.recipes.spec import Choice, Duration, dump, json_schema, load, shipped

MINIMAL = {"name": "x", "data": {"source": "iris"}, "model": {"layers": []}}

TEN_MISTAKES = """\
name: ten
seed: -3
data:
  source: digts
  scale: minmx
  batch_size: 0
model:
  layers:
    - dense: {unitss: 12, units: 3, activation: rellu}
    - dropout: {rate: 1.5}
learning_rate: {cosine: {initial_learning_rate: 0.1, decay_steps: 120%}}
gradient_clipping: {global_norm: -1}
epochs: 2.5
epoch: 3
"""


def found(source, overrides=()):
    with pytest.raises(RecipeError) as caught:
        load(source, overrides)
    return [str(problem) for problem in caught.value.problems]


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_ten_mistakes_are_ten_problems_each_with_its_place_and_a_mend(tmp_path):
    problems = found(write(tmp_path / "ten.yaml", TEN_MISTAKES))
    expected = [
        ("2:7", "seed", "expected a whole number >= 0 and <= 4294967295. Received -3."),
        ("4:11", "data.source", "Did you mean `digits`?"),
        ("5:10", "data.scale", "Did you mean `minmax`?"),
        (
            "6:15",
            "data.batch_size",
            "expected a whole number from 1, `all`, or `{auto: 256}`. Received 0.",
        ),
        ("9:15", "model.layers[0].dense.unitss", "Did you mean `units`?"),
        ("9:49", "model.layers[0].dense.activation", "Did you mean `relu`"),
        ("10:23", "model.layers[1].dropout.rate", "expected a number >= 0 and < 1. Received 1.5"),
        ("11:67", "learning_rate.cosine.decay_steps", "more than 100% of the run"),
        ("12:34", "gradient_clipping.global_norm", "expected a number > 0. Received -1."),
        ("13:9", "epochs", "expected a whole number > 0 and <= 1000000000. Received 2.5."),
        ("14:1", "epoch", "Did you mean `epochs`?"),
    ]
    assert len(problems) == len(expected)
    for problem, (place, path, message) in zip(problems, expected, strict=True):
        assert problem.startswith(f"{tmp_path}/ten.yaml:{place} {path}: "), problem
        assert message in problem


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model.layers": [{"lambda": {"function": "x"}}]}, "`lambda` is refused"),
        ({"model.layers": ["keras.layers.Dense"]}, "is an import path"),
        ({"model.layers": ["os:system"]}, "is an import path"),
        ({"callbacks": ["lambda_callback"]}, "is refused"),
        ({"callbacks": ["remote_monitor"]}, "sends data to another machine"),
        ({"callbacks": [{"csv_logger": {"filename": "../x"}}]}, "inside the run directory"),
        ({"callbacks": [{"csv_logger": {"filename": "/etc/x"}}]}, "inside the run directory"),
        (
            {"model.layers": [{"dense": {"units": 1, "activation": {"class_name": "x"}}}]},
            "no `class_name`",
        ),
        (
            {"model.layers": [{"reshape": {"target_shape": {"class_name": "Lambda"}}}]},
            "expected a list",
        ),
        ({"model.layers": ["dense"]}, "`dense` needs `units`"),
        ({"model.layers": [{"dense": {"units": True}}]}, "whole number > 0"),
        ({"model.layers": [{"dense": {"units": math.inf}}]}, "whole number > 0"),
        ({"model.layers": [{"dense": [3]}]}, "expected a mapping of arguments"),
        ({"model.layers": [{"dense": {"units": 3}, "dropout": {}}]}, "It has 2 keys"),
        ({"model.layers": [{"residual": []}]}, "at least one layer"),
        ({"model.layers": [{"residual": [{"dense": {"unit": 3}}]}]}, "Did you mean `units`"),
        ({"model": None}, "expected a mapping"),
        ({"optimizer": "adamm"}, "Did you mean `adam`"),
        ({"optimizer": {"adam": {"learning_rate": 0.1}}}, "top of a recipe: `learning_rate"),
        ({"optimizer": {"sgd": {"clipnorm": 1.0}}}, "gradient_clipping: {norm"),
        ({"optimizer": {"adamw": {"weight_decay": 1.0}}}, "weight_decay: {rate"),
        ({"optimizer": {"sgd": {"gradient_accumulation_steps": 4}}}, "so that they run too fast"),
        ({"learning_rate": -0.1}, "expected a number >= 0"),
        ({"learning_rate": "fast"}, "no `fast` among the schedules"),
        ({"weight_decay": {"mode": "l2"}}, "needs a `rate` or a `max_norm`"),
        ({"gradient_clipping": {}}, "needs a bound"),
        ({"loss": "categorical_crosentropy"}, "Did you mean `categorical_crossentropy`"),
        ({"data.validation": "150%"}, "expected a part of the rows"),
        ({"data.validation": 0}, "expected a part of the rows"),
        ({"data.validation": 0.6, "data.test": 0.5}, "none are left to train on"),
        ({"data.source": {"csv": {"delimiter": ";"}}}, "path: is missing"),
        (
            {"data.source": {"csv": {"path": "x.csv", "date_format": "%d.%B"}}, "data.target": "y"},
            "there is no code `%B` here",
        ),
        (
            {"data.source": {"csv": {"path": "x.csv", "thousands": "."}}, "data.target": "y"},
            "is the `decimal` mark",
        ),
        ({"data.limit": 8, "data.batch_size": 16}, "larger than the limit of 8"),
        ({"data.source": "diabetes", "loss": "binary_crossentropy"}, "compares classes"),
        ({"metrics": ["mean"]}, "is a metric of given values"),
        ({"metrics": ["auc"], "data.source": "diabetes"}, "the targets are numbers to predict"),
        ({"metrics": ["accuracy"], "data.task": "regression"}, "the targets are numbers"),
        ({"metrics": ["categorical_accuracy"], "data.task": "multilabel"}, "several labels"),
        ({"callbacks": [{"early_stopping": {"monitor": "val_los"}}]}, "Did you mean `val_loss`"),
        ({"callbacks": ["early_stopping"], "data.validation": None}, "needs validation rows"),
        (
            {"callbacks": ["reduce_lr_on_plateau"], "learning_rate": {"constant": {}}},
            "learning_rate: is missing",
        ),
        (
            {
                "callbacks": ["reduce_lr_on_plateau"],
                "learning_rate": {"constant": {"learning_rate": 0.1}},
            },
            "cannot cut a rate that the schedule",
        ),
        ({"callbacks": ["periodic_checkpoint"]}, "one of `epochs`, `steps` and `minutes`"),
        (
            {"callbacks": [{"periodic_checkpoint": {"epochs": 1, "steps": 5}}]},
            "Received `epochs` and `steps`",
        ),
        ({"learning_rate": {"warmup": {"steps": "100%", "then": 0.1}}}, "takes the whole run"),
        ({"name": "No Name"}, "lowercase letters"),
        ({"epochs": 0}, "whole number > 0"),
    ],
)
def test_what_is_wrong_is_reported(change, message):
    problems = found(MINIMAL, change)
    assert any(message in problem for problem in problems), problems
    assert all(problem.startswith("override `") for problem in problems), problems


def test_checks_between_keys_run_beside_mistakes_elsewhere():
    change = {"seed": -1, "callbacks": [{"early_stopping": {"monitor": "val_acuracy"}}]}
    problems = found(MINIMAL, change)
    assert len(problems) == 2


@pytest.mark.parametrize("name", ["digits_mlp", "csv_example", "vanishing_gradients_mended"])
def test_the_way_back_gives_an_equal_recipe(name, tmp_path):
    recipe = load(name)
    again = load(write(tmp_path / "r.yaml", dump(recipe)))
    assert dump(again) == dump(recipe)
    assert again.fingerprint() == recipe.fingerprint()
    assert again == recipe


def test_what_is_dumped_reads_back_as_it_was():
    """PyYAML leaves `1e-3` unquoted, which YAML 1.2 reads as a number."""
    recipe = load({**MINIMAL, "description": "1e-3", "name": "0o7"})
    text = dump(recipe)
    assert "'1e-3'" in text
    assert "'0o7'" in text


class TestOverrides:
    def test_reach_into_lists_and_make_mappings(self):
        recipe = load(
            "digits_mlp",
            ["model.layers[2].dropout.rate=0.4", "loss=mean_squared_error", "epochs=3"],
        )
        assert recipe.model.layers[2].arguments["rate"] == 0.4
        assert recipe.loss.name == "mean_squared_error"
        assert recipe.epochs == 3

    def test_the_first_equals_sign_splits(self):
        assert load(MINIMAL, ["description=a=b"]).description == "a=b"

    def test_values_are_yaml(self):
        recipe = load(MINIMAL, ["model.layers=[{dense: {units: 3}}, flatten]", "metrics=null"])
        assert [layer.name for layer in recipe.model.layers] == ["dense", "flatten"]
        assert recipe.metrics is None

    def test_a_bare_name_takes_arguments(self):
        recipe = load({**MINIMAL, "optimizer": "adam"}, ["optimizer.adam.beta_1=0.8"])
        assert recipe.optimizer.arguments == {"beta_1": 0.8}

    def test_later_ones_win(self):
        assert load(MINIMAL, ["epochs=3", "epochs=4"]).epochs == 4

    @pytest.mark.parametrize(
        ("override", "message"),
        [
            ("epochs", "expected `key.path=value`"),
            ("=3", "expected `key.path=value`"),
            ("a..b=3", "expected `key.path=value`"),
            ("model.layers[9].dense.units=3", "has 4 items, counted from 0"),
            ("epochs[0]=3", "is not a list"),
            ("seed.x=3", "has no keys; it is 1"),
            ("optimizer.adam.beta_1=0.9", "the recipe has `sgd` here, not `adam`"),
            ("model.layers[0].dropout.rate=0.1", "the recipe has `dense` here"),
            ("epochs={", "is not YAML"),
            ("epoch=3", "Did you mean `epochs`"),
            ("data.batch_sizes=3", "Did you mean `batch_size`"),
        ],
    )
    def test_one_without_a_place_is_reported(self, override, message):
        (problem,) = found("digits_mlp", [override])
        assert message in problem
        assert problem.startswith(f"override `{override.partition('=')[0]}`")


def test_numbers_of_numpy_are_the_numbers_they_are():
    plain = {"epochs": 3, "learning_rate": 0.5, "data.drop_remainder": True, "data.limit": 90}
    given = {
        "epochs": np.int64(3),
        "learning_rate": np.float32(0.5),
        "data.drop_remainder": np.bool_(True),
        "data.limit": np.array(90),
    }
    assert dump(load("digits_mlp", given)) == dump(load("digits_mlp", plain))
    whole = {"extends": "digits_mlp", "name": "n", "epochs": np.int32(3)}
    assert load(whole).epochs == 3


class TestExtends:
    def test_changes_a_shipped_recipe(self, tmp_path):
        path = write(tmp_path / "mine.yaml", "extends: digits_mlp\nepochs: 3\ndata: {limit: 100}\n")
        recipe = load(path)
        assert (recipe.name, recipe.epochs, recipe.data.limit) == ("mine", 3, 100)
        assert recipe.data.scale == "minmax"

    def test_a_choice_of_another_name_replaces(self, tmp_path):
        text = "extends: digits_mlp\noptimizer: {adam: {beta_1: 0.8}}\n"
        recipe = load(write(tmp_path / "a.yaml", text))
        assert recipe.optimizer == Choice("optimizers", "adam", {"beta_1": 0.8})

    def test_a_choice_of_the_same_name_merges(self, tmp_path):
        text = "extends: digits_mlp\noptimizer: {sgd: {nesterov: true}}\n"
        recipe = load(write(tmp_path / "a.yaml", text))
        assert dict(recipe.optimizer.arguments) == {"momentum": 0.9, "nesterov": True}

    def test_a_choice_within_a_choice(self, tmp_path):
        text = (
            "extends: digits_mlp\nlearning_rate:\n  warmup:\n    then:\n"
            "      cosine: {initial_learning_rate: 0.2, decay_steps: 95%}\n"
        )
        rate = load(write(tmp_path / "a.yaml", text)).learning_rate
        assert rate.arguments["steps"] == Duration(5.0, "%")
        assert rate.arguments["then"].name == "cosine"

    def test_another_kind_of_bound_replaces(self, tmp_path):
        text = "extends: digits_mlp\ngradient_clipping: {value: 0.5}\n"
        recipe = load(write(tmp_path / "a.yaml", text))
        assert recipe.gradient_clipping.arguments == {"value": 0.5}

    def test_data_is_relative_to_the_recipe_that_names_it(self, tmp_path):
        path = load(write(tmp_path / "a.yaml", "extends: csv_example\n")).data.source
        assert path.arguments["path"] == str(shipped.folder() / "data" / "cafes.csv")
        text = "extends: csv_example\ndata: {source: {csv: {path: mine.csv}}}\n"
        path = load(write(tmp_path / "b.yaml", text)).data.source
        assert path.arguments["path"] == str(tmp_path / "mine.csv")

    def test_a_mistake_in_a_base_is_reported_at_the_base(self, tmp_path):
        write(tmp_path / "base.yaml", "data: {source: iris}\nmodel: {layers: []}\nepochs: no\n")
        (problem,) = found(write(tmp_path / "a.yaml", "extends: base.yaml\nseed: 1\n"))
        assert problem.startswith(f"{tmp_path}/base.yaml:3:9 epochs: ")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("extends: digits_mpl\n", "1:10 extends: .*Did you mean `digits_mlp`"),
            ("extends: absent.yaml\n", "1:10 extends: .*no such file"),
            ("extends: a.yaml\n", "1:10 extends: `a.yaml` extends itself"),
            ("extends: [a]\n", "1:10 extends: expected the path or name"),
        ],
    )
    def test_a_base_that_cannot_be_had(self, tmp_path, text, message):
        (problem,) = found(write(tmp_path / "a.yaml", text))
        assert re.search(message, problem), problem


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("500 steps", 500),
        ("1 step", 1),
        (7, 7),
        (0, 0),
        ("3 epochs", 120),
        ("0.5 epochs", 20),
        ("10%", 20),
        ("100%", 200),
        ("0.1%", 1),  # never nothing
        ("1.25%", 3),  # 2.5 updates: halves up
        ("5%", 10),
    ],
)
def test_durations_become_updates_in_one_place(text, steps):
    duration = Duration.parse(text)
    assert duration.to_steps(steps_per_epoch=40, epochs=5) == steps
    assert Duration.parse(duration.to_yaml()) == duration


@pytest.mark.parametrize(
    "text", ["101%", "-1", -1, "3", "3 days", "%", "1.5 steps", True, 1.5, None]
)
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match=r"expected|negative|more than|whole"):
        Duration.parse(text)


def test_json_schema_describes_every_class_and_refers_to_what_is_there():
    schema = json_schema()
    text = json.dumps(schema)
    names = set(re.findall(r'"#/\$defs/([^"]+)"', text))
    assert names <= set(schema["$defs"])
    assert "x-choice" not in text
    dense = schema["$defs"]["layers.dense"]
    assert dense["required"] == ["units"]
    assert dense["properties"]["units"]["exclusiveMinimum"] == 0
    assert schema["$defs"]["schedules.cosine"]["properties"]["alpha"]["maximum"] == 1
    assert {"data", "model", "epochs", "extends"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False
    for section in schema["properties"].values():
        assert "description" in section or "$ref" in section, section


def test_a_plugin_that_cannot_be_used_is_reported():
    with pytest.raises(RequestError, match="cannot be imported"):
        load(MINIMAL, plugins=["no_such_module_here"])
    with pytest.raises(RequestError, match="has no table"):
        load(MINIMAL, plugins=["json"])


TEXT = yaml.safe_dump(yaml.safe_load(TEN_MISTAKES.replace("epoch: 3\n", "")))
SOUND = (shipped.folder() / "digits_mlp.yaml").read_text(encoding="utf-8")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutated_text_never_ends_in_another_error(data):
    """Cut, repeated, overwritten: a recipe loads, or its mistakes are reported."""
    text = data.draw(st.sampled_from([SOUND, TEXT]))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        new = data.draw(
            st.one_of(
                st.just(""),
                st.text(max_size=5),
                st.sampled_from(["{", "]", ": ", "- ", "\n", "&a ", "*a", "!!x ", "'", "%", "\t"]),
                st.just(text[end : end + 40]),
            )
        )
        text = text[:start] + new + text[end:]
    _loads_or_tells(text)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["adam", "10%", "dense", "val_loss", "3 epochs", "all", "auto", "cosine"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutated_values_never_end_in_another_error(data):
    tree = yaml.safe_load(SOUND)
    for _ in range(data.draw(st.integers(1, 3))):
        node = tree
        while True:
            keys = list(node) if isinstance(node, dict) else range(len(node))
            key = data.draw(st.sampled_from(list(keys)))
            if not isinstance(node[key], (dict, list)) or not node[key] or data.draw(st.booleans()):
                break
            node = node[key]
        node[key] = data.draw(VALUES)
    with contextlib.suppress(RecipeError):
        load(tree)


def _loads_or_tells(text):
    from keras_recipes.recipes.spec.load import validate
    from keras_recipes.recipes.spec.loader import parse
    from keras_recipes.recipes.spec.schema import Recipe

    with contextlib.suppress(RecipeError):
        tree = parse(text, "fuzz.yaml")
        if isinstance(tree.value, dict):
            validate(tree, Recipe)


def test_a_sweep_is_no_recipe(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text("recipe: digits_mlp\nspace: {epochs: {choice: [1, 2]}}\n")
    with pytest.raises(RecipeError, match="this is a sweep, not a recipe"):
        load(path)
    with pytest.raises(RecipeError, match="`keras-recipes sweep digits_learning_rate`"):
        load("digits_learning_rate")
