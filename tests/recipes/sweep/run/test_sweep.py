"""A whole sweep: its directory, its answer, its continuation."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

import keras_recipes
from keras_recipes import RequestError
from keras_recipes.recipes.spec.dump import to_plain
from keras_recipes.recipes.sweep.report import write_sweep_report
from keras_recipes.recipes.sweep.report.files import SweepFiles
from keras_recipes.recipes.sweep.run import chief as chiefs
from keras_recipes.recipes.sweep.run.result import read_result
from keras_recipes.recipes.sweep.run.sweep import run_sweep


@pytest.fixture(scope="module")
def done(tiny, tmp_path_factory):
    """A tiny sweep that was searched in this process, with every answer asked for."""
    out = tmp_path_factory.mktemp("sweeps") / "tiny"
    result = run_sweep(tiny(evaluate_test=True, ensemble=2), out=out, progress=False)
    return out, result


def rows(out):
    with open(out / "trials.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def reported(out, name):
    return json.loads((out / name).read_text(encoding="utf-8"))


def curve(run):
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["val_loss"] for line in lines]


@pytest.mark.parametrize("module", ["run.sweep", "run.process", "report"])
def test_a_wrong_request_and_a_report_cost_no_import_of_tensorflow(module):
    code = (
        f"import sys, keras_recipes.recipes.sweep.{module};"
        "print([m for m in ('tensorflow', 'keras', 'keras_tuner', 'grpc') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_is_complete(done):
    out, result = done
    assert (result.status, result.trials, result.failed, result.epochs) == ("completed", 3, 0, 6)
    assert result.exit_status == 0
    assert reported(out, "result.json") == result.to_json()


def test_every_trial_is_a_run_directory_and_a_row_with_its_best_epoch(done):
    out, _ = done
    table = rows(out)
    assert [row["directory"] for row in table] == [f"trials/000{index}" for index in range(3)]
    for row, kept in zip(table, reported(out, "trials.json"), strict=True):
        values = curve(out / row["directory"])
        assert float(row["score"]) == min(values)
        assert kept["curves"] == [values]
        assert reported(out / row["directory"], "result.json")["status"] == "completed"


def test_a_value_with_a_domain_inside_is_reported_as_it_was_trained(tiny, tmp_path):
    rate = {"cosine": {"initial_learning_rate": {"choice": [0.1, 0.02]}, "decay_steps": "100%"}}
    space = {"learning_rate": {"choice": [0.01, rate]}}
    out = tmp_path / "inner"
    result = run_sweep(tiny(space=space, algorithm="grid", budget={}), out=out, progress=False)
    trained = [keras_recipes.load(out / row["directory"] / "recipe.yaml") for row in rows(out)]
    wanted = [to_plain(recipe)["learning_rate"] for recipe in trained]
    found = [row["values"]["learning_rate"] for row in reported(out, "trials.json")]
    assert found == wanted
    assert [json.loads(row["learning_rate"]) for row in rows(out)] == wanted
    assert result.best["values"]["learning_rate"] in wanted
    files = SweepFiles(out)
    chosen = next(each for each in files.parameters if each.name == "learning_rate")
    places = [chosen.place(row["values"]["learning_rate"]) for row in files.rows]
    assert places == [0.0 if value == 0.01 else 1.0 for value in wanted]


def test_the_best_is_the_best(done):
    out, result = done
    scores = [float(row["score"]) for row in rows(out)]
    assert result.best["score"] == min(scores)
    assert result.order == [f"{index}" for index in np.argsort(scores)]


def test_trials_never_see_the_test_rows_and_the_winner_does_once(done):
    out, result = done
    for row in rows(out):
        assert reported(out / row["directory"], "result.json")["test"] == {}
    assert set(result.test) == {"loss", "accuracy"}


def test_best_yaml_trains_to_the_same_score_bit_for_bit(done, tmp_path):
    out, result = done
    trained = keras_recipes.train(str(out / "best.yaml"), out=tmp_path / "again", progress=False)
    assert trained.status == "completed"
    assert min(curve(tmp_path / "again")) == result.best["score"]
    assert curve(tmp_path / "again") == curve(out / result.best["directories"][0])


def test_the_ensemble_is_the_mean_of_the_best(done):
    import keras

    out, result = done
    assert result.ensemble["members"] == result.order[:2]
    rows_in = np.random.default_rng(0).uniform(0, 16, (5, 64)).astype("float32")
    whole = keras.models.load_model(out / result.ensemble["model"], compile=False)
    parts = [
        keras.models.load_model(out / "trials" / f"000{name}" / "model.keras", compile=False)
        for name in result.order[:2]
    ]
    expected = np.mean([part.predict(rows_in, verbose=0) for part in parts], axis=0)
    np.testing.assert_allclose(whole.predict(rows_in, verbose=0), expected, rtol=1e-5)


def test_the_same_command_again_trains_nothing(done, tiny):
    out, result = done
    before = (out / "events.jsonl").read_text()
    again = run_sweep(tiny(evaluate_test=True, ensemble=2), out=out, progress=False)
    assert again == result
    assert (out / "events.jsonl").read_text() == before


def test_another_sweep_is_refused(done, tiny):
    out, _ = done
    with pytest.raises(RequestError, match="holds another sweep; what differs: seed"):
        run_sweep(tiny(seed=8), out=out, progress=False)


def test_a_folder_with_something_else_is_refused(tiny, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(RequestError, match="holds no sweep"):
        run_sweep(tiny(), out=tmp_path / "mine", progress=False)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_tensorboard_finds_every_trial(done):
    from tensorflow.python.summary.summary_iterator import summary_iterator

    out, _ = done
    for name in ("0000", "0001", "0002"):
        (events,) = (out / "tensorboard" / name).iterdir()
        plugins = {
            (value.tag, value.metadata.plugin_data.plugin_name)
            for event in summary_iterator(str(events))
            for value in event.summary.value
        }
        assert ("_hparams_/session_start_info", "hparams") in plugins
        assert ("val_loss", "scalars") in plugins


def test_the_report_tells_the_answer(done):
    out, result = done
    text = write_sweep_report(out).read_text(encoding="utf-8")
    assert f"best: trial {result.best['trial']}" in text
    assert "this cannot be distinguished from noise" in text
    assert text.count('class="plot"') == 5
    assert 'href="trials/0001"' in text


def test_an_interrupted_sweep_continues_as_if_nothing_had_been(done, tiny, tmp_path, monkeypatch):
    out, _ = done
    take = chiefs.Chief.report

    def interrupted(self, trial_id, epoch, value, *, worker):
        if (trial_id, epoch) == ("1", 1):
            signal.raise_signal(signal.SIGINT)
        return take(self, trial_id, epoch, value, worker=worker)

    # keras-tuner would need tensorboard in every trial; a plain install has none.
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.setattr(chiefs.Chief, "report", interrupted)
    first = run_sweep(tiny(), out=tmp_path / "again", progress=False)
    assert (first.status, first.exit_status, first.trials) == ("interrupted", 130, 1)
    assert [row["status"] for row in rows(tmp_path / "again")] == ["completed", "running"]
    monkeypatch.setattr(chiefs.Chief, "report", take)
    second = run_sweep(tiny(), out=tmp_path / "again", progress=False)
    assert second.status == "completed"

    def same(row):
        return {name: row[name] for name in row if name != "seconds"}

    assert [same(row) for row in rows(tmp_path / "again")] == [same(row) for row in rows(out)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_sweep_that_was_terminated_says_so(tiny, tmp_path, monkeypatch, jobs):
    take, sent = chiefs.Chief.report, []

    def terminated(self, *arguments, **named):
        # Once: a report of another job may come when nobody listens any more.
        if not sent:
            sent.append(signal.SIGTERM)
            os.kill(os.getpid(), sent[0])
        return take(self, *arguments, **named)

    monkeypatch.setattr(chiefs.Chief, "report", terminated)
    found = run_sweep(tiny(), out=tmp_path / "ended", jobs=jobs, progress=False)
    assert (found.status, found.signal, found.exit_status) == ("interrupted", "SIGTERM", 143)
    assert found.reason.startswith("SIGTERM received")
    assert read_result(tmp_path / "ended" / "result.json").exit_status == 143


def test_a_sweep_without_its_state_takes_what_is_finished_from_its_trials(done, tiny, tmp_path):
    """What is advised where the state is damaged: remove it."""
    out, _ = done
    shutil.copytree(out, tmp_path / "copy")
    (tmp_path / "copy" / "oracle" / "state.json").unlink()
    (tmp_path / "copy" / "result.json").unlink()
    (tmp_path / "copy" / "tensorboard" / "mine.txt").write_text("mine")
    run_sweep(tiny(), out=tmp_path / "copy", progress=False)
    assert rows(tmp_path / "copy") == rows(out)
    for at in (out, tmp_path / "copy"):
        assert (at / "events.jsonl").read_text().count('"trained"') == 3
    assert (tmp_path / "copy" / "tensorboard" / "mine.txt").read_text() == "mine"


def test_an_oracle_that_breaks_is_reported_and_the_search_ends(tiny, tmp_path, monkeypatch):
    from keras_recipes.recipes.sweep.engine.searches import RandomSearch

    monkeypatch.setattr(RandomSearch, "populate_space", lambda self, trial_id: 1 / 0)
    result = run_sweep(tiny(), out=tmp_path / "broken", progress=False)
    assert (result.status, result.trials) == ("failed", 0)
    assert result.reason.startswith("the oracle broke: ZeroDivisionError")


@pytest.mark.slow
def test_a_larger_budget_adds_trials(tiny, tmp_path):
    small = run_sweep(tiny(budget={"trials": 1}), out=tmp_path / "more", progress=False)
    before = reported(tmp_path / "more" / "trials" / "0000", "result.json")
    large = run_sweep(tiny(budget={"trials": 2}), out=tmp_path / "more", progress=False)
    assert (small.trials, large.trials) == (1, 2)
    assert reported(tmp_path / "more" / "trials" / "0000", "result.json") == before


def test_failed_trials_are_rows_with_reasons_and_end_the_search(tiny, tmp_path):
    space = {"optimizer": {"choice": [{"sgd": {"momentum": 0.9}}, {"sgd": {"momentum": 0.5}}]}}
    overrides = {"learning_rate": 1e30, "gradient_clipping": None, "weight_decay": None}
    sweep = tiny(
        space=space,
        overrides=overrides,
        algorithm="grid",
        budget={},
        max_consecutive_failures=2,
    )
    result = run_sweep(sweep, out=tmp_path / "bad", progress=False)
    assert (result.status, result.failed, result.best) == ("failed", 2, {})
    assert result.exit_status == 1
    assert result.reason.startswith("2 trials in a row failed")
    assert all("loss became" in row["reason"] for row in rows(tmp_path / "bad"))
    assert "Failed trials" in write_sweep_report(tmp_path / "bad").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_trial_that_the_search_stops_is_ranked_after_the_whole_ones(tiny, tmp_path):
    median = {"median": {"warmup": 1, "min_trials": 1}}
    overrides = {"epochs": 4}
    sweep = tiny(algorithm=median, budget={"trials": 4}, overrides=overrides)
    result = run_sweep(sweep, out=tmp_path / "median", progress=False)
    stopped = [row for row in rows(tmp_path / "median") if "stopped by the search" in row["reason"]]
    assert stopped
    assert all(row["whole"] == "false" and int(row["epochs"]) < 4 for row in stopped)
    whole = [row["trial"] for row in rows(tmp_path / "median") if row["whole"] == "true"]
    assert set(result.order[: len(whole)]) == set(whole)
