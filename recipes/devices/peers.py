"""What the processes of a training tell each other beside TensorFlow: who is there, and who is not.

TensorFlow waits for a process that never comes, or that hangs, without end. So the chief answers
the others at a port of its own. Each line is an object in JSON; all of them say every second that
they are alive, and where one falls silent, the others end.
"""

import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ..errors import RequestError
from .cluster import PARENT, Cluster

Message = dict[str, Any]
LONGEST_LINE = 1 << 16
BEAT_SECONDS = 1.0
# After one is lost the others have so long to end by themselves.
GRACE_SECONDS = 30.0


class WorkerLost(Exception):
    """A process of the training has ended or fallen silent."""


class Link:
    """A connection to one process, read in a thread of its own.

    Args:
        connection: the socket.
        heard: called with each message, and with None at the end.
    """

    def __init__(self, connection: socket.socket, heard: Callable[["Link", Message | None], None]):
        self.connection = connection
        self.last = time.monotonic()
        self._heard = heard
        self._sending = threading.Lock()
        connection.settimeout(None)
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, message: Message) -> None:
        """Send a message; one that cannot be sent is noticed by the reader."""
        line = json.dumps(message).encode() + b"\n"
        with suppress(OSError), self._sending:
            self.connection.sendall(line)

    def close(self) -> None:
        """End the connection."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def _read(self) -> None:
        with suppress(OSError, ValueError), self.connection.makefile("rb") as lines:
            while line := lines.readline(LONGEST_LINE):
                message = json.loads(line)
                if not isinstance(message, dict):
                    break
                self.last = time.monotonic()
                self._heard(self, message)
        self._heard(self, None)


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
            seconds: to wait for the news, where something else has failed.

        Raises:
            WorkerLost: one is.
        """
        self._noticed.wait(seconds)
        if self.lost is not None:
            raise WorkerLost(self.lost)

    def close(self, failure: str | None = None) -> None:
        """Say good-bye, or why this process has failed; the others do not wait for it."""
        self._closed.set()
        self._tell({"bye": True} if failure is None else {"failed": failure})
        for link in list(self._links.values()):
            link.close()

    def meet(self) -> None:
        """Wait until all processes have come to this place.

        Raises:
            WorkerLost: one is lost.
        """
        raise NotImplementedError

    def _tell(self, message: Message) -> None:
        for link in list(self._links.values()):
            link.send(message)

    def _lose(self, reason: str) -> None:
        with self._lock:
            if self.lost is not None or self._closed.is_set():
                return
            self.lost = reason
        self._tell({"failed": reason})
        self._noticed.set()
        self.on_lost(reason)
        timer = threading.Timer(GRACE_SECONDS, self._leave)
        timer.daemon = True
        timer.start()

    def _leave(self) -> None:
        """End this process where it did not do so: an operation of TensorFlow may never return."""
        if not self._closed.is_set():
            print(f"keras-recipes: {self.lost}", file=sys.stderr, flush=True)
            os._exit(1)

    def _end_of(self, index: int) -> None:
        """The connection to a process has ended without a word."""
        self._lose(f"{self.cluster.name(index)} has ended")

    def _watch(self) -> None:
        while not self._closed.wait(min(BEAT_SECONDS, self.timeout / 4)):
            self._tell({"beat": True})
            self._end_without_parent()
            now = time.monotonic()
            for index, link in list(self._links.items()):
                if now - link.last > self.timeout:
                    self._lose(
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

    def _common(self, index: int, message: Message | None) -> bool:
        """Whether a message is one that every process may send, which is dealt with."""
        if message is None:
            if index in self._links:
                self._end_of(index)
        elif "bye" in message:
            self._links.pop(index, None)
        elif "failed" in message:
            self._lose(str(message["failed"])[:2000])
        else:
            return "beat" in message
        return True


class Chief(Peers):
    """The other processes, as the first one sees them.

    Args:
        cluster: all processes.
        timeout: seconds of silence after which one counts as lost.
        identity: what must be the same in all of them, by name.

    Raises:
        RequestError: its port is taken.
    """

    def __init__(self, cluster: Cluster, timeout: float, identity: Mapping[str, str]):
        super().__init__(cluster, timeout)
        self.identity = dict(identity)
        self._refused: queue.Queue[str] = queue.Queue()
        self._here = threading.Condition()
        self._arrived: set[int] = set()
        host, port = cluster.control
        loopback = host in ("localhost", "127.0.0.1", "::1")
        try:
            self._server = socket.create_server(("127.0.0.1" if loopback else "", port))
        except OSError as error:
            raise RequestError(
                f"{host}:{port}: the chief cannot answer the other workers there: {error.strerror}."
                " Set KERAS_RECIPES_CONTROL=HOST:PORT on all of them."
            ) from None
        threading.Thread(target=self._accept, daemon=True).start()

    def wait_for_all(self) -> None:
        """Wait until all processes have come.

        Raises:
            RequestError: one did not come in time, or trains something else.
        """
        expected = set(range(1, len(self.cluster.addresses)))
        deadline = time.monotonic() + self.timeout
        with self._here:
            while expected - set(self._links):
                left = deadline - time.monotonic()
                if not self._refused.empty():
                    raise RequestError(self._refused.get())
                if left <= 0:
                    absent = sorted(expected - set(self._links))
                    names = ", ".join(map(self.cluster.name, absent))
                    raise RequestError(f"{names} did not come within {self.timeout:g} s.")
                self._here.wait(min(left, 1.0))
        # Who comes now belongs to the next training, and calls until its chief answers.
        self._stop_listening()
        self._start_watching()

    def meet(self) -> None:
        expected = set(range(1, len(self.cluster.addresses)))
        while expected - self._arrived:
            self.check()
            with self._here:
                if expected - self._arrived:
                    self._here.wait(0.2)
        self._arrived.clear()
        self.tell(met=True)

    def tell(self, **message: object) -> None:
        """Tell all other processes something that they wait for."""
        self._tell(message)

    def close(self, failure: str | None = None) -> None:
        super().close(failure)
        self._stop_listening()

    def _stop_listening(self) -> None:
        # Closed alone, the port stays taken while a thread waits there.
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                Link(self._server.accept()[0], self._heard)

    def _heard(self, link: Link, message: Message | None) -> None:
        index = next((i for i, known in self._links.items() if known is link), None)
        if index is not None:
            if not self._common(index, message) and message is not None and "arrived" in message:
                with self._here:
                    self._arrived.add(index)
                    self._here.notify_all()
        elif message is not None:
            self._welcome(link, message)

    def _welcome(self, link: Link, message: Message) -> None:
        """Take a process in that says what it trains; anybody else is sent away."""
        index, identity = message.get("hello"), message.get("identity")
        known = type(index) is int and 0 < index < len(self.cluster.addresses)  # bool is an int
        if not known or not isinstance(index, int) or not isinstance(identity, dict):
            link.close()
            return
        differ = [n for n in self.identity if identity.get(n) != self.identity[n]]
        with self._here:
            if differ:
                theirs = ", ".join(f"{n} {str(identity.get(n))[:100]}" for n in differ)
                ours = ", ".join(f"{n} {self.identity[n]}" for n in differ)
                text = f"{self.cluster.name(index)} has {theirs} where the chief has {ours}."
                link.send({"failed": text})
                self._refused.put(text)
            else:
                self._links[index] = link
            self._here.notify_all()


class Member(Peers):
    """The chief, as each other process sees it.

    Args:
        cluster: all processes.
        timeout: seconds of silence after which the chief counts as lost.
        identity: what must be the same in all of them, by name.

    Raises:
        RequestError: the chief did not answer in time.
    """

    def __init__(self, cluster: Cluster, timeout: float, identity: Mapping[str, str]):
        super().__init__(cluster, timeout)
        self._messages: queue.Queue[Message] = queue.Queue()
        link = self._links[0] = Link(self._connected(), self._heard)
        link.send({"hello": cluster.index, "identity": dict(identity)})
        self._start_watching()

    def meet(self) -> None:
        self._tell({"arrived": True})
        self.received("met")

    def received(self, name: str) -> Message:
        """The chief's message that has a key, waited for as long as the chief is alive.

        Raises:
            WorkerLost: the chief is not.
        """
        while True:
            try:
                message = self._messages.get(timeout=0.2)
            except queue.Empty:
                self.check()
                if self._closed.is_set() or not self._links:
                    raise WorkerLost("the chief has ended the training") from None
                continue
            if name in message:
                return message

    def _connected(self) -> socket.socket:
        deadline, cause = time.monotonic() + self.timeout, ""
        while time.monotonic() < deadline:
            try:
                return socket.create_connection(self.cluster.control, timeout=5.0)
            except OSError as error:
                cause = str(error)
                time.sleep(0.2)
        host, port = self.cluster.control
        raise RequestError(
            f"the chief did not answer at {host}:{port} within {self.timeout:g} s: {cause}"
        )

    def _heard(self, link: Link, message: Message | None) -> None:
        if not self._common(0, message) and message is not None:
            self._messages.put(message)
