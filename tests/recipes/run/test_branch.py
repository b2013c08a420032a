"""`keras-recipes branch`: a run what comes out is the run that was changed from the start."""

import json
import os
import shutil

import keras
import numpy as np
import pytest

import keras_recipes
from keras_recipes.callbacks.run_state import CheckpointStore
from keras_recipes.recipes import RequestError
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.run import branch as module
from keras_recipes.recipes.run.reproduce import compare_runs
from keras_recipes.recipes.run.training_run import TrainingRun

# 4 batches an epoch: 105 training rows.
SMALL = {
    "name": "small",
    "data": {"source": "iris", "scale": "standardize", "batch_size": 32},
    "model": {"layers": [{"dense": {"units": 4}}, {"dropout": {"rate": 0.2}}]},
    "learning_rate": {"piecewise_constant": {"boundaries": [12], "values": [0.1, 0.01]}},
    "gradient_clipping": {"global_norm": 1.0},
    "steps_per_execution": 2,
    "epochs": 5,
}
CHANGE = {"learning_rate.piecewise_constant.values": [0.1, 0.001]}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run, and one of the changed recipe."""
    folder = tmp_path_factory.mktemp("runs")
    keras_recipes.load(SMALL).train(out=folder / "plain", progress=False)
    keras_recipes.load(SMALL, CHANGE).train(out=folder / "changed", progress=False)
    return folder


def assert_same(first, second):
    assert compare_runs(RunDirectory(first), RunDirectory(second)) == []


@pytest.mark.parametrize("at", ["60%", "10 steps"])
def test_a_branch_is_the_run_that_was_changed_from_the_start(runs, tmp_path, at):
    """The rates agree up to update 12; the branches leave at 12 and at 10."""
    result = keras_recipes.branch(runs / "plain", at, CHANGE, out=tmp_path / "new", progress=False)
    assert result.status == "completed"
    assert_same(tmp_path / "new", runs / "changed")
    manifest = json.loads((tmp_path / "new/manifest.json").read_text())
    assert manifest["branched"]["batches"] == (12 if at == "60%" else 10)
    assert list(tmp_path.iterdir()) == [tmp_path / "new"]


def test_nothing_that_says_how_the_other_run_ended_is_copied(runs, tmp_path):
    """A branch that is interrupted would show the evidence of the other run as its own."""
    module.copy_files(RunDirectory(runs / "plain"), tmp_path)
    copied = {path.name for path in tmp_path.iterdir()}
    assert {"recipe.yaml", "metrics.jsonl"} <= copied
    ends = {"result.json", "model.keras", "quality.json", "evidence.json", "evidence.npz"}
    assert ends <= {path.name for path in (runs / "plain").iterdir()}
    assert not ends & copied


def test_a_branch_begins_with_a_state_that_was_kept(tmp_path, capsys):
    recipe = keras_recipes.load(SMALL, {"checkpoints": {"every": "4 steps", "keep": 9}})
    recipe.train(out=tmp_path / "kept", progress=False)
    states = [path.name for path in CheckpointStore(tmp_path / "kept/checkpoints/state").paths()]
    assert len(states) > 3
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*")}
    keras_recipes.branch(tmp_path / "kept", 12, out=tmp_path / "same", progress=False)
    assert "branches from state-" in capsys.readouterr().err
    assert_same(tmp_path / "same", tmp_path / "kept")
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*")}


def test_a_branch_that_was_killed_on_its_way_continues(runs, tmp_path, monkeypatch):
    reach = module._reach

    def killed(*arguments, **options):
        reach(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_reach", killed)
        with pytest.raises(KeyboardInterrupt):
            keras_recipes.branch(
                runs / "plain", "60%", CHANGE, out=tmp_path / "new", progress=False
            )
    assert [path.name for path in tmp_path.iterdir()] == ["new.branching-12"]
    with pytest.raises(RequestError, match="was left behind by a branch of another run"):
        keras_recipes.branch(runs / "changed", "60%", out=tmp_path / "new", progress=False)
    keras_recipes.branch(runs / "plain", "60%", CHANGE, out=tmp_path / "new", progress=False)
    assert_same(tmp_path / "new", runs / "changed")


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("100%", "20 updates in 5 epochs"),
        ("0 steps", "name a place between its beginning and its end"),
        ("soon", "Received: 'soon'"),
        ("-3", "Received: '-3'"),
    ],
)
def test_a_place_that_is_not_in_the_run(runs, tmp_path, at, message):
    with pytest.raises(RequestError, match=message):
        keras_recipes.branch(runs / "plain", at, out=tmp_path / "new", progress=False)
    assert list(tmp_path.iterdir()) == []


def test_refused_before_anything_is_written(runs, tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.tex").write_text("x")
    arguments = ["branch", str(runs / "plain"), "--at", "60%", "--out"]
    assert main([*arguments, str(tmp_path / "full")]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main(["branch", str(tmp_path / "none"), "--at", "60%"]) == 2
    assert main([*arguments, str(tmp_path / "new"), "epochz=3"]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_the_command_line(runs, tmp_path, capsys):
    words = ["branch", str(runs / "plain"), "learning_rate.piecewise_constant.values=[0.1, 0.001]"]
    assert main([*words, "--at", "12 steps", "--out", str(tmp_path / "new"), "-q", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["status"] == "completed"
    assert_same(tmp_path / "new", runs / "changed")


def test_a_run_with_a_link_out_of_it_is_refused(runs, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(runs / "plain", run)
    (tmp_path / "secret").mkdir()
    (run / "secret").symlink_to(tmp_path / "secret")
    with pytest.raises(RequestError, match="is a link that leads out of the run directory"):
        keras_recipes.branch(run, 12, CHANGE, out=tmp_path / "new", progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "secret"]


def test_without_an_intact_state_a_branch_trains_from_the_beginning(runs, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(runs / "plain", run)
    (state,) = (run / "checkpoints/state").iterdir()
    (state / "state.json").write_text("{}")
    keras_recipes.branch(run, 12, CHANGE, out=tmp_path / "new", progress=False)
    assert state.name in capsys.readouterr().err
    assert_same(tmp_path / "new", runs / "changed")


def weights(run):
    return keras.models.load_model(run / "model.keras", compile=False).get_weights()


def rates(run):
    rows = (run / "metrics.jsonl").read_text().splitlines()
    return [round(json.loads(row)["learning_rate"], 6) for row in rows]


# The rate is 0.1 in 12 updates, and 0.01 in the other 8.
CUT = {"piecewise_constant": {"boundaries": [11], "values": [0.1, 0.01]}}


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    """A run with a number for a learning rate, and one with a schedule that cuts it."""
    folder = tmp_path_factory.mktemp("numbers")
    for name, rate in (("constant", 0.1), ("cut", CUT)):
        keras_recipes.load(SMALL, {"learning_rate": rate}).train(out=folder / name, progress=False)
    return folder


def assert_same_training(run, expected):
    for value, other in zip(weights(run), weights(expected), strict=True):
        np.testing.assert_array_equal(value, other)
    assert rates(run) == rates(expected)


@pytest.mark.parametrize(
    ("source", "rate"),
    [("cut", 0.01), ("constant", CUT), ("constant", 0.01)],
    ids=["to a number", "from a number", "to another number"],
)
def test_a_branch_may_change_a_number(numbers, tmp_path, source, rate):
    """Cutting the number after 12 updates is what the schedule does."""
    change = {"learning_rate": rate}
    keras_recipes.branch(numbers / source, "60%", change, out=tmp_path / "new", progress=False)
    assert_same_training(tmp_path / "new", numbers / "cut")


def test_a_resumed_run_may_change_a_number(numbers, tmp_path):
    run = tmp_path / "run"
    keras_recipes.load(SMALL, {"learning_rate": 0.1, "epochs": 3}).train(out=run, progress=False)
    changes = {"learning_rate": 0.01, "epochs": 5}
    keras_recipes.resume(run, changes, allow_change=["learning_rate", "epochs"], progress=False)
    assert_same_training(run, numbers / "cut")


def test_a_changed_number_survives_a_kill_before_the_first_checkpoint(
    numbers, tmp_path, monkeypatch
):
    """The only state there is then has the number of the other run."""
    changed = {"learning_rate": 0.01}
    execute = TrainingRun.execute

    def killed(run):
        if run.recipe.learning_rate == changed["learning_rate"]:
            raise KeyboardInterrupt
        return execute(run)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingRun, "execute", killed)
        with pytest.raises(KeyboardInterrupt):
            keras_recipes.branch(
                numbers / "constant", "60%", changed, out=tmp_path / "new", progress=False
            )
    assert keras_recipes.load(tmp_path / "new" / "recipe.yaml").learning_rate == 0.01
    keras_recipes.resume(tmp_path / "new", progress=False)
    assert_same_training(tmp_path / "new", numbers / "cut")


def test_a_branch_that_was_killed_before_it_has_its_name(runs, tmp_path, monkeypatch):
    """Then its recipe is the changed one already, which `resume` would train."""

    def killed(source, target):
        if str(target).endswith("new"):
            raise KeyboardInterrupt
        return replace(source, target)

    replace, new = os.replace, tmp_path / "new"
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            keras_recipes.branch(runs / "plain", "60%", CHANGE, out=new, progress=False)
    with pytest.raises(RequestError, match="was left behind by a branch of another run"):
        keras_recipes.branch(runs / "plain", "60%", {"epochs": 6}, out=new, progress=False)
    keras_recipes.branch(runs / "plain", "60%", CHANGE, out=new, progress=False)
    assert_same(new, runs / "changed")
    changes = json.loads((new / "manifest.json").read_text())["resumed"][-2]["changes"]
    assert [change["key"] for change in changes] == ["learning_rate.piecewise_constant.values[1]"]


def test_a_branch_at_an_early_stop_may_train_on(tmp_path):
    """The state there says that training has ended."""
    stops = {"callbacks": [{"early_stopping": {"monitor": "loss", "target": 9.0}}]}
    keras_recipes.load(SMALL, stops).train(out=tmp_path / "run", progress=False)
    result = keras_recipes.branch(
        tmp_path / "run", 4, {"callbacks": []}, out=tmp_path / "new", progress=False
    )
    assert result.epochs == 5


def test_a_change_that_does_not_fit_leaves_what_was_reached(runs, tmp_path):
    """The training up to the step is not lost, and no half of a run has the new name."""
    unfit = {"model.layers": [{"dense": {"units": 5}}]}
    with pytest.raises(RequestError, match="of another model"):
        keras_recipes.branch(runs / "plain", "60%", unfit, out=tmp_path / "new", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["new.branching-12"]
    keras_recipes.branch(runs / "plain", "60%", CHANGE, out=tmp_path / "new", progress=False)
    assert_same(tmp_path / "new", runs / "changed")
