"""Ctrl-C and SIGTERM end a training between two steps, not in the middle of one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):
    """A signal came where nothing can be stored, and nothing need be."""


class StopOnSignal(keras.callbacks.Callback):
    """Remembers that a signal came, and stops a training that it is a callback of.

    Attributes:
        received: the signal that came, or `None`.
    """

    def __init__(self):
        super().__init__()
        self.received: signal.Signals | None = None
        self._at_once = False

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._obey()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._obey()

    def _obey(self) -> None:
        if self.received is not None and self.model is not None:
            self.model.stop_training = True

    def asked(self) -> bool:
        """Whether a signal came."""
        return self.received is not None

    def receive(self, number: int) -> None:
        """A signal has come."""
        self.received = signal.Signals(number)
        if self._at_once:
            raise Interrupted(self.received.name)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """A signal in this block, or one that came before it, ends it where it is."""
        self._at_once = True
        try:
            if self.received is not None:
                raise Interrupted(self.received.name)
            yield
        finally:
            self._at_once = False


@contextmanager
def listening(callback: StopOnSignal) -> Iterator[None]:
    """Hand SIGINT and SIGTERM to `callback`; the second of them acts as if nobody listened."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python delivers signals to the main thread only.
        return

    def receive(number: int, frame: Any) -> None:
        _restore(before)
        callback.receive(number)

    before = {number: signal.signal(number, receive) for number in SIGNALS}
    try:
        yield
    finally:
        _restore(before)


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
