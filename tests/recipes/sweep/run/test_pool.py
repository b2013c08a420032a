"""Worker processes: started, counted, replaced, given up; without TensorFlow in them."""

import subprocess
import sys
import time

import pytest

from keras_recipes.recipes.errors import TrainingFailed
from keras_recipes.recipes.sweep.run import pool as pools


@pytest.fixture
def start(monkeypatch):
    """Lets a pool start another program than a worker."""
    real = subprocess.Popen

    def with_program(code):
        def popen(command, **named):
            return real([sys.executable, "-c", code], **named)

        monkeypatch.setattr(pools.subprocess, "Popen", popen)

    return with_program


def wait(pool):
    until = time.monotonic() + 10
    while any(member.process.poll() is None for member in pool.members):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_dead_worker_is_told_of_and_replaced(start, tmp_path):
    start("import sys; sys.exit(3)")
    pool = pools.Pool(tmp_path, 2)
    names = [member.name for member in pool.members]
    wait(pool)
    dead = []
    pool.watch(dead.append, more=lambda: True, came=lambda name: True)
    assert dead == names
    assert len(pool.members) == 2
    assert not set(names) & {member.name for member in pool.members}
    pool.stop()


def test_workers_that_die_as_they_start_end_the_search_with_what_they_said(start, tmp_path):
    start("import sys; sys.exit('no such library')")
    pool = pools.Pool(tmp_path, 1)
    with pytest.raises(TrainingFailed, match="no such library"):
        for _ in range(pools.MOST_FALSE_STARTS):
            wait(pool)
            pool.watch(lambda name: None, more=lambda: True, came=lambda name: False)
    assert pool.members == []


def test_a_worker_that_is_done_is_not_replaced(start, tmp_path):
    start("pass")
    pool = pools.Pool(tmp_path, 2)
    wait(pool)
    pool.watch(lambda name: None, more=lambda: False, came=lambda name: True)
    assert pool.members == []


def test_stop_ends_even_those_that_do_not_listen(start, tmp_path, monkeypatch):
    monkeypatch.setattr(pools, "GRACE", 0.5)
    start("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)")
    pool = pools.Pool(tmp_path, 1)
    process = pool.members[0].process
    time.sleep(0.3)
    pool.stop()
    assert process.poll() is not None


def test_no_jobs_are_no_workers(tmp_path):
    assert pools.Pool(tmp_path, 0).members == []
