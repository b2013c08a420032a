"""Ctrl-C and SIGTERM end a training between two steps, not in the middle of one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopOnSignal(keras.callbacks.Callback):
    """Stop training at the end of the running execution once a signal has come.

    Attributes:
        received: the signal that came, or `None`.
    """

    def __init__(self):
        super().__init__()
        self.received: signal.Signals | None = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._obey()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._obey()

    def _obey(self) -> None:
        if self.received is not None and self.model is not None:
            self.model.stop_training = True


@contextmanager
def listening(callback: StopOnSignal) -> Iterator[None]:
    """Hand SIGINT and SIGTERM to `callback`; the second of them acts as if nobody listened."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python delivers signals to the main thread only.
        return

    def receive(number: int, frame: Any) -> None:
        callback.received = signal.Signals(number)
        _restore(before)

    before = {number: signal.signal(number, receive) for number in SIGNALS}
    try:
        yield
    finally:
        _restore(before)


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
