"""Any other process of a training, which is connected to the chief."""

import queue
import socket
import time
from collections.abc import Mapping

from ..errors import RequestError
from .cluster import Cluster
from .link import Link, Message
from .peers import Peers, WorkerLost


class MemberPeers(Peers):
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
        link = self._links[0] = Link(self._connected(), self._on_message)
        link.send({"hello": cluster.index, "identity": dict(identity)})
        self._start_watching()

    def barrier(self) -> None:
        self._send_all({"arrived": True})
        self.received("met")

    def received(self, name: str) -> Message:
        """Wait for the chief's message that has a key, as long as the chief is alive.

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

    def _on_message(self, link: Link, message: Message | None) -> None:
        if not self._handled(0, message) and message is not None:
            self._messages.put(message)
