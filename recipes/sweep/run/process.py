"""The process of a worker: `python -m ...run.process CORES CHIEF`.

CHIEF is the id of the process that started it; the worker ends when that process does. TensorFlow
is imported while the chief gets ready, which then sends the work through standard input.
"""

import io
import os
import pickle
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from typing_extensions import Buffer

from ...garbage import rare_collection
from ...inputs import Arrays
from ...run.backend import use_tensorflow
from ..spec.records import Sweep

DONE, FAILED, INTERRUPTED = 0, 1, 130
# The exit status of a worker that found no space on the disk for as long as a sweep waits.
FULL = 75


@dataclass(frozen=True)
class Job:
    """What a worker process is started for.

    Attributes:
        sweep: the sweep.
        directory: its directory.
        address: `HOST:PORT` of the chief.
        name: of the worker, unique.
        fingerprint: of the sweep.
        token: of the sweep, which goes to a process through a pipe.
        lease: seconds of a lease.
        patience: seconds to wait for a chief that is gone.
        authority: PEM certificates to trust, where the chief speaks TLS.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.
        most: trials after which the process ends, to be replaced; None for no bound.
    """

    sweep: Sweep
    directory: Path
    address: str
    name: str
    fingerprint: str
    token: bytes = field(repr=False)
    lease: float
    patience: float
    authority: bytes | None = None
    arrays: Arrays | None = None
    most: int | None = None


def main() -> int:
    """Work until the chief has nothing left."""
    keep_to([int(core) for core in sys.argv[1].split(",") if core])
    _die_with(int(sys.argv[2]))
    sys.stdout = sys.stderr = _log()
    with rare_collection():
        use_tensorflow()
        # Safe to unpickle: only the parent writes into this pipe.
        job: Job = pickle.load(sys.stdin.buffer)
        return carry_out(job)


def carry_out(job: Job) -> int:
    """Work for the chief at an address; the exit status."""
    from ...spec.plugins import load_plugins
    from ..engine.trial import TrialOutcome
    from .client import RemoteClient
    from .space import OutOfSpace, sentence
    from .trial import Trainer
    from .worker import ChiefGone, Worker

    load_plugins(job.sweep.plugins)
    client = RemoteClient(
        job.address,
        job.name,
        objective=job.sweep.objective.metric,
        fingerprint=job.fingerprint,
        token=job.token,
        patience=job.patience,
        authority=job.authority,
    )
    trainer = Trainer(job.sweep, job.directory, job.arrays)
    worker = Worker(job.sweep, client, trainer, lease=job.lease)
    try:
        outcome = worker.work(more=lambda: job.most is None or worker.done < job.most)
    except KeyboardInterrupt:
        return INTERRUPTED
    except ChiefGone as error:
        print(error, file=sys.stderr)
        return FAILED
    if outcome is TrialOutcome.OUT_OF_SPACE:
        print(sentence(job.directory, OutOfSpace(job.directory)), file=sys.stderr)
        return FULL
    return DONE if outcome is None else INTERRUPTED


class _Log(io.FileIO):
    """A log that drops lines where the disk is full or gone, so that the work continues."""

    def write(self, data: Buffer) -> int:
        try:
            return super().write(data) or 0
        except OSError:
            return memoryview(data).nbytes


def _log() -> io.TextIOWrapper:
    """The standard output of this process, which the chief has directed to a file."""
    file = io.BufferedWriter(_Log(1, "wb", closefd=False))
    return io.TextIOWrapper(file, "utf-8", errors="replace", line_buffering=True)


def keep_to(cores: list[int]) -> None:
    """Bind this process, and every thread that it starts, to some cores."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def _die_with(parent: int) -> None:
    """End this process when its parent is gone: its trial then waits for another worker."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(FAILED)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
