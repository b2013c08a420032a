"""Garbage collection of a process that imports TensorFlow."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# New objects between two passes of the collector; Python's default is 700.
NEW_OBJECTS = 50_000
# Python 3.12 itself begins with some hundred frozen objects.
MOST_FROZEN_BY_PYTHON = 2_000


@contextmanager
def rare_collection() -> Iterator[None]:
    """Collect garbage less often.

    TensorFlow and Keras make a million objects when they are imported, and nearly all of them stay.
    With Python's default, looking through them over and over takes an eighth of the import.
    """
    first, second, third = gc.get_threshold()
    gc.set_threshold(max(first, NEW_OBJECTS) if first else 0, second, third)
    try:
        yield
    finally:
        if not _frozen_by_caller():
            # Moves all objects to the oldest generation. The lower threshold would else set off a
            # collection as soon as the command ends.
            gc.freeze()
            gc.unfreeze()
        gc.set_threshold(first, second, third)


@contextmanager
def only_new_garbage() -> Iterator[None]:
    """Exclude the objects that exist now from garbage collection.

    Keras collects garbage whenever its session is cleared, before each of several trainings. With
    all that TensorFlow has imported that takes a quarter of a second; none of it is ever garbage.
    """
    if _frozen_by_caller():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _frozen_by_caller() -> bool:
    """Whether a caller has frozen objects, which are its own to unfreeze."""
    return gc.get_freeze_count() > MOST_FROZEN_BY_PYTHON
