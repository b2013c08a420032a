"""Heartbeats and messages between the processes of a training, beside those of TensorFlow.

TensorFlow waits forever for a process that never connects, or that hangs. So the chief listens at
another port. Each line is an object in JSON; every process sends a heartbeat each second, and where
one stops, the others end.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from .cluster import PARENT, Cluster
from .link import Link, Message

HEARTBEAT_SECONDS = 1.0
# Time that the other processes have to end by themselves after one is lost.
GRACE_SECONDS = 30.0


class WorkerLost(Exception):
    """A process of the training has ended or fallen silent."""


class Peers:
    """The other processes of a training, as this one sees them.

    Args:
        cluster: all processes.
        timeout: seconds of silence after which one counts as lost.

    Attributes:
        parent: process id of the command that started this worker, if one did.
        lost: which process is lost, and how that was noticed; None while all are there.
        on_lost: called with that once.
    """

    def __init__(self, cluster: Cluster, timeout: float):
        self.cluster = cluster
        self.timeout = timeout
        self.lost: str | None = None
        self.parent = int(os.environ[PARENT]) if PARENT in os.environ else None
        self.on_lost: Callable[[str], None] = lambda reason: None
        self._links: dict[int, Link] = {}
        self._lock = threading.Lock()
        self._noticed, self._closed = threading.Event(), threading.Event()

    def check(self, seconds: float = 0.0) -> None:
        """Raise if a process is lost.

        Args:
            seconds: to wait for the news that a process is lost, after another failure.

        Raises:
            WorkerLost: one is.
        """
        self._noticed.wait(seconds)
        if self.lost is not None:
            raise WorkerLost(self.lost)

    def close(self, failure: str | None = None) -> None:
        """Tell the others that this process leaves, or why it has failed; none waits for it."""
        self._closed.set()
        self._send_all({"bye": True} if failure is None else {"failed": failure})
        for link in list(self._links.values()):
            link.close()

    def barrier(self) -> None:
        """Wait until all processes have reached this barrier.

        Raises:
            WorkerLost: one is lost.
        """
        raise NotImplementedError

    def _send_all(self, message: Message) -> None:
        for link in list(self._links.values()):
            link.send(message)

    def _mark_lost(self, reason: str) -> None:
        with self._lock:
            if self.lost is not None or self._closed.is_set():
                return
            self.lost = reason
        self._send_all({"failed": reason})
        self._noticed.set()
        self.on_lost(reason)
        timer = threading.Timer(GRACE_SECONDS, self._exit_process)
        timer.daemon = True
        timer.start()

    def _exit_process(self) -> None:
        """End this process where it did not do so: an operation of TensorFlow may never return."""
        if not self._closed.is_set():
            print(f"keras-recipes: {self.lost}", file=sys.stderr, flush=True)
            os._exit(1)

    def _connection_ended(self, index: int) -> None:
        """Note that the connection to a process has ended without a last message."""
        self._mark_lost(f"{self.cluster.name(index)} has ended")

    def _watch(self) -> None:
        while not self._closed.wait(min(HEARTBEAT_SECONDS, self.timeout / 4)):
            self._send_all({"beat": True})
            self._end_without_parent()
            now = time.monotonic()
            for index, link in list(self._links.items()):
                if now - link.last > self.timeout:
                    self._mark_lost(
                        f"{self.cluster.name(index)} has not answered for {self.timeout:g} s"
                    )

    def _end_without_parent(self) -> None:
        """Store the state and end where the command that started this worker is gone."""
        parent = self.parent
        if parent is not None and os.getppid() != parent:
            self.parent = None
            os.kill(os.getpid(), signal.SIGTERM)

    def _start_watching(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def _handled(self, index: int, message: Message | None) -> bool:
        """Handle a message that any process may send; False for any other message."""
        if message is None:
            if index in self._links:
                self._connection_ended(index)
        elif "bye" in message:
            self._links.pop(index, None)
        elif "failed" in message:
            self._mark_lost(str(message["failed"])[:2000])
        else:
            return "beat" in message
        return True
