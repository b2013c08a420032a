"""Garbage collection while the command line runs."""

import gc
import weakref

import pytest

from keras_recipes.recipes.garbage import NEW_OBJECTS, rare_collection


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
