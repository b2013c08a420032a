"""From values to the recipe of a trial, and from there to the same recipe by overrides."""

import dataclasses
import pickle

import pytest

from keras_recipes.recipes import RecipeError, load
from keras_recipes.recipes.spec.nodes import Place, node_of
from keras_recipes.recipes.spec.overrides import steps
from keras_recipes.recipes.sweep.spec import load_sweep, overrides_of, trial_recipe
from keras_recipes.recipes.sweep.spec.corners import drawn
from keras_recipes.recipes.sweep.spec.trial import put_all, rows_of, satisfied, stated

SPACE = """
optimizer: {choice: [{sgd: {momentum: {uniform: {min: 0.0, max: 0.9}}}}, adam, null]}
learning_rate:
  - {log_uniform: {min: 0.01, max: 1}, when: {optimizer: sgd}}
  - {fixed: {cosine: {initial_learning_rate: 0.01, decay_steps: 100%}}, when: {optimizer: adam}}
model.layers:
  stack: {depth: {min: 1, max: 2}, layers: [{dense: {units: {choice: [8, 16]}}}]}
data: {choice: [{batch_size: 16, scale: minmax}, {batch_size: 32, scale: standardize}]}
gradient_clipping: {choice: [{global_norm: 2.0}, {value: 1.0}]}
"""


@pytest.fixture
def made(sweep):
    return sweep(
        SPACE.replace(", null]}", "]}"),
        head="recipe: digits_mlp\nbudget: {trials: 4}\noverrides: {epochs: 7}\n",
    )


def test_overrides_give_the_recipe_of_the_trial(made):
    for values in drawn(made.parameters, 60):
        recipe = trial_recipe(made, values)
        again = load(made.recipe, overrides_of(made, values))
        assert recipe == again
        assert recipe.epochs == 7


def test_a_value_is_stated_with_those_inside_of_it(made):
    """The values that stand in no other give the recipe of all."""
    for values in drawn(made.parameters, 60):
        whole, _ = put_all(made.tree, rows_of(made, values))
        outer = [name for name in values if "." not in name.removeprefix("model.layers")]
        rows = [(steps(name), node_of(stated(values, name), Place("test"))) for name in outer]
        assert put_all(made.tree, rows)[0].plain() == whole.plain()


def test_values_arrive(made):
    values = {
        "optimizer": {"sgd": {"momentum": 0.45}},
        "optimizer.sgd.momentum": 0.3,
        "learning_rate": 0.05,
        "model.layers": [{"dense": {"units": 8}}, {"dense": {"units": 8}}],
        "model.layers[0].dense.units": 16,
        "model.layers[1].dense.units": 8,
        "data": {"batch_size": 32, "scale": "standardize"},
        "gradient_clipping": {"value": 1.0},
    }
    recipe = trial_recipe(made, values)
    assert recipe.optimizer.arguments == {"momentum": 0.3}
    assert recipe.learning_rate == 0.05
    assert [layer.arguments["units"] for layer in recipe.model.layers] == [16, 8]
    # A mapping changes the keys that it names, as a recipe that extends another one does.
    assert (recipe.data.source.name, recipe.data.batch_size) == ("digits", 32)
    assert recipe.data.scale == "standardize"
    # A bound replaces another kind of bound.
    assert recipe.gradient_clipping.arguments == {"value": 1.0}


def test_a_value_that_is_not_active_is_refused(made):
    with pytest.raises(
        ValueError, match=r"active parameters .* Received: optimizer\.sgd\.momentum"
    ):
        trial_recipe(made, {"optimizer": "adam", "optimizer.sgd.momentum": 0.3})
    with pytest.raises(ValueError, match="Received: nonsense"):
        trial_recipe(made, {"nonsense": 1})


def test_a_repeat_has_a_seed_of_its_own_and_the_same_rows(made):
    first = trial_recipe(made, {})
    second = trial_recipe(made, {}, seed=5)
    assert (first.seed, first.data.seed) == (1, None)
    assert (second.seed, second.data.seed) == (5, 1)
    assert trial_recipe(made, {}, epochs=3).epochs == 3


def test_a_mistake_that_no_corner_shows_is_reported_with_its_line(made):
    # 0.45 lies between the ends; a value beyond them is checked all the same.
    with pytest.raises(RecipeError) as caught:
        trial_recipe(made, {"learning_rate": -1.0, "optimizer": {"sgd": {"momentum": 0.45}}})
    assert caught.value.problems[0].line is not None


def test_constraints_know_the_recipe(sweep):
    made = sweep(
        "model.layers[0].dense.units: {int: {min: 8, max: 256}}",
        rest="""
        constraints:
          - model.layers[0].dense.units >= model.layers[3].dense.units
          - gradient_accumulation == 1
        """,
    )
    assert satisfied(made, {"model.layers[0].dense.units": 64})
    assert not satisfied(made, {"model.layers[0].dense.units": 63})


def test_constraints_see_what_stands_inside_of_a_chosen_part(sweep):
    made = sweep(
        "optimizer: {choice: [{sgd: {momentum: 0.5}}, {sgd: {momentum: 0.9}}, adam]}",
        rest="constraints: [optimizer.sgd.momentum > 0.6]\n",
    )
    held = [satisfied(made, {"optimizer": value}) for value in made.parameters[0].domain.values]
    assert held == [False, True, True]


def test_the_recipe_is_found_from_the_sweeps_folder(tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: digits_mlp\nepochs: 3\n")
    for word in ("mine.yaml", "mine"):
        path = tmp_path / "s.yaml"
        path.write_text(
            f"recipe: {word}\nbudget: {{trials: 2}}\n"
            "space: {data.batch_size: {choice: [8, 16]}}\n"
        )
        made = load_sweep(path)
        assert trial_recipe(made, {"data.batch_size": 8}).epochs == 3
        assert load(made.recipe, overrides_of(made, {"data.batch_size": 8})).data.batch_size == 8


def test_overrides_of_the_sweep_itself(tmp_path):
    made = load_sweep("digits_learning_rate", ["budget.trials=3", "overrides.epochs=2", "jobs=1"])
    assert (made.trials, made.jobs, trial_recipe(made, {}).epochs) == (3, 1, 2)
    again = load_sweep("digits_learning_rate", {"budget": {"time": "1.5 min"}})
    assert (again.trials, again.seconds) == (None, 90.0)


def test_a_sweep_from_python():
    made = load_sweep(
        {
            "name": "x",
            "recipe": "digits_mlp",
            "objective": {"maximize": "val_accuracy"},
            "budget": {"trials": 3},
            "space": {"data.batch_size": {"choice": [16, 32]}},
        }
    )
    assert made.source is None
    assert trial_recipe(made, {"data.batch_size": 16}).data.batch_size == 16
    with pytest.raises(RecipeError, match="sweep space: is missing"):
        load_sweep({"name": "x", "recipe": "digits_mlp", "budget": {"trials": 1}})


def test_a_sweep_can_be_sent_to_another_process(made):
    again = pickle.loads(pickle.dumps(made))
    assert again == made
    assert trial_recipe(again, {}) == trial_recipe(made, {})


def test_a_sweep_is_frozen(made):
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.seed = 3


def test_a_phase_is_varied_by_its_path(tmp_path):
    (tmp_path / "r.yaml").write_text(
        "name: r\ndata: {source: iris}\nmodel: {layers: [{dense: {units: 3}}]}\n"
        "phases: [{epochs: 2, freeze: ^dense, learning_rate: 0.1}, {epochs: 3}]\n"
    )
    (tmp_path / "s.yaml").write_text(
        "name: s\nrecipe: r.yaml\nobjective: {minimize: val_loss}\nalgorithm: grid\n"
        "space:\n  phases[0].learning_rate: {choice: [0.2, 0.3]}\n"
        "  phases[1].epochs: {choice: [4, 5]}\n"
    )
    made = load_sweep(tmp_path / "s.yaml")
    recipe = trial_recipe(made, {"phases[0].learning_rate": 0.3, "phases[1].epochs": 5})
    assert [phase.learning_rate for phase in recipe.phases] == [0.3, None]
    assert recipe.epochs == 7


def test_a_mapping_that_is_chosen_inside_of_a_value_has_no_keys_of_another(sweep):
    made = sweep(
        "model: {choice: [{layers: [flatten]}, {layers: [{dense: {units: 4}}, flatten], "
        "lora: {choice: [{rank: 4, alpha: 2.0}, {rank: 2}]}}]}\n"
    )
    outer = made.parameters[0].domain.values[1]
    for chosen, alpha in (({"rank": 4, "alpha": 2.0}, 2.0), ({"rank": 2}, None)):
        recipe = trial_recipe(made, {"model": outer, "model.lora": chosen})
        assert (recipe.model.lora.rank, recipe.model.lora.alpha) == (chosen["rank"], alpha)
