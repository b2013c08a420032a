"""Garbage collection while the command line runs."""

import gc
import subprocess
import sys
import weakref

import pytest

from keras_recipes.recipes.garbage import (
    MOST_FROZEN_BY_PYTHON,
    NEW_OBJECTS,
    only_new_garbage,
    rare_collection,
)


@pytest.fixture(autouse=True)
def _unfrozen():
    """Nobody has frozen anything; the other tests' set-up has."""
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.mark.parametrize(
    ("before", "within"),
    [(700, NEW_OBJECTS), (2 * NEW_OBJECTS, 2 * NEW_OBJECTS), (0, 0)],
    ids=["rarer", "rare already", "off stays off"],
)
def test_collection_is_rare_within_and_as_before_after(before, within):
    own = gc.get_threshold()
    gc.set_threshold(before, 5, 6)
    try:
        with rare_collection():
            assert gc.get_threshold() == (within, 5, 6)
        assert gc.get_threshold() == (before, 5, 6)
    finally:
        gc.set_threshold(*own)


def test_the_end_sets_off_no_collection():
    def collections():
        return [generation["collections"] for generation in gc.get_stats()]

    with rare_collection():
        kept = [[] for _ in range(20_000)]
        before = collections()
    kept.append([])
    assert collections() == before


def test_what_was_made_within_can_be_collected_after():
    with rare_collection():
        cycle = type("Cycle", (), {})()
        cycle.self = cycle
        gone = weakref.ref(cycle)
        del cycle
    gc.collect()
    assert gone() is None


def test_garbage_is_collected_as_before_after_several_trainings():
    with only_new_garbage():
        assert gc.get_freeze_count() > MOST_FROZEN_BY_PYTHON
        with only_new_garbage():
            pass
        assert gc.get_freeze_count() > MOST_FROZEN_BY_PYTHON
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize("within", [rare_collection, only_new_garbage])
def test_what_a_caller_has_frozen_stays_frozen(within):
    kept = [[] for _ in range(10_000)]
    gc.freeze()
    with within():
        kept.append([])
    assert gc.get_freeze_count() > 10_000


CHILD = """
import gc
from keras_recipes.recipes.garbage import only_new_garbage
kept = [[] for _ in range(10_000)]
before = gc.get_freeze_count()
with only_new_garbage():
    print(gc.get_freeze_count() - before > 10_000)
"""


def test_what_python_itself_has_frozen_does_not_count():
    """A new process: Python 3.12 begins with frozen objects."""
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"]
