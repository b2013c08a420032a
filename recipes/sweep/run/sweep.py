"""A sweep, from its first trial to its answer."""

import os
import threading
from typing import Any

from ...errors import RequestError, TrainingFailed
from ...record.directory import RunDirectory
from ...run.backend import use_tensorflow
from ..spec.records import Sweep
from .address import parse_address
from .folder import base_recipe, describe, directory_of, held
from .layout import RESULT
from .leases import lease_seconds
from .pool import Pool
from .result import SweepResult, asked, read_result
from .space import sentence

Arrays = tuple[Any, Any] | None


def run_sweep(
    sweep: Sweep,
    *,
    out: str | os.PathLike | None = None,
    jobs: int | None = None,
    chief: str | None = None,
    lease: float | None = None,
    arrays: Arrays = None,
    progress: bool = True,
) -> SweepResult:
    """Search, and write the sweep's directory; what was searched before is kept.

    Args:
        sweep: the sweep, checked.
        out: its directory; default `sweeps/NAME`. The same directory continues the same sweep.
        jobs: trials at once on this machine; default the sweep's own number. With a `chief`
            address 0 leaves all work to workers that are started elsewhere.
        chief: `HOST:PORT` to answer workers of other machines at.
        lease: seconds without a sign of life after which a worker counts as dead; default 30.
        arrays: `(x, y)` for a recipe whose data source is `arrays`; on this machine alone.
        progress: show the trials as they come.

    Returns:
        The result: completed, interrupted by a signal, or failed.

    Raises:
        RequestError: the directory belongs to another sweep, or to a process that is running.
        TrainingFailed: the disk was full for too long, or cannot be written.
    """
    count = sweep.jobs if jobs is None else jobs
    address = None if chief is None else parse_address(chief, "--chief", least=0)
    check(sweep, count, address is not None, arrays)
    seconds = lease_seconds(lease)
    directory = directory_of(sweep, out)
    with held(sweep, directory) as where:
        known = answered(sweep, where)
        if known is not None:
            return known
        pool = None
        main = threading.current_thread() is threading.main_thread()
        if address is not None or count > 1 or not main:
            # Signals, by which trainings pause and end, reach the main thread of a process only.
            pool = Pool(directory, count)
        try:
            use_tensorflow()
            describe(sweep, where)
            # keras-tuner comes with Keras: not before a worker has begun to import it as well.
            from .running import Running

            run = Running(sweep, where, lease=seconds, arrays=arrays, progress=progress)
            return run.alone() if pool is None else run.with_workers(pool, address)
        except OSError as error:
            raise TrainingFailed(sentence(directory, error)) from error
        finally:
            if pool is not None:
                pool.stop()


def check(sweep: Sweep, jobs: int, far: bool, arrays: Arrays) -> None:
    """Refuse what could not work, before anything is written.

    Args:
        sweep: the sweep.
        jobs: trials at once on this machine.
        far: whether workers of other machines are answered.
        arrays: `(x, y)` from Python, or None.

    Raises:
        RequestError: the number of jobs or the recipe is not one to search with.
    """
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < (not far):
        least = 0 if far else 1
        raise RequestError(f"--jobs: expected a whole number from {least}. Received {jobs!r}.")
    recipe = base_recipe(sweep)
    if recipe.ensemble is not None:
        raise RequestError(
            f"{sweep.recipe}: trains an ensemble, which cannot be a trial. Set `ensemble: null` "
            "among the overrides; `ensemble` of the sweep makes one of the best trials."
        )
    if (recipe.data.source.name == "arrays") != (arrays is not None):
        raise RequestError(
            f"{sweep.recipe}: the data source `arrays` and the arrays x and y, from Python, go "
            "together."
        )


def answered(sweep: Sweep, where: RunDirectory) -> SweepResult | None:
    """The result of a sweep that is complete, with nothing more asked of it."""
    if not (where / RESULT).exists():
        return None
    known = read_result(where / RESULT)
    return known if known.status == "completed" and known.asked == asked(sweep) else None
