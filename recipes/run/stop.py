"""Requests to end a training between two steps: by Ctrl-C and SIGTERM, or by a search."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from ..record.result import StopReason

SIGNALS = (signal.SIGINT, signal.SIGTERM)


Handler = Callable[[int, FrameType | None], object] | int | None


class Interrupted(Exception):
    """A signal was received when there was nothing left to store."""


class StopRequest:
    """Whether a training is to store its state and end.

    Attributes:
        reason: `SIGNAL` or `PAUSED` once a stop was requested; None before.
        signal: the signal that was received, or None.
    """

    def __init__(self) -> None:
        self.reason: StopReason | None = None
        self.signal: signal.Signals | None = None
        self._immediate = False

    def asked(self) -> bool:
        """Whether a stop was requested."""
        return self.reason is not None

    def pause(self) -> None:
        """Request a stop without a signal: the training can be resumed later."""
        self.reason = self.reason or StopReason.PAUSED

    def receive(self, number: int) -> None:
        """Handle a signal."""
        self.signal, self.reason = signal.Signals(number), StopReason.SIGNAL
        if self._immediate:
            raise Interrupted(self.signal.name)

    @contextmanager
    def immediate(self) -> Iterator[None]:
        """Raise `Interrupted` at once for a signal inside the block, or one received before it."""
        self._immediate = True
        try:
            if self.signal is not None:
                raise Interrupted(self.signal.name)
            yield
        finally:
            self._immediate = False


@contextmanager
def stop_on_signals(request: StopRequest) -> Iterator[None]:
    """Turn the first SIGINT or SIGTERM into a stop request; a second one has its usual effect."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python delivers signals to the main thread only.
        return

    def receive(number: int, frame: FrameType | None) -> None:
        _restore(before)
        request.receive(number)

    before = {number: signal.signal(number, receive) for number in SIGNALS}
    try:
        yield
    finally:
        _restore(before)


def _restore(handlers: Mapping[signal.Signals, Handler]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
