"""Phases of a recipe: what they are, and each mistake in them with its line."""

import pytest
import yaml

from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import dump, load

TEXT = """\
name: x
data: {source: digits}
model:
  layers:
    - dense: {units: 8, name: body}
    - dense: {units: 8}
    - residual: [{dense: {units: 8}}]
phases:
  - {epochs: 2, freeze: body}
  - epochs: 3
    freeze: [body, '^dense_1$']
    learning_rate: {linear: {initial_learning_rate: 0.1, decay_steps: 100%}}
  - {epochs: 4, freeze: true, gradual: 2, optimizer: fresh}
"""


def test_epochs_are_the_sum_and_follow_an_override():
    recipe = load(yaml.safe_load(TEXT))
    assert recipe.epochs == 9
    assert "epochs: 9" not in dump(recipe)
    again = load(yaml.safe_load(dump(recipe)), ["phases[1].epochs=5"])
    assert again.epochs == 11
    assert load(yaml.safe_load(TEXT), ["epochs=9"]) == recipe


def test_a_recipe_without_phases_is_as_before():
    tree = {key: value for key, value in yaml.safe_load(TEXT).items() if key != "phases"}
    assert load(tree).epochs == 10
    assert load(tree).phases == []


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("freeze: body}", "freeze: boddy}", "9:25 phases[0].freeze", "`boddy` matches no layer"),
        ("^dense_1$", "^dense_3$", "11:20 phases[1].freeze[1]", "There are `dense_2` or `dense_1`"),
        ("freeze: body}", "freeze: (}", "9:25 phases[0].freeze", "is no regular expression"),
        ("freeze: body}", "freeze: 3}", "9:25 phases[0].freeze", "expected a regular expression"),
        ("freeze: body}", "freeze: []}", "9:25 phases[0].freeze", "expected a regular expression"),
        ("freeze: body}", "freze: body}", "9:17 phases[0].freze", "Did you mean `freeze`?"),
        ("epochs: 2", "epochs: 0", "9:14 phases[0].epochs", "expected a whole number > 0"),
        ("gradual: 2", "gradual: 4", "13:40 phases[2].gradual", "need more than the 4 epochs"),
        ("freeze: true", "freeze: false", "13:41 phases[2].gradual", "give `freeze`"),
        ("fresh", "new", "13:54 phases[2].optimizer", "expected `keep` or `fresh`"),
        ("phases:", "epochs: 7\nphases:", "8:9 epochs", "the phases have 9 epochs together"),
        (
            "linear: {initial_learning_rate: 0.1, decay_steps: 100%}",
            "warmup: {then: 0.1, steps: 3 epochs}",
            "12:48 phases[1].learning_rate.warmup.steps",
            "the warm-up takes the whole phase of 3 epochs",
        ),
    ],
)
def test_each_mistake_is_reported_with_its_line(tmp_path, old, new, place, message):
    file = tmp_path / "x.yaml"
    file.write_text(TEXT.replace(old, new))
    with pytest.raises(RecipeError) as caught:
        load(file)
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"{file}:{place}")
    assert message in str(problem)


def test_a_rate_that_no_phase_uses_and_one_that_no_callback_can_cut():
    tree = yaml.safe_load(TEXT)
    for phase in tree["phases"]:
        phase["learning_rate"] = 0.1
    with pytest.raises(RecipeError, match="is never used"):
        load({**tree, "learning_rate": 0.2})
    with pytest.raises(RecipeError, match="that the schedule `phases` decides"):
        load({**tree, "callbacks": ["reduce_lr_on_plateau"]})
    with pytest.raises(RecipeError, match="`plateau`, which the learning rate does not hold"):
        load({**tree, "callbacks": ["reduce_on_plateau"]})


def test_names_of_the_layers_of_a_table_are_not_known():
    tree = {**yaml.safe_load(TEXT), "data": {"source": {"csv": {"path": "t.csv"}}, "target": "y"}}
    tree["phases"][0]["freeze"] = "embedding_3"
    assert load(tree).phases[0].freeze == "embedding_3"


def test_layers_of_parts_and_those_that_blocks_add_can_be_frozen():
    model = {
        "parts": {
            "body": {
                "from": "rows",
                "layers": [
                    {"residual": {"layers": [{"dense": {"units": 8}}], "shortcut": "projection"}}
                ],
            },
            "end": {"from": ["rows", "body"], "layers": [{"dense": {"units": 4}}]},
        }
    }
    tree = {"name": "x", "data": {"source": "digits"}, "model": model}
    for pattern in ("^body_", "end_dense", "^body_residual_0_projection$", "^output$"):
        load({**tree, "phases": [{"epochs": 1, "freeze": pattern}, {"epochs": 1}]})
    with pytest.raises(RecipeError, match="`^boddy_` matches no layer".replace("^", r"\^")):
        load({**tree, "phases": [{"epochs": 1, "freeze": "^boddy_"}]})
