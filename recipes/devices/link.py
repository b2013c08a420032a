"""A connection to another process of a training, which carries an object in JSON a line."""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Message = dict[str, Any]
LONGEST_LINE = 1 << 16


class Link:
    """A connection to one process, read in a thread of its own.

    Args:
        connection: the socket.
        on_message: called with each message, and with None at the end.
    """

    def __init__(
        self, connection: socket.socket, on_message: Callable[["Link", Message | None], None]
    ):
        self.connection = connection
        self.last = time.monotonic()
        self._on_message = on_message
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
                self._on_message(self, message)
        self._on_message(self, None)
