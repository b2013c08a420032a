"""Who trains on which cores.

A trial that trains beside others is held on cores of its own. TensorFlow still gets as many threads
as a training alone would have: how an operation is cut into pieces depends on the number of
threads, and with it the last bits of a sum. So the winner, trained alone, gives the same bits.
"""

import os


def available() -> list[int]:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def shares(cores: list[int], jobs: int) -> list[list[int]]:
    """The cores of each of `jobs` processes, as even as can be; shared where there are too few.

    >>> shares([0, 1, 2, 3, 4], 2), shares([0, 1], 3)
    ([[0, 1, 2], [3, 4]], [[0], [1], [0]])
    """
    if jobs == 0:
        return []
    if jobs >= len(cores):
        return [[cores[index % len(cores)]] for index in range(jobs)]
    size, more = divmod(len(cores), jobs)
    found, start = [], 0
    for index in range(jobs):
        stop = start + size + (index < more)
        found.append(cores[start:stop])
        start = stop
    return found


def keep_to(cores: list[int]) -> None:
    """Hold this process, and every thread that it starts, on some cores."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def environment(threads: int) -> dict[str, str]:
    """The environment that gives TensorFlow so many threads, whatever cores it is held on."""
    return {
        name: os.environ.get(name, str(threads))
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    }
