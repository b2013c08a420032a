"""Worker processes on this machine: started on some of its cores, replaced, stopped.

A trial that trains beside others is bound to some of the cores. TensorFlow still gets as many
threads as a training alone would have: how an operation is cut into pieces depends on the number of
threads, and with it the last bits of a sum. So the winner, trained alone, gives the same bits.
"""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from ....disk import when_there_is_space
from ...errors import TrainingFailed
from .folder import LOGS
from .process import FULL, Job
from .space import OutOfSpace

# Workers that die in a row before they ask for a trial, until the sweep gives up.
MOST_FALSE_STARTS = 5
# Seconds that a worker has to save what it trains and end.
GRACE = 20.0
TAIL = 2000


@dataclass
class WorkerProcess:
    """A process of a pool, which carries out trials."""

    name: str
    place: int
    process: subprocess.Popen
    log: Path


class Pool:
    """The worker processes of one machine.

    They start when the pool is made, and import TensorFlow while the chief gets ready; `employ`
    then gives them their work.

    Args:
        directory: the sweep's directory, for the logs of the workers.
        jobs: how many.
    """

    def __init__(self, directory: Path, jobs: int):
        self.directory = directory
        self._jobs = jobs
        self._cores = available()
        self._divided = divided(self._cores, jobs)
        self._job: Job | None = None
        self._started = 0
        self._false_starts = 0
        self.workers = [self._start(place) for place in range(jobs)]

    def employ(self, job: Job) -> None:
        """Give every worker its work."""
        self._job = job
        for worker in self.workers:
            self._send(worker)

    def watch(
        self,
        lost: Callable[[str], None],
        more: Callable[[], bool],
        came: Callable[[str], bool],
    ) -> None:
        """Report each worker that has died, and replace it while there is more to do.

        Args:
            lost: takes the name of a dead worker.
            more: whether there is more to do.
            came: whether a worker has asked for a trial.

        Raises:
            TrainingFailed: workers die as soon as they start.
            OutOfSpace: a worker found no space on the disk for as long as a sweep waits.
        """
        for worker in [worker for worker in self.workers if worker.process.poll() is not None]:
            self.workers.remove(worker)
            status = worker.process.returncode
            if status == FULL:
                raise OutOfSpace(self.directory)
            lost(worker.name)
            if status != 0:
                self._count(worker, came(worker.name))
            if more():
                self.workers.append(self._start(worker.place))
                self._send(self.workers[-1])

    def kill(self, names: Sequence[str]) -> None:
        """End workers that hang, so that others can take over their trials."""
        for worker in self.workers:
            if worker.name in names:
                worker.process.kill()

    def stop(self) -> None:
        """End every worker: those that train save first."""
        for worker in self.workers:
            worker.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + GRACE
        for worker in self.workers:
            try:
                worker.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        self.workers = []

    def _start(self, place: int) -> WorkerProcess:
        self._started += 1
        name = f"worker-{os.getpid()}-{self._started}"
        log = self.directory / LOGS / f"{place + 1}.log"
        cores = ",".join(map(str, self._divided[place]))
        with when_there_is_space(lambda: open_log(log)) as file:
            process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.process", cores, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    # A worker finds the same plugins.
                    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                    **thread_counts(len(self._cores)),
                    # What a training may take of the memory; see `build/capacity.py`.
                    "KERAS_RECIPES_PROCESSES": str(self._jobs),
                },
                # Ctrl-C is for the chief, which then stops its workers in order.
                start_new_session=True,
            )
        return WorkerProcess(name, place, process, log)

    def _send(self, worker: WorkerProcess) -> None:
        if self._job is None or worker.process.stdin is None:
            return
        try:
            with worker.process.stdin as pipe:
                pickle.dump(replace(self._job, name=worker.name), pipe)
        except BrokenPipeError:
            return  # It has already ended, which `watch` will see.

    def _count(self, worker: WorkerProcess, came: bool) -> None:
        """Give up when workers die one after another before they have done anything."""
        self._false_starts = 0 if came else self._false_starts + 1
        if self._false_starts >= MOST_FALSE_STARTS:
            with open(worker.log, "rb") as file:
                end = file.read()[-TAIL:].decode(errors="replace")
            raise TrainingFailed(f"workers die as they start; the last one wrote:\n{end}")


def open_log(path: Path) -> BinaryIO:
    """The log of a worker, opened to append; a link in its place is refused."""
    os.makedirs(path.parent, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    return open(os.open(path, flags, 0o644), "ab")


def available() -> list[int]:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def divided(cores: list[int], jobs: int) -> list[list[int]]:
    """The cores of each of `jobs` processes, as evenly as possible; shared if there are too few.

    >>> divided([0, 1, 2, 3, 4], 2), divided([0, 1], 3)
    ([[0, 1, 2], [3, 4]], [[0], [1], [0]])
    """
    if jobs >= len(cores):
        return [[cores[index % len(cores)]] for index in range(jobs)]
    ends = [-(-len(cores) * index // max(1, jobs)) for index in range(jobs + 1)]
    return [cores[start:end] for start, end in pairwise(ends)]


def thread_counts(threads: int) -> dict[str, str]:
    """The environment that gives TensorFlow this many threads, unless the user has chosen."""
    return {
        name: os.environ.get(name, str(threads))
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    }
