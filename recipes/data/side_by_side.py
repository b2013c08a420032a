"""The same work on several columns at once: Arrow, NumPy and TensorFlow leave Python's lock."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

# With fewer rows, threads take longer than they save.
FEW_ROWS = 1 << 15
# More threads than this wait for memory rather than for the processor.
MOST_THREADS = 8


def side_by_side(work: Callable[[T], R], items: Iterable[T], rows: int) -> list[R]:
    """The results for all items, in their order; of several errors, that of the first item.

    Args:
        work: a function of an item, which must not depend on the work on other items.
        rows: of each item.
    """
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    if rows < FEW_ROWS or threads == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        # A context cannot be entered twice at once.
        tasks = [pool.submit(copy_context().run, work, item) for item in items]
        return [task.result() for task in tasks]
