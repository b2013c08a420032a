"""A sweep, or a worker for one on another machine: checked, and run to its end."""

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from ...errors import RequestError, TrainingFailed
from ...inputs import Arrays
from ...record.directory import RunDirectory
from ...run.backend import use_tensorflow
from ...spec.tracking import TrackerName
from ..spec.records import Sweep
from .access import Address, parse_address, read_token
from .folder import (
    RESULT,
    TOKEN,
    TRIALS,
    base_recipe,
    describe,
    directory_of,
    fingerprint,
    held,
)
from .leases import lease_seconds
from .pool import Pool
from .process import FAILED, FULL, Job, carry_out
from .result import SweepResult, asked, read_result
from .space import sentence
from .tls import check_chief, read_authority, read_identity

# Seconds that a worker waits for the directory of its chief, and for a chief that is gone.
START_SECONDS = 60.0
PATIENCE = 600.0


def run_sweep(
    sweep: Sweep,
    *,
    out: str | os.PathLike | None = None,
    jobs: int | None = None,
    chief: str | None = None,
    tls_cert: str | None = None,
    tls_key: str | None = None,
    lease: float | None = None,
    arrays: Arrays | None = None,
    progress: bool = True,
    track: Sequence[TrackerName] = (),
    report: Callable[[Path], None] = lambda directory: None,
) -> SweepResult:
    """Search, and write the sweep's directory; what was searched before is kept.

    Args:
        sweep: the sweep, checked.
        out: its directory; default `sweeps/NAME`. The same directory continues the same sweep.
        jobs: trials at once on this machine; default the sweep's own number. With a `chief`
            address 0 leaves all work to workers that are started elsewhere.
        chief: `HOST:PORT` to answer workers of other machines at.
        tls_cert, tls_key: PEM files of the chief's certificate chain and its private key, with
            which that address speaks TLS.
        lease: seconds without a heartbeat after which a worker counts as dead; default 30.
        arrays: `(x, y)` for a recipe whose data source is `arrays`; on this machine alone.
        progress: show the trials as they come.
        track: experiment trackers beside those of the recipe.
        report: writes the page of a sweep that has ended into its directory.

    Returns:
        The result: completed, interrupted by a signal, or failed.

    Raises:
        RequestError: the directory belongs to another sweep, or to a process that is running.
        TrainingFailed: the disk was full for too long, or cannot be written.
    """
    count = sweep.jobs if jobs is None else jobs
    address = None if chief is None else parse_address(chief, "--chief", least=0)
    _check(sweep, count, address, arrays)
    identity, seconds = read_identity(tls_cert, tls_key), lease_seconds(lease)
    if identity is not None and address is None:
        raise RequestError("--tls-cert: is for a chief; give it together with --chief.")
    directory = directory_of(sweep, out)
    with held(sweep, directory) as where:
        known = _complete(sweep, where)
        if known is not None:
            report(directory)
            return known
        pool = None
        main = threading.current_thread() is threading.main_thread()
        if address is not None or count > 1 or not main:
            # Trainings pause and end by signals, which reach only the main thread of a process.
            pool = Pool(directory, count)
        try:
            use_tensorflow()
            describe(sweep, where)
            # keras-tuner comes with Keras: import it once the workers import it too.
            from .running import Running

            run = Running(
                sweep, where, lease=seconds, arrays=arrays, progress=progress, track=track
            )
            result = run.alone() if pool is None else run.with_workers(pool, address, identity)
        except OSError as error:
            raise TrainingFailed(sentence(directory, error)) from error
        finally:
            if pool is not None:
                pool.stop()
        try:
            report(directory)
        finally:
            run.tracked.finish(result)
        return result


def _check(sweep: Sweep, jobs: int, address: Address | None, arrays: Arrays | None) -> None:
    """Refuse what could not work, before anything is written."""
    least = 1 if address is None else 0
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < least:
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


def _complete(sweep: Sweep, where: RunDirectory) -> SweepResult | None:
    """The result of a sweep that is complete, if nothing more is requested."""
    if not (where / RESULT).exists():
        return None
    known = read_result(where / RESULT)
    return known if known.status == "completed" and known.asked == asked(sweep) else None


def work_for(
    sweep: Sweep,
    address: str,
    *,
    out: str | os.PathLike | None = None,
    lease: float | None = None,
    token_file: str | os.PathLike | None = None,
    tls_ca: str | None = None,
    patience: float = PATIENCE,
) -> int:
    """Work for a chief on another machine until it has nothing left; the exit status.

    The directory of the sweep must be the chief's: a folder that both machines see, so that a trial
    whose worker dies is continued by another.

    Args:
        sweep: the same sweep as the chief's.
        address: `HOST:PORT` of the chief.
        out: directory of the sweep as this machine sees it; default `sweeps/NAME`.
        lease: seconds of a lease, as the chief's.
        token_file: a copy of the sweep's token; default the one in the directory.
        tls_ca: PEM file of the certificates to trust, where the chief speaks TLS.
        patience: seconds to wait for a chief that is not there, or not there any more.

    Raises:
        RequestError: the chief runs another sweep, the directory is not the chief's, or there is no
            token.
    """
    where = parse_address(address, "--worker")
    seconds, authority = lease_seconds(lease), read_authority(tls_ca)
    token = None if token_file is None else read_token(Path(token_file))
    directory = directory_of(sweep, out)
    use_tensorflow()
    wait_for(directory, name=TOKEN if token is None else TRIALS)
    if authority is not None:
        check_chief(where, authority)
    job = Job(
        sweep,
        directory.resolve(),
        str(where),
        # The chief would take two workers of the same name for one.
        f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}",
        fingerprint(sweep),
        read_token(directory / TOKEN) if token is None else token,
        seconds,
        patience,
        authority,
    )
    status = carry_out(job)
    return FAILED if status == FULL else status


def wait_for(directory: Path, seconds: float = START_SECONDS, name: str = TRIALS) -> None:
    """Wait for a chief that was started at the same time to make a part of its directory.

    Raises:
        RequestError: it does not come.
    """
    until = time.monotonic() + seconds
    while not (directory / name).exists():
        if time.monotonic() > until:
            raise RequestError(
                f"{directory}: there is no sweep here that a chief runs, for it holds no `{name}`. "
                "A worker needs the directory of its chief; name it with --out."
            )
        time.sleep(0.2)
