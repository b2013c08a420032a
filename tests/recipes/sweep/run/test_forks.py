"""Trials that share their beginnings are what each of them is alone, and none is trained twice."""

import json
import threading
import time

import pytest

from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.run.reproduce import compare_runs
from keras_recipes.recipes.run.train import train
from keras_recipes.recipes.spec import load
from keras_recipes.recipes.sweep.engine.listing import listed
from keras_recipes.recipes.sweep.run import trial as trials
from keras_recipes.recipes.sweep.run.forks import Fork, Forks
from keras_recipes.recipes.sweep.run.planned import Planned, Training, list_trials
from keras_recipes.recipes.sweep.run.sweep import run_sweep

# 5 batches an epoch in executions of 2; the shortest training leaves the others first.
KEY = "learning_rate.piecewise_constant.boundaries"
SHARED = {
    "algorithm": "grid",
    "space": {KEY: {"choice": [[13], [6], [9]]}},
    "overrides": {
        "epochs": 3,
        "data.batch_size": 32,
        "model.layers": [{"dense": {"units": 4}}, {"dropout": {"rate": 0.2}}],
        "learning_rate": {"piecewise_constant": {"boundaries": [12], "values": [0.1, 0.01]}},
        "steps_per_execution": 2,
    },
}


@pytest.fixture(scope="module")
def shared(tiny):
    return tiny(**SHARED)


@pytest.fixture(scope="module")
def searched(shared, tmp_path_factory):
    """The sweep, searched without a break."""
    out = tmp_path_factory.mktemp("searched") / "sweep"
    return out, run_sweep(shared, out=out, progress=False)


def branched(run):
    return json.loads((run / "manifest.json").read_text()).get("branched", {})


def assert_same(first, second):
    assert compare_runs(RunDirectory(first), RunDirectory(second)) == []


def test_a_trial_that_begins_with_anothers_state_is_what_it_is_alone(searched, tmp_path):
    out, result = searched
    assert branched(out / "trials/0000") == {}
    # The schedules part at updates 7 and 10; executions end at 5, 7 and 10.
    assert branched(out / "trials/0001")["steps"] == 7
    assert branched(out / "trials/0002")["steps"] == 10
    run = out / "trials/0002"
    train(load(run / "recipe.yaml"), out=tmp_path / "alone", progress=False, evaluate_test=False)
    assert_same(run, tmp_path / "alone")
    assert (result.steps, result.shared_steps) == (45, 17)
    assert "trained 28 of 45 steps" in "\n".join(result.lines())
    assert not (out / "beginnings").exists()


@pytest.mark.parametrize("damage", [False, True], ids=["killed", "killed and damaged"])
def test_a_sweep_that_was_killed_continues_with_the_shared_beginning(
    searched, shared, tmp_path, monkeypatch, damage
):
    out, before = searched
    started = []
    train_trial = trials.train_trial

    def killed(recipe, folder, *arguments, **options):
        started.append(folder)
        if len(started) == 2:
            raise KeyboardInterrupt
        return train_trial(recipe, folder, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(trials, "train_trial", killed)
        assert run_sweep(shared, out=tmp_path / "sweep", progress=False).status == "interrupted"
    assert len(list((tmp_path / "sweep/beginnings/0000").glob("*/manifest.json"))) == 2
    (state,) = (tmp_path / "sweep/trials/0001/checkpoints/state").iterdir()
    if damage:
        (state / "state.json").write_text("{}")
    result = run_sweep(shared, out=tmp_path / "sweep", progress=False)
    assert (result.order, result.best["score"]) == (before.order, before.best["score"])
    assert result.shared_steps == (10 if damage else 17)
    assert_same(tmp_path / "sweep/trials/0001", out / "trials/0001")


@pytest.fixture
def forks(shared, tmp_path):
    """Three trainings, of which the first shares 8 batches with the others, and they 12."""
    (tmp_path / "beginnings").mkdir()
    found = Forks(shared, tmp_path)
    names = ("0000", "0001", "0002")
    trainings = [Training(tmp_path / "trials" / name, name) for name in names]
    found.planned = Planned(trainings, {0: {1: 8, 2: 8}, 1: {0: 8, 2: 12}, 2: {0: 8, 1: 12}})
    return found


def store(forks, index, batches):
    place = forks.place(forks.trainings[index], batches)
    place.mkdir(parents=True)
    (place / "manifest.json").write_text('{"fingerprints": {}}')
    return place


def test_a_training_begins_with_the_longest_state(forks):
    store(forks, 0, 8)
    store(forks, 1, 8)
    assert forks.best(2)[0] == 8
    place = store(forks, 1, 12)
    assert forks.best(2) == (12, place)
    assert forks.best(0)[0] == 8


def test_a_state_is_removed_once_nobody_would_begin_with_it(forks):
    first, second = store(forks, 0, 8), store(forks, 1, 12)
    forks.prune()
    # Of those that have not started, the first and the second begin with one of 8 batches.
    assert any(first.iterdir())
    assert any(second.iterdir())
    for training in forks.trainings[:2]:
        training.folder.mkdir(parents=True)
    forks.prune()
    assert not any(first.iterdir())
    assert any(second.iterdir())
    forks.trainings[2].folder.mkdir()
    forks.prune()
    assert not any(second.iterdir())


def test_a_training_waits_for_the_one_that_trains_its_beginning(forks):
    fork = Fork(forks, 2, load("digits_mlp"), {0: 8, 1: 12})
    for training in forks.trainings[:2]:
        training.folder.mkdir(parents=True)
    held = [forks.claims.claimed("0000"), forks.claims.claimed("0001")]
    for each in held:
        each.__enter__()
    waiting = threading.Thread(target=fork.begin, daemon=True)
    waiting.start()
    store(forks, 0, 8)
    time.sleep(0.3)
    assert waiting.is_alive()
    # The second one has ended without a state: what there is must do.
    ended = {"status": "completed", "directory": "0001"}
    (forks.trainings[1].folder / "result.json").write_text(json.dumps(ended))
    held[1].__exit__(None, None, None)
    waiting.join(20)
    assert (fork.training.folder / "manifest.json").exists()
    held[0].__exit__(None, None, None)


def test_trials_are_listed_only_where_they_are_known_and_may_share(shared, tiny, tmp_path):
    assert [trial.trial_id for trial in listed(shared)] == ["0", "1", "2"]
    assert listed(tiny(algorithm="bayesian")) == []
    random = tiny(space={"learning_rate": {"log_uniform": {"min": 1e-3, "max": 1.0}}})
    assert len(listed(random)) == 3
    list_trials(random, tmp_path)
    assert list(tmp_path.iterdir()) == []
    list_trials(shared, tmp_path)
    assert [path.name for path in (tmp_path / "beginnings").iterdir()] == ["trials.json"]


@pytest.mark.slow
def test_two_jobs_train_a_shared_beginning_once(searched, shared, tmp_path):
    out, alone = searched
    result = run_sweep(shared, out=tmp_path / "sweep", jobs=2, progress=False)
    assert (result.order, result.best["score"]) == (alone.order, alone.best["score"])
    assert result.shared_steps == alone.shared_steps
    for trial in ("0000", "0001", "0002"):
        assert_same(out / "trials" / trial, tmp_path / "sweep/trials" / trial)
