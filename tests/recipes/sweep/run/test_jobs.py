"""Processes and machines: the same answer as one process, whoever is killed."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from keras_recipes.recipes.sweep.run.sweep import run_sweep

KILL = Path(__file__).parents[3] / "kill" / "sweep_kill.py"
pytestmark = pytest.mark.slow


def table(out):
    with open(out / "trials.csv", encoding="utf-8", newline="") as file:
        return [{n: row[n] for n in row if n != "seconds"} for row in csv.DictReader(file)]


def test_two_jobs_find_what_one_finds(tiny, tmp_path):
    alone = run_sweep(tiny(), out=tmp_path / "one", progress=False)
    both = run_sweep(tiny(), out=tmp_path / "two", jobs=2, progress=False)
    assert table(tmp_path / "one") == table(tmp_path / "two")
    assert (alone.best, alone.order) == (both.best, both.order)


def test_a_promoted_trial_ends_as_if_it_had_never_paused(tiny, tmp_path):
    asha = {"asha": {"max_epochs": 4, "min_epochs": 1, "reduction_factor": 2}}
    overrides = {"epochs": 4}
    halved = tiny(algorithm=asha, budget={"trials": 4}, overrides=overrides)
    result = run_sweep(halved, out=tmp_path / "halved", progress=False)
    assert any(row["continues"] for row in table(tmp_path / "halved"))
    whole = run_sweep(
        tiny(budget={"trials": 4}, overrides=overrides), out=tmp_path / "whole", progress=False
    )
    scores = {row["score"] for row in table(tmp_path / "whole")}
    assert str(result.best["score"]) in scores
    assert result.epochs < whole.epochs


def test_a_winner_that_trained_on_one_core_trains_to_the_same_bits_on_all(tiny, tmp_path):
    # So large that its products are cut into pieces by the number of threads.
    overrides = {"data.limit": None, "model.layers": [{"dense": {"units": 1024}}] * 2}
    sweep = tiny(overrides=overrides, space={"data.batch_size": {"choice": [128, 512]}})
    result = run_sweep(sweep, out=tmp_path / "wide", jobs=2, progress=False)
    again = [sys.executable, "-m", "keras_recipes", "train", "wide/best.yaml", "--out", "again"]
    subprocess.run([*again, "--quiet"], cwd=tmp_path, check=True)
    first = (tmp_path / "wide" / result.best["directories"][0] / "metrics.jsonl").read_text()
    second = (tmp_path / "again" / "metrics.jsonl").read_text()
    losses = [
        [json.loads(line)["val_loss"] for line in text.splitlines()] for text in (first, second)
    ]
    assert losses[0] == losses[1]


def test_arrays_reach_the_workers(tiny, tmp_path):
    import numpy as np

    source = np.random.default_rng(0)
    x = source.normal(size=(200, 5)).astype("float32")
    arrays = (x, (x[:, 0] > 0).astype("int32"))
    overrides = {"data": {"source": "arrays", "validation": 0.2, "test": 0.2}}
    sweep = tiny(overrides={**overrides, "data.limit": None}, evaluate_test=True)
    result = run_sweep(sweep, out=tmp_path / "arrays", jobs=2, arrays=arrays, progress=False)
    assert result.status == "completed"
    assert set(result.test) == {"loss", "accuracy"}


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_workers_of_other_machines_do_the_work(tmp_path):
    sweep = {
        "recipe": "digits_mlp",
        "overrides": {
            "epochs": 2,
            "data.limit": 200,
            "model.layers": [{"dense": {"units": 4}}],
            "callbacks": [],
        },
        "budget": {"trials": 4},
        "space": {"data.batch_size": {"choice": [16, 32, 64, 128]}},
    }
    (tmp_path / "far.yaml").write_text(yaml.safe_dump(sweep))
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "keras_recipes", "sweep", "far.yaml", "--out", "far"]
    chief = subprocess.Popen([*command, "--jobs", "0", "--chief", address], cwd=tmp_path)
    while not (tmp_path / "far" / "trials").is_dir():
        time.sleep(0.1)
    workers = [subprocess.Popen([*command, "--worker", address], cwd=tmp_path) for _ in range(2)]
    assert chief.wait(240) == 0
    assert [worker.wait(60) for worker in workers] == [0, 0]
    assert len(table(tmp_path / "far")) == 4


def children(parent):
    """Processes that another has started."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(entry.name))
    return found


def test_a_worker_that_hangs_loses_its_trial_to_another(tmp_path):
    sweep = {
        "recipe": "digits_mlp",
        "overrides": {"epochs": 3, "data.limit": 200, "callbacks": []},
        "budget": {"trials": 3},
        "space": {"data.batch_size": {"choice": [16, 32, 64]}},
    }
    (tmp_path / "hangs.yaml").write_text(yaml.safe_dump(sweep))
    command = [sys.executable, "-m", "keras_recipes", "sweep", "hangs.yaml", "--out", "hangs"]
    chief = subprocess.Popen(
        [*command, "--jobs", "1", "--chief", "127.0.0.1:0", "--lease", "10"], cwd=tmp_path
    )
    events = tmp_path / "hangs" / "events.jsonl"
    while not events.exists():
        time.sleep(0.05)
    (worker,) = children(chief.pid)
    os.kill(worker, signal.SIGSTOP)
    assert chief.wait(300) == 0
    reported = [json.loads(line)["event"] for line in events.read_text().splitlines()]
    # On a busy machine a worker may be late with its signs of life, and lose a trial as well.
    assert reported.count("put back") >= 1
    assert (reported.count("ended"), reported.count("failed")) == (3, 0)


def test_kills_lose_nothing_and_repeat_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, str(KILL), "--kills", "5", "--trials", "5", "--seed", "1"],
        capture_output=True,
        text=True,
        env={**os.environ},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no trial lost, none completed twice" in done.stdout
