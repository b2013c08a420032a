"""Garbage collection of a process that imports TensorFlow."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# New objects between two passes of the collector; Python's default is 700.
NEW_OBJECTS = 50_000


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
        # Moves all objects to the oldest generation. The lower threshold would else set off a
        # collection as soon as the command ends.
        gc.freeze()
        gc.unfreeze()
        gc.set_threshold(first, second, third)
