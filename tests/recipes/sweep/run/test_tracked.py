"""A sweep in experiment trackers: a parent run and a child for each training."""

import json

import pytest

import keras_recipes
from keras_recipes.recipes.run import tracking
from keras_recipes.recipes.sweep.run import tracked
from keras_recipes.recipes.sweep.run.sweep import run_sweep

pytestmark = pytest.mark.usefixtures("eager")


class Server:
    """What trackers keep: by the id of a run what it is, its steps, and how it ended."""

    def __init__(self):
        self.runs, self.steps, self.endings, self.order = {}, {}, {}, []

    def tracker(self):
        return Connection(self)


class Connection:
    def __init__(self, server):
        self.server = server

    def begin(self, run):
        self.run = run
        self.server.order.append(run.id)
        self.server.runs[run.id] = run
        return {step for step, _ in self.server.steps.setdefault(run.id, [])}

    def log(self, epoch, values, histograms):
        self.server.steps[self.run.id].append((epoch, values))

    def end(self, ending):
        self.server.endings[self.run.id] = ending


@pytest.fixture
def server(monkeypatch):
    kept = Server()
    monkeypatch.setitem(tracking.MAKERS, "mlflow", kept.tracker)
    for module in (tracking, tracked):
        monkeypatch.setattr(module, "installed", lambda name: True)
    return kept


def test_a_sweep_is_a_run_and_each_training_one_below_it(tiny, server, tmp_path):
    sweep = tiny(budget={"trials": 2}, overrides={"tracking": ["mlflow"]})
    pages = []
    result = run_sweep(sweep, out=tmp_path / "s", progress=False, report=pages.append)
    assert pages == [tmp_path / "s"]
    known = json.loads((tmp_path / "s" / "trackers.json").read_text())["id"]
    # The parent is there before its first child.
    assert server.order[0] == known
    parent = server.runs.pop(known)
    assert (parent.kind, parent.name, parent.group) == ("sweep", "tiny", "tiny")
    assert [(run.kind, run.parent, run.group) for run in server.runs.values()] == (
        [("trial", known, "tiny")] * 2
    )
    assert {run.name for run in server.runs.values()} == {"trial 0000", "trial 0001"}
    rates = {str(run.recipe["learning_rate"]) for run in server.runs.values()}
    assert len(rates) == 2
    for each in server.runs:
        assert [step for step, _ in server.steps[each]] == [1, 2]
        assert server.endings[each].status == "completed"
        assert [path.name for path in server.endings[each].artifacts] == ["recipe.yaml"]
    scores = server.steps[known]
    assert [step for step, _ in scores] == [1, 2]
    assert scores[-1][1]["best_score"] == result.best["score"]
    assert server.endings[known].values["best/score"] == result.best["score"]
    assert {path.name for path in server.endings[known].artifacts} == (
        {"sweep.yaml", "trials.csv", "best.yaml"}
    )


def test_a_sweep_continues_as_the_run_that_it_was(tiny, server, tmp_path):
    """Nothing in the directory of the run says what it is called, but for that of the sweep."""
    directory, folder = tmp_path, tmp_path / "trials" / "0003" / "seed-1"
    folder.mkdir(parents=True)
    recipe = keras_recipes.load("digits_mlp")
    assert tracked.trial_tracking(tiny(), directory, recipe, folder) is None
    where = tracked.RunDirectory(directory)
    first = tracked.TrackedSweep(tiny(), where, ["mlflow"])
    first.begin()
    again = tracked.TrackedSweep(tiny(), where)
    again.begin()
    assert server.order[0] == server.order[1]
    ids = set()
    for name in ("0003/seed-1", "0003/seed-2"):
        part = directory / "trials" / name
        part.mkdir(exist_ok=True)
        (part / "metrics.jsonl").write_text('{"epoch": 1, "loss": 0.5}\n')
        for _ in range(2):
            found = tracked.trial_tracking(tiny(), directory, recipe, part)
            found.look()
            found.finish(tracked_result(part))
        ids.add(server.order[-1])
        # Trained again, or looked at again, it is there once.
        assert server.steps[server.order[-1]] == [(1, {"loss": 0.5})]
        assert not (part / "trackers.json").exists()
    assert len(ids) == 2


def tracked_result(folder):
    return tracking.Result("completed", str(folder), epochs=1)


def test_a_tracker_that_fails_never_harms_a_sweep(tiny, monkeypatch, tmp_path, capsys):
    def broken():
        raise RuntimeError("no server")

    monkeypatch.setitem(tracking.MAKERS, "mlflow", broken)
    for module in (tracking, tracked):
        monkeypatch.setattr(module, "installed", lambda name: True)
    sweep = tiny(budget={"trials": 1}, overrides={"epochs": 1})
    result = run_sweep(sweep, out=tmp_path / "s", progress=False, track=["mlflow"])
    assert result.status == "completed"
    assert "mlflow: RuntimeError: no server" in capsys.readouterr().err


@pytest.mark.slow
def test_mlflow_shows_trials_below_their_sweep(tiny, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="needs the extra `mlflow`")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    sweep = tiny(budget={"trials": 2})
    run_sweep(sweep, out=tmp_path / "s", jobs=2, progress=False, track=["mlflow"])
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name("tiny").experiment_id
    found = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert found.keys() == {"tiny", "trial 0000", "trial 0001"}
    parent = found.pop("tiny")
    assert parent.data.metrics["score"] is not None
    for run in found.values():
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.info.status == "FINISHED"
        steps = [row.step for row in client.get_metric_history(run.info.run_id, "val_loss")]
        assert sorted(steps) == [1, 2]
