"""Every mistake in a space is reported with its line and column, all of them in one pass."""

import pytest

from keras_recipes.recipes import RecipeError
from keras_recipes.recipes.errors import ProblemCode
from keras_recipes.recipes.sweep.spec import load_sweep

# Name: lines below `space:`, and where and what is reported. The first line of the space is line 4.
ALONE = {
    "unknown key": (
        "learning_rat: {log_uniform: {min: 1e-4, max: 1}}",
        "4:3 learning_rat",
        "there is no key `learning_rat` here. Did you mean `learning_rate`?",
    ),
    "unknown key deep down": (
        "model.layers[0].dense.unit: {int: {min: 1, max: 3}}",
        "4:3 model.layers[0].dense.unit",
        "there is no argument `unit` here. Did you mean `units`?",
    ),
    "no such layer": (
        "model.layers[7].dense.units: {int: {min: 1, max: 3}}",
        "4:3 model.layers[7].dense.units",
        "has no place in the recipe: `model.layers` has 4 items, counted from 0.",
    ),
    "not the optimizer of the recipe": (
        "optimizer.adam.beta_1: {uniform: {min: 0.5, max: 0.9}}",
        "4:3 optimizer.adam.beta_1",
        "has no place in the recipe: `optimizer` the recipe has `sgd` here, not `adam`.",
    ),
    "no key at all": (
        "'a..b': {int: {min: 1, max: 3}}",
        "4:3 a..b",
        "is not a key of a recipe, as `data.batch_size`.",
    ),
    "empty range": (
        "epochs: {int: {min: 9, max: 3}}",
        "4:17 epochs",
        "the range is empty: expected min < max. Received 9 and 3.",
    ),
    "range of one value": (
        "weight_decay.rate: {uniform: {min: 0.1, max: 0.1}}",
        "4:32 weight_decay.rate",
        "the range has only one value; use `fixed` for that",
    ),
    "logarithm of zero": (
        "weight_decay.rate: {log_uniform: {min: 0, max: 1e-2}}",
        "4:42 weight_decay.rate",
        "`min`: zero and less have no logarithm. Received 0.",
    ),
    "logarithm of less": (
        "epochs: {int: {min: -1, max: 9, log: true}}",
        "4:23 epochs",
        "`min`: zero and less have no logarithm. Received -1.",
    ),
    "no number": (
        "weight_decay.rate: {uniform: {min: low, max: .nan}}",
        "4:38 weight_decay.rate",
        "`min`: expected a number. Received \"low\".",
    ),
    "a truth value is no number": (
        "epochs: {int: {min: true, max: 3}}",
        "4:23 epochs",
        "`min`: expected a whole number. Received true.",
    ),
    "a fraction is no whole number": (
        "epochs: {int: {min: 1.5, max: 3}}",
        "4:23 epochs",
        "`min`: expected a whole number. Received 1.5.",
    ),
    "no end": (
        "epochs: {int: {min: 1}}",
        "4:17 epochs",
        "needs `max`.",
    ),
    "unknown argument": (
        "epochs: {int: {min: 1, max: 4, stop: 3}}",
        "4:34 epochs",
        "there is no argument `stop` here. Did you mean `step`?",
    ),
    "step too large": (
        "weight_decay.rate: {uniform: {min: 0, max: 1, step: 2}}",
        "4:55 weight_decay.rate",
        "`step`: expected more than 0 and at most 1. Received 2.",
    ),
    "step of zero": (
        "epochs: {int: {min: 1, max: 4, step: 0}}",
        "4:40 epochs",
        "`step`: expected more than 0 and at most 3. Received 0.",
    ),
    "mistyped domain": (
        "weight_decay.rate: {unifrom: {min: 1, max: 4}}",
        "4:23 weight_decay.rate",
        "there is no domain `unifrom`. Did you mean `uniform`?",
    ),
    "no domain": (
        "epochs: 5",
        "4:11 epochs",
        "expected `uniform`, `log_uniform`, `int`, `choice`, `fixed` or `stack`",
    ),
    "bare range": (
        "epochs: {min: 1, max: 4}",
        "4:11 epochs",
        "say how the range is drawn from",
    ),
    "two domains": (
        "epochs: {int: {min: 1, max: 4}, choice: [1, 2]}",
        "4:11 epochs",
        "expected one of",
    ),
    "no values": (
        "epochs: {choice: []}",
        "4:20 epochs",
        "expected a list of 1 to 1000 values.",
    ),
    "a value twice": (
        "epochs: {choice: [3, 4, 3]}",
        "4:27 epochs",
        "3 is there twice.",
    ),
    "choice that fails": (
        "optimizer: {choice: [sgd, adamm]}",
        "4:29 optimizer",
        "there is no `adamm` among the optimizers. Did you mean `adam`, `nadam` or `adamw`?",
    ),
    "choice that fails deep inside": (
        "optimizer:\n  choice:\n    - sgd\n    - adam: {beta_3: 1}",
        "7:16 optimizer.adam.beta_3",
        "there is no argument `beta_3` here.",
    ),
    "end that fails": (
        "optimizer.sgd.momentum: {uniform: {min: 0, max: 1.5}}",
        "4:3 optimizer.sgd.momentum",
        "expected a number >= 0 and < 1. Received 1.5.",
    ),
    "value of the wrong type": (
        "data.batch_size: {uniform: {min: 16, max: 64}}",
        "4:3 data.batch_size",
        "expected a whole number from 1, `all`, or `{auto: 256}`.",
    ),
    "hole that fails": (
        "optimizer: {choice: [sgd, {adam: {beta_1: {uniform: {min: 0.5, max: 1.2}}}}]}",
        "4:37 optimizer.adam.beta_1",
        "expected a number >= 0 and < 1. Received 1.2.",
    ),
    "seed": (
        "seed: {int: {min: 1, max: 5}}",
        "4:3 seed",
        "cannot be in the space: a seed is no setting",
    ),
    "other validation rows": (
        "data.validation: {uniform: {min: 0.1, max: 0.3}}",
        "4:3 data.validation",
        "cannot be in the space: every trial must be judged on the same rows.",
    ),
    "other test rows inside of a value": (
        "data: {choice: [{batch_size: 16}, {batch_size: 32, test: 30%}]}",
        "4:54 data.test",
        "cannot be in the space: every trial must be judged on the same rows.",
    ),
    "duplicate, dotted and nested": (
        "data.batch_size: {choice: [16, 32]}\ndata: {batch_size: {choice: [16, 64]}}",
        "5:10 data.batch_size",
        "is there twice, also in line 4; give each a different `when`",
    ),
    "the same key in one mapping": (
        "epochs: {choice: [1, 2]}\nepochs: {choice: [1, 2]}",
        "5:3 ",
        "`epochs` is given twice",
    ),
    "unknown parent": (
        "epochs: {choice: [1, 2], when: {optimiser: sgd}}\noptimizer: {choice: [sgd, adam]}",
        "4:35 epochs",
        "`when` names `optimiser`, which is not in the space. Did you mean `optimizer`?",
    ),
    "unknown value of a parent": (
        "epochs: {choice: [1, 2], when: {optimizer: [sgd, adm]}}\noptimizer: {choice: [sgd, adam]}",
        "4:52 epochs",
        "`when`: \"adm\" is not a value of `optimizer`. Did you mean `adam`?",
    ),
    "parent without single values": (
        "epochs: {choice: [1, 2], when: {weight_decay.rate: 0.1}}\n"
        "weight_decay.rate: {uniform: {min: 0, max: 1}}",
        "4:54 epochs",
        "`weight_decay.rate` is a range without single values",
    ),
    "circle": (
        "epochs: {choice: [1, 2], when: {data.batch_size: 16}}\n"
        "data.batch_size: {choice: [16, 32], when: {epochs: 1}}",
        "4:3 epochs",
        "the conditions form a circle: `epochs` or `data.batch_size`.",
    ),
    "its own parent": (
        "epochs: {choice: [1, 2], when: {epochs: 1}}",
        "4:3 epochs",
        "the conditions form a circle: `epochs`.",
    ),
    "a child without its condition": (
        "optimizer: {choice: [sgd, adam]}\n"
        "optimizer.sgd.momentum: {uniform: {min: 0, max: 0.9}}",
        "5:3 optimizer.sgd.momentum",
        "A `when` on `optimizer` says with which values it is there.",
    ),
    "two values that do not go together": (
        "data.limit: {choice: [80, 400]}\ndata.batch_size: {choice: [16, 128]}",
        "5:34 data.batch_size",
        "This happens with `data.limit` = 80, `data.batch_size` = 128.",
    ),
    "a value and the recipe that do not go together": (
        "learning_rate.warmup.steps: {choice: [5%, 100%]}",
        "4:45 learning_rate.warmup.steps",
        "the warm-up takes the whole run of 60 epochs.",
    ),
    "stack without layers": (
        "model.layers: {stack: {depth: {min: 1, max: 2}}}",
        "4:25 model.layers",
        "needs `layers`.",
    ),
    "stack that is too deep": (
        "model.layers: {stack: {depth: {min: 1, max: 200}, layers: [flatten]}}",
        "4:25 model.layers",
        "expected a depth of 0 to 100",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ALONE)
def test_a_mistake_and_its_place(case, mistakes):
    space, place, message = ALONE[case]
    found = mistakes(space)
    assert place in found, found
    assert message in found[place]


def test_a_mistake_in_a_value_keeps_its_code(sweep):
    with pytest.raises(RecipeError) as caught:
        sweep("optimizer.sgd.momentun: {choice: [0.1, 0.9]}")
    assert {row.code for row in caught.value.problems} == {ProblemCode.UNKNOWN_KEY}


def test_no_mistake_hides_another(mistakes):
    found = mistakes(
        """
        learning_rat: {log_uniform: {min: 1e-4, max: 1e-1}}
        learning_rate: {log_uniform: {min: 0, max: 1e-1}}
        data.batch_size: {int: {min: 64, max: 16}}
        optimizer: {choice: [sgd, adamm]}
        weight_decay.rate: {uniform: {min: 0, max: 1}, when: {optimiser: sgd}}
        """,
        rest="""
        objective: {minimize: val_mae}
        repeats: 0
        constraints:
          - data.batch_size <
          - foo.bar > 3
        """,
    )
    assert list(found) == [
        "4:3 learning_rat",
        "5:38 learning_rate",
        "6:26 data.batch_size",
        "7:29 optimizer",
        "8:57 weight_decay.rate",
        "11:10 repeats",
        "13:5 constraints",
        "14:5 constraints",
    ] or set(found) >= {"10:23 objective.minimize"}


RANDOM = "weight_decay.rate: {uniform: {min: 0, max: 1}}"
BESIDE = {
    "metric that is not computed": (
        "objective: {minimize: val_mae}",
        "5:23 objective.minimize",
        "`val_mae` is not computed by this recipe. Did you mean `val_loss` or `val_accuracy`?",
    ),
    "metric of the training rows": (
        "objective: {minimize: loss}",
        "5:23 objective.minimize",
        "settings are chosen by the validation rows: `val_loss`.",
    ),
    "metric of the test rows": (
        "objective: {minimize: test_loss}",
        "5:23 objective.minimize",
        "`test_loss` is not computed by this recipe.",
    ),
    "direction": (
        "objective: {minimise: val_loss}",
        "5:12 objective",
        "expected `minimize` or `maximize`.",
    ),
    "unknown algorithm": (
        "algorithm: bayes",
        "5:12 algorithm",
        "there is no algorithm `bayes`.",
    ),
    "argument of an algorithm": (
        "algorithm: {asha: {reduction: 4}}",
        "5:20 algorithm.asha.reduction",
        "Did you mean `reduction_factor`?",
    ),
    "first rung beyond the end": (
        "algorithm: {asha: {min_epochs: 100}}",
        "5:32 algorithm.asha.min_epochs",
        "the first rung lies beyond the 60 epochs of a training. Received 100.",
    ),
    "a number for each round": (
        "algorithm: {coarse_to_fine: {rounds: 3, epochs: [1, 2]}}",
        "5:49 algorithm.coarse_to_fine.epochs",
        "expected one number for each of the 3 rounds. Received [1, 2].",
    ),
    "trials of an algorithm that counts them": (
        "algorithm: hyperband",
        "2:10 budget.trials",
        "the arguments of `hyperband` decide how many trials it makes.",
    ),
    "unknown section": ("budge: 3", "5:1 budge", "there is no key `budge` here."),
    "time without a unit": ("jobs: 0", "5:7 jobs", "expected a whole number >= 1."),
    "several seeds judged in their midst": (
        "algorithm: {median: {warmup: 2}}\nrepeats: 3",
        "6:10 repeats",
        "`median` judges a training while it runs",
    ),
    "ensemble of one": ("ensemble: 1", "5:11 ensemble", "expected 2 members or more"),
    "constraint that is code": (
        "constraints: [\"__import__('os').system('ls') > 0\"]",
        "5:15 constraints",
        "may hold only comparisons and arithmetic on keys of the recipe",
    ),
    "constraint on nothing known": (
        "constraints: [weight_decay.rat < 1]",
        "5:15 constraints",
        "`weight_decay.rat` has no value. Did you mean `weight_decay.rate`?",
    ),
    "constraint that holds nowhere": (
        "constraints: [weight_decay.rate > 2]",
        "5:15 constraints",
        "`weight_decay.rate > 2` holds nowhere in the space.",
    ),
    "constraints that never hold together": (
        "constraints: [weight_decay.rate > 0.9, weight_decay.rate < 0.1]",
        "5:14 constraints",
        "the constraints never hold together.",
    ),
    "constraint that compares text": (
        "constraints: [weight_decay.rate > data.scale]",
        "5:15 constraints",
        "cannot be computed with",
    ),
}


@pytest.mark.parametrize("case", BESIDE)
def test_a_mistake_beside_the_space_and_its_place(case, mistakes):
    rest, place, message = BESIDE[case]
    found = mistakes(RANDOM, rest=f"{rest}\n")
    assert place in found, found
    assert message in found[place]


def test_epochs_are_not_searched_where_the_algorithm_decides_them(mistakes):
    found = mistakes("epochs: {int: {min: 3, max: 9}}", rest="algorithm: asha\n")
    assert "`asha` decides the epochs" in found["4:3 epochs"]


@pytest.mark.parametrize("name", ["random", "bayesian", "asha", "median"])
def test_a_search_must_have_an_end(mistakes, name):
    found = mistakes(RANDOM, head=f"recipe: digits_mlp\nalgorithm: {name}\n")
    assert any("never ends by itself" in message for message in found.values())


def test_mistakes_of_the_recipe_are_reported_in_its_own_file(mistakes, tmp_path):
    (tmp_path / "r.yaml").write_text("data: {source: digits}\nmodel: {layers: [dens]}\n")
    found = mistakes(
        RANDOM,
        head="recipe: r.yaml\nbudget: {trials: 4}\n".replace("r.yaml", str(tmp_path / "r.yaml")),
    )
    assert "2:18 model.layers[0]" in found


def test_mistakes_of_the_overrides_stand_where_they_are_written(mistakes):
    head = "recipe: digits_mlp\noverrides: {epochs: -1}\n"
    assert "2:21 epochs" in mistakes(RANDOM, head=head)


def test_a_recipe_that_does_not_exist_is_reported_at_the_line_that_names_it(mistakes):
    found = mistakes(RANDOM, head="recipe: digits_mpl\nbudget: {trials: 4}\n")
    assert "Did you mean `digits_mlp`" in found["1:9 recipe"]


def test_a_recipe_without_validation_rows_cannot_be_searched(mistakes):
    head = "recipe: digits_mlp\noverrides: {data.validation: null, callbacks: []}\n"
    found = mistakes(
        RANDOM, head=head, rest="budget: {trials: 3}\nobjective: {minimize: val_loss}\n"
    )
    assert "needs validation rows" in found["6:23 objective.minimize"]


def test_an_ensemble_is_not_searched(mistakes):
    found = mistakes(RANDOM, head="recipe: ensemble\nbudget: {trials: 4}\n")
    assert "the recipe trains an ensemble" in found["1:9 recipe"]


def test_a_recipe_is_no_sweep(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("data: {source: iris}\nmodel: {layers: [flatten]}\n")
    with pytest.raises(RecipeError, match="this is a recipe, not a sweep, which names one"):
        load_sweep(path)
    with pytest.raises(RecipeError, match="`keras-recipes train digits_mlp`"):
        load_sweep("digits_mlp")
