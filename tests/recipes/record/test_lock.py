"""One process on a run directory, and a lock that dies with its owner."""

import errno
import fcntl
import json
import os
import signal

import pytest

from keras_recipes.recipes import RequestError
from keras_recipes.recipes.record.lock import LOCK, locked
from keras_recipes.recipes.record.reserve import reserve


def test_the_file_is_there_while_it_is_held(tmp_path):
    with locked(tmp_path):
        owner = json.loads((tmp_path / LOCK).read_text())
        assert owner["process"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_it_is_given_back_after_a_failure(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        raise ZeroDivisionError
    with locked(tmp_path):
        pass


def test_a_second_one_is_refused_with_the_name_of_the_first(tmp_path):
    with locked(tmp_path):
        found = f"another process is working on this run: process {os.getpid()} on "
        with pytest.raises(RequestError, match=found), locked(tmp_path):
            pytest.fail("must not begin")
        assert (tmp_path / LOCK).exists(), "the one that is refused takes nothing away"


def test_a_lock_that_nobody_signed_is_a_lock(tmp_path):
    with (tmp_path / LOCK).open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(RequestError, match="an unknown one"), locked(tmp_path):
            pytest.fail("must not begin")


def test_the_lock_of_a_dead_process_is_acquired(tmp_path):
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        with locked(tmp_path):
            os.write(writing, b"x")
            signal.pause()
    os.read(reading, 1)
    with pytest.raises(RequestError, match=f"process {process} "), locked(tmp_path):
        pytest.fail("must not begin")
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert (tmp_path / LOCK).exists()
    with locked(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["process"] == os.getpid()


def test_a_file_system_without_locks_refuses_nobody(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with locked(tmp_path), locked(tmp_path):
        pass


def test_a_directory_that_cannot_be_written_is_reported(tmp_path):
    with pytest.raises(RequestError, match="cannot be written"), locked(tmp_path / "absent"):
        pytest.fail("must not begin")


def test_two_that_begin_at_once(tmp_path):
    """The second finds the directory empty but for the lock, and leaves it to the first."""
    out = tmp_path / "run"
    with reserve(out, "x") as run:
        with pytest.raises(RequestError, match="another process"), reserve(out, "x"):
            pytest.fail("must not begin")
        run.write_text("result.json", "{}")
    assert [path.name for path in out.iterdir()] == ["result.json"]


def test_a_run_that_never_began_leaves_nothing(tmp_path):
    with pytest.raises(RequestError), reserve(tmp_path / "a" / "b", "x"):
        raise RequestError("no such data")
    assert list(tmp_path.iterdir()) == []
