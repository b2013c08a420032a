"""A disk that is full for a while changes nothing; a sweep that one ended continues as in peace."""

import csv
import errno
import json
import os

import pytest
from disk_faults import replace_os

from keras_recipes import RequestError, TrainingFailed
from keras_recipes.disk import waiting
from keras_recipes.recipes.sweep.engine.trial import NoTrial, TrialOutcome
from keras_recipes.recipes.sweep.run import space
from keras_recipes.recipes.sweep.run.sweep import run_sweep

CALLS = ("write", "open", "mkdir", "makedirs", "rename", "replace", "link")


class Full:
    """`os` of a disk that is full during some of the calls that need space.

    Args:
        at: numbers of the calls that fail, of all that need space.
    """

    def __init__(self, at):
        self.at, self.count, self.failed = at, 0, set()

    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(path, *arguments, **options):
            reads = name == "open" and not (arguments or (0,))[0] & os.O_CREAT
            if not reads:
                self.count += 1
                if self.count in self.at:
                    self.failed.add(self.count)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(path, *arguments, **options)

        return call


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(space, "PAUSE", 0.01)
    monkeypatch.setattr(waiting, "PAUSE", 0.01)


@pytest.fixture(scope="module")
def peace(tiny, tmp_path_factory):
    """The table of a sweep on a disk with space, and how many calls need some."""
    out = tmp_path_factory.mktemp("peace") / "tiny"
    counting = Full(range(0))
    with pytest.MonkeyPatch.context() as patch:
        replace_os(patch, counting)
        run_sweep(tiny(budget={"trials": 2}), out=out, progress=False)
    return table(out), counting.count


def table(out):
    with open(out / "trials.csv", encoding="utf-8", newline="") as file:
        return [{n: row[n] for n in row if n != "seconds"} for row in csv.DictReader(file)]


def events(out):
    lines = (out / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [(line["event"], line["trial"]) for line in map(json.loads, lines)]


def bursts(count, number, length):
    """Numbers of calls: `number` bursts that are spread over all."""
    step = count // number
    return {start + k for start in range(step // 2, count, step) for k in range(length)}


def test_a_disk_that_is_full_for_a_while_changes_nothing(tiny, tmp_path, monkeypatch, peace):
    expected, count = peace
    # A sweep may make fewer calls than the one before it: all bursts fall into the first half.
    full = Full(bursts(count // 2, 6, 3))
    replace_os(monkeypatch, full)
    result = run_sweep(tiny(budget={"trials": 2}), out=tmp_path / "full", progress=False)
    assert len(full.failed) > 15
    assert (result.status, result.failed) == ("completed", 0)
    assert table(tmp_path / "full") == expected
    reported = events(tmp_path / "full")
    assert [trial for event, trial in reported if event == "ended"] == ["0", "1"]
    assert [trial for event, trial in reported if event == "trained"] == ["0000", "0001"]


@pytest.mark.slow
def test_a_disk_that_stays_full_ends_the_sweep_which_continues(tiny, tmp_path, monkeypatch, peace):
    expected, count = peace
    out = tmp_path / "full"
    monkeypatch.setattr(space, "PATIENCE", 0.05)
    monkeypatch.setattr(waiting, "PATIENCE", 0.05)
    replace_os(monkeypatch, Full(range(count // 2, 10**9)))
    with pytest.raises(TrainingFailed, match=r"disk is full.*the same command continues"):
        run_sweep(tiny(budget={"trials": 2}), out=out, progress=False)
    replace_os(monkeypatch, os)
    result = run_sweep(tiny(budget={"trials": 2}), out=out, progress=False)
    assert (result.status, result.failed) == ("completed", 0)
    assert table(out) == expected


def test_a_trial_is_handed_out_only_when_the_state_is_on_disk(make_chief, monkeypatch):
    chief = make_chief()
    replace_os(monkeypatch, Full(range(10**9)))
    assert chief.next_trial("a") is NoTrial.WAIT
    replace_os(monkeypatch, os)
    trial = chief.next_trial("a")
    assert trial.trial_id == "0"
    # The next chief would know of it.
    assert [trial.trial_id for trial in make_chief().search.trials()] == ["0"]


def test_a_chief_that_waits_too_long_ends_the_search(make_chief, monkeypatch):
    monkeypatch.setattr(space, "PATIENCE", 0.0)
    chief = make_chief()
    replace_os(monkeypatch, Full(range(10**9)))
    assert chief.next_trial("a") is NoTrial.DONE
    assert chief.full


def test_values_are_taken_while_the_disk_is_full(make_chief, monkeypatch):
    chief = make_chief()
    trial = chief.next_trial("a")
    replace_os(monkeypatch, Full(range(10**9)))
    chief.report(trial.trial_id, 1, 0.5, worker="a")
    chief.end(trial.trial_id, TrialOutcome.COMPLETED, worker="a")
    assert chief.next_trial("a") is NoTrial.WAIT
    replace_os(monkeypatch, os)
    chief.save()
    assert make_chief().search.trial("0").score == 0.5


def test_a_request_that_was_refused_for_want_of_space_is_known():
    def refused(cause):
        try:
            raise cause
        except OSError:
            raise RequestError("the run directory cannot be written.") from None

    for number, lacks in ((errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EACCES, False)):
        with pytest.raises(RequestError) as error:
            refused(OSError(number, os.strerror(number)))
        assert space.lacks_space(error.value) == lacks
