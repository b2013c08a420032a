"""Keys about targets: what they take, and mistakes between them with their lines."""

import json

import pytest

from keras_recipes.recipes.errors import RecipeError
from keras_recipes.recipes.spec import dump, json_schema, load

TEXT = """\
name: x
data:
  source: {npz: {path: x.npz}}
%s
model: {layers: []}
%s
"""


def written(tmp_path, data, more=""):
    lines = "\n".join(f"  {line}" for line in data.splitlines())
    (tmp_path / "r.yaml").write_text(TEXT % (lines, more), encoding="utf-8")
    return tmp_path / "r.yaml"


@pytest.mark.parametrize(
    ("data", "more", "place", "said"),
    [
        ("balance: weights", "", "4:12", "expected `none`, `class_weights`, `resample` or `focal`"),
        ("threshold: 1", "", "4:14", "expected a probability between 0 and 1"),
        ("threshold: {maximize: f1}", "", "4:14", "one of `f1_score`, `balanced_accuracy`"),
        ("threshold: {minimize: f1_score}", "", "4:14", "expected a probability"),
        ("classes: [a]", "", "4:12", "expected a list of at least two different classes"),
        ("classes: [a, a]", "", "4:12", "different classes"),
        ("classes: [1.5, 2]", "", "4:12", "words or whole numbers"),
        ("task: regression\nbalance: focal", "", "5:12", "the targets are numbers to predict"),
        ("task: count\nbalance: resample", "", "5:12", "the targets are numbers to predict"),
        ("task: multilabel\nbalance: resample", "", "5:12", "write `balance: class_weights`"),
        ("balance: focal", "loss: mean_squared_error", "6:7", "the recipe names `mean_squared_err"),
        ("task: count\nclasses: [1, 2]", "", "5:12", "the task is count"),
        ("task: ordinal\nthreshold: 0.4", "", "5:14", "the task is ordinal"),
        ("task: ordinal", "loss: binary_crossentropy", "6:7", "ordered classes"),
        (
            "validation: null\nthreshold: {maximize: youden}",
            "",
            "5:14",
            "`data.validation` is null",
        ),
        ("task: count", "metrics: [auc]", "6:11", "the targets are numbers to predict"),
    ],
)
def test_mistakes_have_their_line(tmp_path, data, more, place, said):
    with pytest.raises(RecipeError) as caught:
        load(written(tmp_path, data, more))
    (problem,) = caught.value.problems
    assert f"r.yaml:{place}" in str(problem)
    assert said.lower() in str(problem).lower()


@pytest.mark.parametrize(
    "data",
    [
        "task: ordinal\nclasses: [Fair, Good, 3, true]",
        "threshold: 0.25\nbalance: focal",
        "threshold: {maximize: matthews_correlation}\nbalance: class_weights",
        "task: count",
    ],
)
def test_what_is_written_is_read_again(tmp_path, data):
    recipe = load(written(tmp_path, data))
    (tmp_path / "again.yaml").write_text(dump(recipe), encoding="utf-8")
    assert load(tmp_path / "again.yaml") == recipe


def test_a_named_focal_loss_goes_with_the_balance(tmp_path):
    recipe = load(written(tmp_path, "balance: focal", "loss: binary_focal_crossentropy"))
    assert recipe.data.balance == "focal"


def test_the_schema_knows_the_keys():
    text = json.dumps(json_schema())
    for words in ('"classes"', '"balance"', '"matthews_correlation"', '"ordinal"'):
        assert words in text
