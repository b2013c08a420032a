"""The list of runs: what has become of each, whatever its files hold."""

import json
import os
import socket

import pytest
from pages import write_run

from keras_recipes.recipes.record.listing import State, runs_below


def statuses(folder):
    return {row.name: row.status for row in runs_below(folder)}


def test_what_has_become_of_each_run(tmp_path):
    for status in ("completed", "failed", "interrupted"):
        write_run(tmp_path / status, status=status)
    write_run(tmp_path / "killed", status="running", test={}, validation={}, epochs=3)
    alive = write_run(tmp_path / "alive", status="running")
    owner = {"process": os.getpid(), "machine": socket.gethostname(), "since": "x"}
    (alive / "run.lock").write_text(json.dumps(owner))
    (tmp_path / "started").mkdir()
    (tmp_path / "started" / "manifest.json").write_text("{}")
    (tmp_path / "other").mkdir()
    assert statuses(tmp_path) == {
        "alive": "running",
        "completed": "completed",
        "failed": "failed",
        "interrupted": "interrupted",
        "killed": "unfinished",
        "started": "unfinished",
    }


def test_a_run_that_has_not_ended_shows_its_last_epoch(tmp_path):
    lines = [{"epoch": e, "step": e, "seconds": e / 2, "loss": 1 / e} for e in range(1, 6)]
    write_run(tmp_path / "a", lines=lines, status="running", test={}, validation={}, seconds=0.0)
    (row,) = runs_below(tmp_path)
    assert (row.epochs, row.split, dict(row.metrics)) == (5, "last epoch", {"loss": 0.2})
    assert row.seconds == 2.5


DAMAGE = {
    "no JSON": "{",
    "a list": "[]",
    "another status": '{"status": "sleeping"}',
    "no status": "{}",
    "deep": "[" * 100_000,
    "words": '{"status": "completed", "epochs": "many"}',
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_result_is_shown_as_such(tmp_path, name):
    run = write_run(tmp_path / "a")
    (run / "result.json").write_text(DAMAGE[name])
    assert statuses(tmp_path) == {"a": State.DAMAGED}


def test_links_and_pipes_are_not_read(tmp_path):
    run = write_run(tmp_path / "runs" / "a")
    (run / "result.json").unlink()
    os.mkfifo(run / "result.json")
    write_run(tmp_path / "elsewhere")
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "elsewhere")
    assert statuses(tmp_path / "runs") == {"a": State.DAMAGED}


def test_trials_of_a_sweep_are_runs_and_the_sweep_is_none(tmp_path):
    sweep = tmp_path / "sweeps" / "x"
    (sweep / "oracle").mkdir(parents=True)
    (sweep / "manifest.json").write_text("{}")
    write_run(sweep / "trials" / "0001" / "seed-1")
    assert list(statuses(tmp_path)) == ["sweeps/x/trials/0001/seed-1"]


def test_the_states_that_trials_begin_with_are_no_runs(tmp_path):
    (tmp_path / "s" / "oracle").mkdir(parents=True)
    write_run(tmp_path / "s" / "trials" / "0001")
    state = tmp_path / "s" / "beginnings" / "0001" / "60"
    state.mkdir(parents=True)
    (state / "manifest.json").write_text("{}")
    assert list(statuses(tmp_path)) == ["s/trials/0001"]
