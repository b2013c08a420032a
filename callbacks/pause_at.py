"""A pause at a place in a training."""

from __future__ import annotations

from collections.abc import Callable

import keras


class PauseAt(keras.callbacks.Callback):
    """Asks for a pause at the end of the execution in which a batch is trained.

    Args:
        batches: number of batches from the beginning of the training.
        pause: called then.
    """

    def __init__(self, batches: int, pause: Callable[[], None]):
        super().__init__()
        self.batches = batches
        self.pause = pause
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Keep the number of the epoch."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Pause if this batch, the last of an execution, is the one or after it."""
        steps = (self.params or {}).get("steps") or 0
        # The last execution of an epoch may be counted longer than it was.
        if self.epoch * steps + min(batch + 1, steps) >= self.batches:
            self.pause()
