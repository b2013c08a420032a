"""The disk that all workers see is full for a while, stays full, or is not there."""

import os
import subprocess
import sys
import time

import pytest
from small_disk import fill, mounted
from trainings import LONGEST

from keras_recipes.recipes.devices.launch import environment, free_ports
from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.run.reproduce import compare_runs

pytestmark = pytest.mark.slow
RECIPE = """\
name: shared
data: {source: digits, limit: 200, validation: 40, test: 40, batch_size: 16, drop_remainder: true}
model: {layers: [{dense: {units: 16, activation: relu}}, {dropout: {rate: 0.2}}]}
optimizer: {sgd: {momentum: 0.9}}
learning_rate: 0.05
checkpoints: {every: 2 steps}
epochs: 40
"""
TRAIN = [sys.executable, "-m", "keras_recipes", "train", "recipe.yaml", "--quiet"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("shared")
    (found / "recipe.yaml").write_text(RECIPE)
    return found


@pytest.fixture(scope="module")
def whole(folder):
    """The run of two workers whose disk is there all the time."""
    done = subprocess.run([*TRAIN, "--workers", "2", "--out", "whole"], cwd=folder, timeout=LONGEST)
    assert done.returncode == 0
    return folder / "whole"


@pytest.fixture
def shared(tmp_path):
    with mounted(tmp_path / "disk") as path:
        yield path


def started(folder, run, *words):
    """A training by two workers that has stored a state and continues."""
    process = subprocess.Popen(
        [*TRAIN, "--workers", "2", "--out", str(run), *words],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    while process.poll() is None and not list(run.glob("checkpoints/state/*/state.json")):
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()[0]
    return process


def assert_continued(folder, run, whole):
    """The same command continues, and the run is what it would have been."""
    words = ["--workers", "2", "--out", str(run), "--resume"]
    done = subprocess.run([*TRAIN, *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert_same(run, whole)


def assert_same(run, whole):
    found = compare_runs(RunDirectory(whole), RunDirectory(run))
    assert [line for line in found if not line.startswith("result.json: findings")] == []


def test_a_disk_that_is_full_for_a_while(folder, shared, whole):
    process = started(folder, shared / "run")
    fill(shared)
    time.sleep(5)
    assert process.poll() is None
    (shared / "ballast").unlink()
    said = process.communicate(timeout=LONGEST)[0]
    assert process.returncode == 0, said
    assert_same(shared / "run", whole)


def test_a_disk_that_stays_full(folder, shared, whole):
    """Both workers end after the time that a run waits for space, and say why."""
    process = started(folder, shared / "run")
    fill(shared)
    said = process.communicate(timeout=LONGEST)[0]
    assert process.returncode == 1, said
    assert "the disk is full" in said
    assert "Traceback" not in said
    (shared / "ballast").unlink()
    assert_continued(folder, shared / "run", whole)


def test_a_disk_that_goes_away(folder, tmp_path, whole):
    """The run directory cannot be reached any more, and is there again later."""
    process = started(folder, tmp_path / "disk" / "run")
    os.rename(tmp_path / "disk", tmp_path / "away")
    said = process.communicate(timeout=LONGEST)[0]
    assert process.returncode == 1, said
    assert "Traceback" not in said
    assert not (tmp_path / "disk").exists()
    os.rename(tmp_path / "away", tmp_path / "disk")
    assert_continued(folder, tmp_path / "disk" / "run", whole)


def test_a_worker_that_does_not_see_the_run(folder, shared, whole):
    """To resume, every worker reads the state; one without the disk ends all, and says so."""
    run = shared / "run"
    process = started(folder, run)
    process.terminate()
    process.communicate(timeout=LONGEST)
    before = (run / "metrics.jsonl").read_bytes()
    ports = free_ports(3)
    resume = [*TRAIN, "--resume", "--out", str(run)]
    hidden = ["unshare", "--mount", "sh", "-c", 'umount "$0" && exec "$@"', str(shared)]
    processes = [
        subprocess.Popen(
            command, cwd=folder, env=environment(index, ports),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for index, command in enumerate((resume, [*hidden, *resume]))
    ]  # fmt: skip
    said = [process.communicate(timeout=LONGEST)[0] for process in processes]
    assert all(process.returncode in (1, 2) for process in processes), said
    assert all("disk that they share" in text for text in said), said
    assert "Traceback" not in "".join(said)
    assert (run / "metrics.jsonl").read_bytes() == before
    assert_continued(folder, run, whole)
