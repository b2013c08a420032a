"""A worker on another machine, for a chief at an address."""

import os
import socket
import time
import uuid
from pathlib import Path

from ...errors import RequestError
from ...run.backend import use_tensorflow
from ..spec.records import Sweep
from .address import parse_address
from .folder import directory_of, fingerprint
from .layout import TOKEN, TRIALS
from .leases import lease_seconds
from .token_file import read_token

# Seconds that a worker waits for the directory of its chief.
BEGIN_SECONDS = 60.0


def wait_for(directory: Path, seconds: float = BEGIN_SECONDS, name: str = TRIALS) -> None:
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


def work_for(
    sweep: Sweep,
    address: str,
    *,
    out: str | os.PathLike | None = None,
    lease: float | None = None,
    token_file: str | os.PathLike | None = None,
    patience: float | None = None,
) -> int:
    """Work until the chief has nothing left; the exit status.

    The directory of the sweep must be the chief's: a folder that both machines see, so that a trial
    whose worker dies is continued by another.

    Args:
        sweep: the same sweep as the chief's.
        address: `HOST:PORT` of the chief.
        out: directory of the sweep as this machine sees it; default `sweeps/NAME`.
        lease: seconds of a lease, as the chief's.
        token_file: a copy of the sweep's token; default the one in the directory.
        patience: seconds to wait for a chief that is not there, or not there any more.

    Raises:
        RequestError: the chief runs another sweep, the directory is not the chief's, or there is no
            token.
    """
    where = parse_address(address, "--worker")
    seconds = lease_seconds(lease)
    token = None if token_file is None else read_token(Path(token_file))
    directory = directory_of(sweep, out)
    use_tensorflow()
    wait_for(directory, name=TOKEN if token is None else TRIALS)
    from .client import PATIENCE
    from .process import FAILED, FULL, Job, carry_out

    # Two workers of one name would be one to the chief.
    name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    job = Job(
        sweep,
        directory.resolve(),
        str(where),
        name,
        fingerprint(sweep),
        read_token(directory / TOKEN) if token is None else token,
        seconds,
        PATIENCE if patience is None else patience,
    )
    status = carry_out(job)
    return FAILED if status == FULL else status
