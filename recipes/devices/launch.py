"""Start the workers of a training on this machine, and watch them until they end."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import IO

from ..errors import RequestError
from .cluster import CONTROL, PARENT
from .peers import GRACE_SECONDS
from .request import TIMEOUT

SIGNALS = (signal.SIGINT, signal.SIGTERM)
LOOPBACK = "127.0.0.1"
Process = subprocess.Popen[bytes]


def launch(words: Sequence[str], workers: int, timeout: float | None = None) -> int:
    """Run a request in several processes; only the output of the first one, the chief, is seen.

    Args:
        words: the command line, from which `--workers` is taken out.
        workers: how many.
        timeout: seconds of silence after which a worker counts as lost.

    Returns:
        The exit status of the chief.

    Raises:
        RequestError: the number is wrong, or this process is a worker already.
    """
    if workers < 1:
        raise RequestError(f"--workers: expected a number from 1. Received: {workers}")
    if os.environ.get("TF_CONFIG", "").strip():
        raise RequestError(
            "--workers: starts processes on this machine, and TF_CONFIG says that this one is a "
            "worker already. Use one of them."
        )
    command = [sys.executable, "-m", __name__.partition(".")[0], *without_workers(words)]
    ports = free_ports(workers + 1)
    started: list[Process] = []
    with ExitStack() as stack:
        outputs = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(workers - 1)]
        stack.callback(_end_all, started)
        with forwarded(started):
            for index in range(workers):
                output = None if index == 0 else outputs[index - 1]
                started.append(_start(command, index, ports, output))
            _wait(started, outputs, TIMEOUT if timeout is None else timeout)
    return _status(started[0])


def _end_all(started: Sequence[Process]) -> None:
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def without_workers(words: Sequence[str]) -> list[str]:
    """A command line without `--workers N`.

    >>> without_workers(["train", "r", "--workers", "2", "--workers=3", "--out", "x"])
    ['train', 'r', '--out', 'x']
    """
    found: list[str] = []
    left = iter(words)
    for word in left:
        if word == "--workers":
            next(left, None)
        elif not word.startswith("--workers="):
            found.append(word)
    return found


def free_ports(count: int) -> list[int]:
    """Ports of the loopback device that nobody listens at."""
    sockets = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    found = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return found


def environment(index: int, ports: Sequence[int]) -> dict[str, str]:
    """The environment variables by which a process knows that it is a worker, and which.

    Args:
        index: of the worker.
        ports: of all workers, and then the one at which the chief answers.
    """
    addresses = [f"{LOOPBACK}:{port}" for port in ports[:-1]]
    config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    own = {
        "TF_CONFIG": json.dumps(config),
        CONTROL: f"{LOOPBACK}:{ports[-1]}",
        PARENT: str(os.getpid()),
    }
    return {**os.environ, **own}


@contextmanager
def forwarded(processes: Sequence[Process]) -> Iterator[None]:
    """Pass signals on; the workers are in sessions of their own, so that each comes once."""

    def send(number: int, frame: FrameType | None) -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                process.send_signal(number)

    before = {number: signal.signal(number, send) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(
    command: Sequence[str], index: int, ports: Sequence[int], output: IO[bytes] | None
) -> Process:
    own = environment(index, ports)
    return subprocess.Popen(
        command, env=own, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


def _wait(started: Sequence[Process], outputs: Sequence[IO[bytes]], timeout: float) -> None:
    """Wait for the chief; when one side has ended, the other has some more time."""
    reported: set[int] = set()
    deadline: float | None = None
    while any(process.poll() is None for process in started):
        for index, process in enumerate(started):
            status = process.poll()
            if status is None or index in reported:
                continue
            reported.add(index)
            if status != 0 and deadline is None:
                deadline = time.monotonic() + timeout + GRACE_SECONDS
                if index:
                    _explain(index, status, outputs[index - 1])
        if started[0].poll() is not None:
            # The others know that the chief has ended, and have nothing to write.
            deadline = min(deadline or float("inf"), time.monotonic() + 5.0)
            if _all_end(started, 5.0):
                return
        if deadline is not None and time.monotonic() > deadline:
            return
        time.sleep(0.05)


def _all_end(started: Sequence[Process], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if all(process.poll() is not None for process in started):
            return True
        time.sleep(0.05)
    return False


def _explain(index: int, status: int, output: IO[bytes]) -> None:
    """Print how a worker ended, as its own output is not shown."""
    if status in (130, 143):
        return
    output.seek(0)
    lines = output.read().decode(errors="replace").splitlines()
    shown = [line for line in lines if line.strip()][-5:]
    print(f"keras-recipes: worker {index} {ended(status)}", file=sys.stderr)
    for line in shown:
        print(f"  {line}", file=sys.stderr)


def ended(status: int) -> str:
    """How a process ended, in words.

    >>> ended(2), ended(-9)
    ('ended with status 2', 'was killed by SIGKILL')
    """
    if status >= 0:
        return f"ended with status {status}"
    return f"was killed by {signal.Signals(-status).name}"


def _status(chief: Process) -> int:
    status = chief.returncode
    if status >= 0:
        return status
    print(
        f"keras-recipes: worker 0, the chief, {ended(status)}. The same command with `--resume`, "
        "or `keras-recipes resume`, continues from the last checkpoint.",
        file=sys.stderr,
    )
    return 1
