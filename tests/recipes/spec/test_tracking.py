"""The key `tracking` and the option `--track`."""

import pytest

from keras_recipes.recipes.errors import RecipeError, RequestError
from keras_recipes.recipes.spec import dump, load
from keras_recipes.recipes.spec.tracking import TRACKERS, added_trackers


def test_trackers_are_named_once_in_order():
    recipe = load("digits_mlp", ["tracking=[wandb, mlflow, wandb]"])
    assert recipe.tracking == ["wandb", "mlflow"]
    assert "tracking:\n- wandb\n- mlflow\n" in dump(recipe)
    assert load("digits_mlp").tracking == []
    assert load("digits_mlp", {"tracking": list(TRACKERS)}).tracking == list(TRACKERS)


@pytest.mark.parametrize("value", ["mlflow", "[mlflw]", "[{}]", "[[mlflow]]", "[1]", "null", "{}"])
def test_anything_else_is_refused(value):
    with pytest.raises(RecipeError, match="expected a list of trackers: `tensorboard`, `mlflow`"):
        load("digits_mlp", [f"tracking={value}"])


def test_an_option_with_another_name_is_a_wrong_request():
    assert added_trackers(["mlflow", "mlflow"]) == ["mlflow"]
    with pytest.raises(RequestError, match="Did you mean `mlflow`"):
        added_trackers(["ml-flow"])
