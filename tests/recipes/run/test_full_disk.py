"""A disk that is full, for a moment or for good, at any write of a run."""

import errno
import json
import os
import shutil

import keras
import pytest
from disk_faults import replace_os
from small_disk import fill, mounted
from small_runs import SMALL, train_small, write_recipe

import keras_recipes
from keras_recipes import disk
from keras_recipes.disk import waiting
from keras_recipes.recipes import RequestError
from keras_recipes.recipes.cli import main
from keras_recipes.recipes.record.directory import RunDirectory
from keras_recipes.recipes.run.reproduce import compare_runs
from keras_recipes.recipes.run.train import train as train_run

MONITOR = {"activation_monitor": {"epochs": [0, 2], "path": "activations.jsonl"}}
WITH_MONITOR = {"callbacks": [MONITOR]}
CALLS = ("open", "write", "fsync", "mkdir", "makedirs", "rename", "replace", "link")


class Full:
    """`os`, on a disk that is full for some calls of those that take space."""

    def __init__(self, first=None, last=None):
        self.first, self.last, self.calls = first, last, 0

    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*arguments, **options):
            number, self.calls = self.calls, self.calls + 1
            if self.first is not None and self.first <= number <= self.last:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(arguments[0]))
            return real(*arguments, **options)

        return call


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that no disk disturbs, and how many calls it takes."""
    out, counting = tmp_path_factory.mktemp("whole") / "run", Full()
    with pytest.MonkeyPatch.context() as patch:
        replace_os(patch, counting)
        train_small(out, **WITH_MONITOR)
    return out, counting.calls


@pytest.fixture
def recipe(tmp_path):
    return str(write_recipe(tmp_path / "small.yaml", **WITH_MONITOR))


def differences(first, second):
    """All differences but the messages about the disk."""
    found = compare_runs(RunDirectory(first), RunDirectory(second))
    for name in ("metrics.jsonl", "activations.jsonl", "gradients.jsonl"):
        lines = [(run / name).read_text().splitlines() for run in (first, second)]
        epochs = [[json.loads(line)["epoch"] for line in part] for part in lines]
        assert epochs[0] == epochs[1], name
    return [line for line in found if not line.startswith("result.json: findings")]


def train(recipe, out, *words):
    return main(["train", recipe, "--quiet", "--out", str(out), *words])


def spread(calls):
    """Calls to try: the first and last 40, and others all over the run.

    Each is a training, and a run makes some thousand calls: those of one epoch, again and again.
    """
    return sorted({*range(40), *range(40, calls, max(1, calls // 80)), *range(calls - 40, calls)})


@pytest.fixture
def briefly(monkeypatch, recipe, tmp_path, whole, capsys):
    """A run on a disk that is full for some calls."""

    def run(first, length):
        out = tmp_path / f"{first}-{length}"
        with monkeypatch.context() as patch:
            patch.setattr(waiting, "PAUSE", 0.0)
            replace_os(patch, Full(first, first + length - 1))
            status = train(recipe, out)
        errors = capsys.readouterr().err
        assert status == 0, errors
        assert differences(whole[0], out) == []
        assert json.loads((out / "result.json").read_text())["status"] == "completed"
        assert not list(out.rglob(".writing-*"))
        shutil.rmtree(out)

    return run


def test_a_disk_that_is_full_for_a_moment(briefly, whole):
    for fraction in (0.02, 0.5, 0.99):
        briefly(int(fraction * whole[1]), 5)


@pytest.mark.slow
@pytest.mark.parametrize("length", [1, 2, 12])
def test_a_disk_that_is_full_for_a_moment_at_any_call(briefly, whole, length):
    for first in spread(whole[1]):
        briefly(first, length)


def stays_full(recipe, out, first, whole, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(waiting, "PATIENCE", 0.0)
        replace_os(patch, Full(first, 10**9))
        status = train(recipe, out)
    content = capsys.readouterr()
    assert "internal error" not in content.err
    assert "the disk is full" in content.out + content.err
    if not out.exists():
        assert status == 2, "nothing was started, and nothing is left"
        return
    assert status == 1
    assert train(recipe, out, "--resume") == 0
    assert differences(whole[0], out) == []
    capsys.readouterr()


def test_a_disk_that_stays_full(recipe, whole, tmp_path, monkeypatch, capsys):
    for first in (1, whole[1] // 2, whole[1] - 9):
        stays_full(recipe, tmp_path / str(first), first, whole, monkeypatch, capsys)


@pytest.mark.slow
def test_a_disk_that_stays_full_from_any_call_on(recipe, whole, tmp_path, monkeypatch, capsys):
    for first in spread(whole[1]):
        stays_full(recipe, tmp_path / str(first), first, whole, monkeypatch, capsys)


@pytest.mark.parametrize("cause", [errno.EROFS])
def test_another_failure_of_the_disk_is_reported_as_what_it_is(
    recipe, whole, tmp_path, monkeypatch, capsys, cause
):
    class Broken(Full):
        def __getattr__(self, name):
            call = super().__getattr__(name)

            def broken(*arguments, **options):
                try:
                    return call(*arguments, **options)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    raise OSError(cause, os.strerror(cause), error.filename) from None

            return broken if callable(call) and name in CALLS else call

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        replace_os(patch, Broken(whole[1] * 3 // 4, 10**9))
        assert train(recipe, out) == 1
    content = capsys.readouterr()
    assert disk.CAUSES[cause].words in content.out
    assert "continues from state-0000000" in content.out
    assert train(recipe, out, "--resume") == 0
    assert differences(whole[0], out) == []


@pytest.fixture
def small_disk(tmp_path):
    with mounted(tmp_path / "disk") as path:
        yield path


class FillDisk(keras.callbacks.Callback):
    """Fills a disk at the end of the first epoch."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            fill(self.path)


@pytest.mark.parametrize("extra", [["tensor_board", {"top_checkpoints": {"k": 2}}]])
def test_a_real_disk(small_disk, tmp_path, monkeypatch, extra):
    """Full from the second epoch on, until the run waits for it; and full for good."""
    made = keras_recipes.load({**SMALL, "callbacks": [MONITOR, *extra]})
    train_run(made, out=tmp_path / "whole", progress=False)
    out, waited = small_disk / "run", []

    def free(seconds):
        waited.append(seconds)
        (small_disk / "ballast").unlink(missing_ok=True)

    monkeypatch.setattr(waiting.time, "sleep", free)
    result = train_run(made, out=out, progress=False, callbacks=[FillDisk(small_disk)])
    assert result.status == "completed", result.reason
    assert waited
    assert differences(tmp_path / "whole", out) == []
    shutil.rmtree(out)
    monkeypatch.setattr(waiting, "PATIENCE", 0.0)
    result = train_run(made, out=out, progress=False, callbacks=[FillDisk(small_disk)])
    assert result.status == "failed"
    assert "the disk is full" in result.reason
    (small_disk / "ballast").unlink()
    assert train_run(made, out=out, progress=False, resume=True).status == "completed"
    assert differences(tmp_path / "whole", out) == []


def test_training_continues_without_the_events_of_keras(small_disk, tmp_path, monkeypatch, capsys):
    made = keras_recipes.load({**SMALL, "callbacks": [{"tensor_board": {"histogram_freq": 1}}]})
    train_run(made, out=tmp_path / "whole", progress=False)
    assert "tensor_board` writes no more" not in capsys.readouterr().err
    monkeypatch.setattr(
        waiting.time, "sleep", lambda seconds: (small_disk / "ballast").unlink(missing_ok=True)
    )
    out = small_disk / "run"
    result = train_run(made, out=out, progress=False, callbacks=[FillDisk(small_disk)])
    assert result.status == "completed", result.reason
    assert capsys.readouterr().err.count("`tensor_board` writes no more events") == 1
    assert compare_runs(RunDirectory(tmp_path / "whole"), RunDirectory(out)) == []


def test_a_report_that_a_full_disk_does_not_take(small_disk, tmp_path, whole, capsys):
    shutil.copytree(whole[0], small_disk / "run")
    before = (small_disk / "run" / "report.html").read_bytes()
    fill(small_disk)
    assert main(["report", str(small_disk / "run")]) == 2
    assert "report.html: cannot be written: the disk is full" in capsys.readouterr().err
    assert (small_disk / "run" / "report.html").read_bytes() == before
    with pytest.raises(RequestError, match="the run directory cannot be written: the disk is full"):
        train_small(small_disk / "new", **WITH_MONITOR)
