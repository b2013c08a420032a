"""The first process of a training, which all others connect to."""

import queue
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress

from ..errors import RequestError
from .cluster import Cluster
from .link import Link, Message
from .peers import Peers


class ChiefPeers(Peers):
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
        self._changed = threading.Condition()
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
        """Wait until all processes have connected.

        Raises:
            RequestError: one did not connect in time, or trains something else.
        """
        expected = set(range(1, len(self.cluster.addresses)))
        deadline = time.monotonic() + self.timeout
        with self._changed:
            while expected - set(self._links):
                left = deadline - time.monotonic()
                if not self._refused.empty():
                    raise RequestError(self._refused.get())
                if left <= 0:
                    absent = sorted(expected - set(self._links))
                    names = ", ".join(map(self.cluster.name, absent))
                    raise RequestError(f"{names} did not come within {self.timeout:g} s.")
                self._changed.wait(min(left, 1.0))
        # A process that connects from now on belongs to the next training, and tries again.
        self._stop_listening()
        self._start_watching()

    def barrier(self) -> None:
        expected = set(range(1, len(self.cluster.addresses)))
        while expected - self._arrived:
            self.check()
            with self._changed:
                if expected - self._arrived:
                    self._changed.wait(0.2)
        self._arrived.clear()
        self.send_all(met=True)

    def send_all(self, **message: object) -> None:
        """Send all other processes a message that they wait for."""
        self._send_all(message)

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
                Link(self._server.accept()[0], self._on_message)

    def _on_message(self, link: Link, message: Message | None) -> None:
        index = next((i for i, known in self._links.items() if known is link), None)
        if index is not None:
            if not self._handled(index, message) and message is not None and "arrived" in message:
                with self._changed:
                    self._arrived.add(index)
                    self._changed.notify_all()
        elif message is not None:
            self._admit(link, message)

    def _admit(self, link: Link, message: Message) -> None:
        """Admit a process that trains the same; close the connection to any other program."""
        index, identity = message.get("hello"), message.get("identity")
        known = type(index) is int and 0 < index < len(self.cluster.addresses)  # bool is an int
        if not known or not isinstance(index, int) or not isinstance(identity, dict):
            link.close()
            return
        differ = [n for n in self.identity if identity.get(n) != self.identity[n]]
        with self._changed:
            if differ:
                theirs = ", ".join(f"{n} {str(identity.get(n))[:100]}" for n in differ)
                ours = ", ".join(f"{n} {self.identity[n]}" for n in differ)
                text = f"{self.cluster.name(index)} has {theirs} where the chief has {ours}."
                link.send({"failed": text})
                self._refused.put(text)
            else:
                self._links[index] = link
            self._changed.notify_all()
