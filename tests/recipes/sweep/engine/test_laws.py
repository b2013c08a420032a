"""What holds for every algorithm, whatever it does."""

import json

import keras_tuner
import pytest

from keras_recipes.recipes import Problem, RecipeError
from keras_recipes.recipes.sweep.engine.oracle import SweepOracle, hashed_seed
from keras_recipes.recipes.sweep.engine.trial import Decision
from keras_recipes.recipes.sweep.spec import trial_recipe
from keras_recipes.recipes.sweep.spec.algorithms import ALGORITHMS
from keras_recipes.recipes.sweep.spec.labels import same

CASES = {
    "random": "random",
    "grid": {"grid": {"points": 2}},
    "bayesian": {"bayesian": {"initial_points": 6}},
    "hyperband": {"hyperband": {"max_epochs": 9}},
    "coarse_to_fine": {"coarse_to_fine": {"trials": [8, 4, 4], "epochs": [1, 2, 4]}},
    "asha": {"asha": {"max_epochs": 9}},
    "median": {"median": {"warmup": 1, "min_trials": 3}},
}
everyone = pytest.mark.parametrize("name", CASES)


def test_every_algorithm_of_the_language_has_a_case():
    assert set(ALGORITHMS) == set(CASES)


@everyone
def test_it_is_one_of_keras_tuners_oracles(name, made, oracle):
    own = oracle(made(CASES[name]))
    assert isinstance(own, SweepOracle)
    assert isinstance(own, keras_tuner.Oracle)


@everyone
def test_the_same_seed_makes_the_same_trials_and_another_seed_others(name, made, play):
    first, again = (play(made(CASES[name])).rows for _ in range(2))
    assert first == again
    assert len(first) > 8
    if name != "grid":
        assert play(made(CASES[name], seed=4)).rows != first


@everyone
def test_an_oracle_that_dies_after_every_trial_makes_the_same_trials(name, made, play):
    sweep = made(CASES[name])
    assert play(sweep, restart=True).rows == play(sweep).rows


@everyone
def test_constraints_hold_in_every_trial(name, made, play):
    sweep = made(CASES[name], constraints=["learning_rate * data.batch_size <= 1"])
    values = play(sweep).values
    assert len(values) > 4
    assert all(row["learning_rate"] * row["data.batch_size"] <= 1 for row in values)


@everyone
def test_no_setting_is_tried_twice_and_every_one_makes_a_recipe(name, made, play):
    sweep = made(CASES[name])
    seen = []
    for values, reported, _ in play(sweep).rows:
        trial_recipe(sweep, values)
        # The same setting for longer, or from where another trial stopped, is another trial.
        mark = [values, reported.get("trial_id"), reported.get("epochs")]
        assert not any(same(mark, other) for other in seen)
        seen.append(mark)


@everyone
def test_its_state_is_plain_json_and_the_same_whenever_it_is_written(name, made, play):
    own = play(made(CASES[name])).oracle
    first = json.dumps(own.get_state(), default=lambda value: value.item())
    assert first == json.dumps(own.get_state(), default=lambda value: value.item())


@everyone
def test_trials_that_fail_do_not_stop_it(name, made, play):
    played = play(made(CASES[name]), fails=lambda trial: int(trial) % 3 == 0)
    assert len(played.rows) > 8
    best = played.oracle.get_best_trials(1)[0]
    assert int(best.trial_id) % 3


@everyone
def test_an_epoch_reported_twice_counts_once(name, made, oracle):
    own = oracle(made(CASES[name]))
    trial = own.create_trial("w")
    for _ in range(3):
        assert own.report(trial.trial_id, 1, 2.0) is Decision.CONTINUE
    assert own.curve(own.trials[trial.trial_id]) == [(1, 2.0)]
    assert own.report(trial.trial_id, 1, 3.0) is Decision.CONTINUE
    assert own.curve(own.trials[trial.trial_id]) == [(1, 3.0)]


@pytest.mark.parametrize("name", ["random", "grid", "coarse_to_fine"])
def test_the_trials_do_not_depend_on_the_order_in_which_they_end(name, made, play):
    sweep = made(CASES[name])
    alone = play(sweep).values
    for jobs, order in ((2, 1), (5, 3)):
        assert play(sweep, jobs=jobs, order=order).values == alone


@pytest.mark.parametrize("name", ["asha", "median", "hyperband", "bayesian"])
def test_several_at_once_come_to_an_end(name, made, play):
    for order in range(2):
        assert len(play(made(CASES[name]), jobs=4, order=order).rows) >= 10


@pytest.mark.parametrize("name", ["asha", "median"])
def test_the_settings_started_do_not_depend_on_the_order_in_which_they_end(name, made, play):
    def started(played):
        return [values for values, reported, _ in played.rows if reported.get("round", 0) == 0]

    sweep = made(CASES[name])
    assert started(play(sweep, jobs=3, order=5)) == started(play(sweep))


def test_seeds_that_are_neighbours_are_not_one_search_moved_by_a_value(made, play):
    rates = [
        {row["learning_rate"] for row in play(made(seed=seed, budget={"trials": 20})).values}
        for seed in range(3)
    ]
    assert not (rates[0] & rates[1]) | (rates[1] & rates[2])
    assert len({hashed_seed(seed) for seed in range(1000)}) == 1000


def test_a_direction(made, play):
    sweep = made(
        {"asha": {"max_epochs": 9}},
        objective={"maximize": "val_accuracy"},
    )
    played = play(sweep, lambda values, epoch: -abs(values["learning_rate"] - 0.1))
    reached = [
        values["learning_rate"] for values, reported, _ in played.rows if reported["epochs"] == 9
    ]
    started = sorted((row["learning_rate"] for row in played.values), key=lambda v: abs(v - 0.1))
    assert started[0] in reached


def test_an_oracle_writes_no_files(made, oracle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = oracle(made())
    trial = own.create_trial("w")
    own.report(trial.trial_id, 1, 2.0)
    trial.status = "COMPLETED"
    own.end_trial(trial)
    assert list(tmp_path.rglob("*")) == []


def test_a_trial_that_may_be_tried_again_is_and_nothing_is_printed(made, oracle, capsys):
    own = oracle(made(retries=2))
    names = []
    for _ in range(4):
        trial = own.create_trial("w")
        names.append(trial.trial_id)
        trial.status = "INVALID"
        own.end_trial(trial)
    # Tried three times in all, then given up; the next is another.
    assert names == ["00", "00", "00", "01"]
    assert [own.trials[name].status for name in ("00", "01")] == ["FAILED", "INVALID"]
    assert capsys.readouterr().out == ""


def test_a_constraint_that_cannot_be_computed_is_not_satisfied(made, oracle):
    own = oracle(made(constraints=["1 / (data.batch_size - 64) < 10"]))
    assert own.allows({**own.draw(), "data.batch_size": 63})
    assert not own.allows({**own.draw(), "data.batch_size": 64})


def test_a_setting_that_makes_no_recipe_becomes_a_trial_that_says_so(made, oracle, monkeypatch):
    own = oracle(made(constraints=["data.batch_size * gradient_accumulation < 10000"]))

    def refuse(*_):
        raise RecipeError([Problem("s.yaml", 1, 1, "epochs", "is wrong.")])

    monkeypatch.setattr("keras_recipes.recipes.sweep.engine.oracle.satisfied", refuse)
    assert own.create_trial("w").status == "RUNNING"
