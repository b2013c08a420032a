"""What the trainings of a trial report, and when they end or pause."""

import json

import pytest

from keras_recipes import RequestError
from keras_recipes.models.training_step import TrainingStep
from keras_recipes.recipes.record.lock import locked
from keras_recipes.recipes.sweep.engine.hyperparameters import hyperparameters
from keras_recipes.recipes.sweep.engine.trial import (
    Decision,
    Trial,
    check_settings,
    plan_of,
    recipes_of,
)
from keras_recipes.recipes.sweep.run import trial as trials
from keras_recipes.recipes.sweep.run.sweep import run_sweep, wait_for


class Model:
    stop_training = False


def reporter(answer=Decision.CONTINUE, until=None, epochs=5):
    reported = []

    def report(epoch, value):
        reported.append((epoch, value))
        return answer

    made = trials.Reporter("val_loss", report, until)
    made.set_params({"epochs": epochs})
    made._model = Model()
    return made, reported


def test_every_epoch_is_reported_counted_from_one():
    made, reported = reporter()
    made.on_epoch_end(0, {"val_loss": 0.5})
    made.on_epoch_end(1, {"val_loss": float("nan")})
    made.on_epoch_end(2, {"loss": 0.5})
    made.on_epoch_end(3, {"val_loss": 0.25})
    assert reported == [(1, 0.5), (4, 0.25)]
    assert not made.model.stop_training


def test_stop_ends_the_training():
    made, _ = reporter(Decision.STOP)
    made.on_epoch_end(2, {"val_loss": 0.5})
    assert made.model.stop_training
    assert made.stopped_at == 3


def test_a_training_pauses_after_its_epoch_or_as_it_is_decided():
    made, _ = reporter(until=2)
    made.on_epoch_end(0, {"val_loss": 0.5})
    assert not made.stop.asked()
    made.on_epoch_end(1, {"val_loss": 0.5})
    assert made.stop.asked()
    made, _ = reporter(Decision.PAUSE)
    made.on_epoch_end(0, {"val_loss": 0.5})
    assert (made.stop.asked(), made.model.stop_training) == (True, False)


def test_the_last_epoch_is_no_pause():
    made, _ = reporter(until=5)
    made.on_epoch_end(4, {"val_loss": 0.5})
    assert not made.stop.asked()


def written(folder, **result):
    folder.mkdir()
    reported = {"status": "completed", "directory": str(folder), **result}
    (folder / "result.json").write_text(json.dumps(reported))
    return folder


@pytest.mark.parametrize(
    ("result", "until", "over"),
    [
        ({"status": "completed"}, None, True),
        ({"status": "failed"}, 3, True),
        ({"status": "running"}, None, False),
        ({"status": "interrupted", "epochs": 2}, 3, False),
        ({"status": "interrupted", "epochs": 3}, 3, True),
        ({"status": "interrupted", "epochs": 3}, 9, False),
        ({"status": "interrupted", "epochs": 3}, None, False),
    ],
)
def test_what_counts_as_the_end_of_a_training(tmp_path, result, until, over):
    folder = written(tmp_path / "run", **result)
    assert (trials.finished(folder, until) is not None) == over


def test_a_line_that_a_kill_cut_short_ends_the_curve(tmp_path):
    lines = '{"epoch": 1, "val_loss": 0.5}\n{"epoch": 2, "val_l'
    (tmp_path / "metrics.jsonl").write_text(lines)
    assert trials.curve(tmp_path, "val_loss") == [(1, 0.5)]
    assert trials.curve(tmp_path / "none", "val_loss") == []


def test_a_run_that_is_still_worked_on_is_waited_for(tmp_path):
    trials.wait_until_free(tmp_path)
    with locked(tmp_path), pytest.raises(RequestError, match="another process is working"):
        trials.wait_until_free(tmp_path, 0.3)


def trial(sweep, **given):
    given = {name.replace("__", "/"): value for name, value in given.items()}
    return Trial("3", {**hyperparameters(sweep).values, **given})


def test_a_promotion_is_planned_from_keras_tuners_values(tiny):
    sweep = tiny(algorithm={"asha": {"max_epochs": 9, "min_epochs": 1, "reduction_factor": 3}})
    given = {"tuner__epochs": 3, "tuner__initial_epoch": 1, "tuner__trial_id": "1"}
    plan = plan_of(sweep, trial(sweep, **given))
    assert (plan.full, plan.until, plan.parent, plan.first) == (9, 3, "1", 1)
    # Schedules are measured by the whole length, wherever the training pauses.
    assert [recipe.epochs for recipe in recipes_of(sweep, plan)] == [9]


def test_values_that_are_not_in_the_space_are_refused(tiny):
    sweep = tiny()
    check_settings(sweep, [trial(sweep)])
    for value in (64.5, "65", None, [64]):
        with pytest.raises(ValueError, match="trial 3 has values"):
            check_settings(sweep, [trial(sweep, **{"data.batch_size": value})])


def test_a_round_of_few_epochs_is_a_recipe_of_few_epochs(tiny):
    algorithm = {"coarse_to_fine": {"rounds": 2, "trials": 4, "epochs": [1, 3]}}
    sweep = tiny(algorithm=algorithm, budget={})
    plan = plan_of(sweep, trial(sweep, tuner__epochs=3))
    assert (plan.full, plan.until) == (3, 3)


def test_repeats_differ_in_their_seed_and_share_their_split(tiny):
    sweep = tiny(repeats=3)
    recipes = recipes_of(sweep, plan_of(sweep, trial(sweep)))
    assert [recipe.seed for recipe in recipes] == [1, 2, 3]
    assert {recipe.data.seed for recipe in recipes} == {1}


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        ({}, {"jobs": 0}, "--jobs: expected a whole number from 1"),
        ({}, {"jobs": True}, "--jobs"),
        ({}, {"chief": "here"}, "--chief: expected HOST:PORT"),
        ({"overrides": {"ensemble": {"members": 2}}}, {}, "trains an ensemble"),
        ({}, {"arrays": ([], [])}, "`arrays`"),
    ],
)
def test_what_could_not_work_is_refused_before_anything_is_written(
    tiny, tmp_path, changes, arguments, message
):
    with pytest.raises(RequestError, match=message):
        run_sweep(tiny(**changes), out=tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_a_worker_waits_for_the_directory_of_its_chief_and_not_without_end(tmp_path):
    with pytest.raises(RequestError, match="there is no sweep here"):
        wait_for(tmp_path, 0.3)
    (tmp_path / "trials").mkdir()
    wait_for(tmp_path, 0.3)


def test_the_step_of_a_trial_is_traced_once(tiny, tmp_path, monkeypatch):
    """A second trace costs a third of a second in each trial; variables made in a step cause it."""
    traced = []
    step = TrainingStep.train_step
    monkeypatch.setattr(
        TrainingStep, "train_step", lambda self, data: traced.append(1) or step(self, data)
    )
    sweep = tiny(overrides={"optimizer": {"adam": {}}, "epochs": 1})
    (recipe,) = recipes_of(sweep, plan_of(sweep, trial(sweep)))
    made, _ = reporter()
    (tmp_path / "trials").mkdir()
    assert trials.train_trial(recipe, tmp_path / "trials" / "0003", made).status == "completed"
    assert traced == [1]
