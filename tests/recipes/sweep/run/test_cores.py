"""Cores are divided evenly, and threads are those of a training alone."""

import os
import subprocess
import sys

import pytest

from keras_recipes.recipes.sweep.run import cores


@pytest.mark.parametrize("count", range(1, 9))
@pytest.mark.parametrize("jobs", range(1, 12))
def test_every_job_has_a_core_and_no_core_idles(count, jobs):
    found = cores.shares(list(range(count)), jobs)
    sizes = [len(share) for share in found]
    assert len(found) == jobs
    assert max(sizes) - min(sizes) <= 1
    assert {core for share in found for core in share} == set(range(min(count, max(jobs, count))))
    if jobs <= count:
        assert sum(sizes) == count


def test_threads_are_set_unless_the_user_has(monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "3")
    monkeypatch.delenv("TF_NUM_INTEROP_THREADS", raising=False)
    assert cores.environment(8) == {"TF_NUM_INTRAOP_THREADS": "3", "TF_NUM_INTEROP_THREADS": "8"}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no such call")
def test_a_process_is_held_on_its_cores():
    core = cores.available()[0]
    code = (
        "from keras_recipes.recipes.sweep.run import cores;"
        f"cores.keep_to([{core}]); print(cores.available())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"[{core}]"
