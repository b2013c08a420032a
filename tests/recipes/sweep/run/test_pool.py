"""Worker processes: started, counted, replaced, given up; without TensorFlow in them."""

import os
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
    while any(worker.process.poll() is None for worker in pool.workers):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_dead_worker_is_reported_and_replaced(start, tmp_path):
    start("import sys; sys.exit(3)")
    pool = pools.Pool(tmp_path, 2)
    names = [worker.name for worker in pool.workers]
    wait(pool)
    dead = []
    pool.watch(dead.append, more=lambda: True, came=lambda name: True)
    assert dead == names
    assert len(pool.workers) == 2
    assert not set(names) & {worker.name for worker in pool.workers}
    pool.stop()


def test_workers_that_die_as_they_start_end_the_search_with_what_they_said(start, tmp_path):
    start("import sys; sys.exit('no such library')")
    pool = pools.Pool(tmp_path, 1)
    with pytest.raises(TrainingFailed, match="no such library"):
        for _ in range(pools.MOST_FALSE_STARTS):
            wait(pool)
            pool.watch(lambda name: None, more=lambda: True, came=lambda name: False)
    assert pool.workers == []


def test_a_worker_that_is_done_is_not_replaced(start, tmp_path):
    start("pass")
    pool = pools.Pool(tmp_path, 2)
    wait(pool)
    pool.watch(lambda name: None, more=lambda: False, came=lambda name: True)
    assert pool.workers == []


def test_stop_ends_even_those_that_do_not_listen(start, tmp_path, monkeypatch):
    monkeypatch.setattr(pools, "GRACE", 0.5)
    start("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)")
    pool = pools.Pool(tmp_path, 1)
    process = pool.workers[0].process
    time.sleep(0.3)
    pool.stop()
    assert process.poll() is not None


def test_no_jobs_are_no_workers(tmp_path):
    assert pools.Pool(tmp_path, 0).workers == []


@pytest.mark.parametrize("count", range(1, 9))
@pytest.mark.parametrize("jobs", range(1, 12))
def test_every_job_has_a_core_and_no_core_idles(count, jobs):
    found = pools.divided(list(range(count)), jobs)
    sizes = [len(part) for part in found]
    assert len(found) == jobs
    assert max(sizes) - min(sizes) <= 1
    assert {core for part in found for core in part} == set(range(min(count, max(jobs, count))))
    if jobs <= count:
        assert sum(sizes) == count


def test_threads_are_set_unless_the_user_has(monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "3")
    monkeypatch.delenv("TF_NUM_INTEROP_THREADS", raising=False)
    assert pools.thread_counts(8) == {"TF_NUM_INTRAOP_THREADS": "3", "TF_NUM_INTEROP_THREADS": "8"}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no such call")
def test_a_process_is_held_on_its_cores():
    core = pools.available()[0]
    code = (
        "from keras_recipes.recipes.sweep.run import pool, process;"
        f"process.keep_to([{core}]); print(pool.available())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"[{core}]"
