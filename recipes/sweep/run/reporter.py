"""Reports each epoch of a trial to the search, and carries out what it decides."""

import math
from collections.abc import Callable

import keras

from ...run.stop import StopRequest
from ..engine.trial import Decision
from .space import OutOfSpace, lacks_space

# Takes an epoch, from 1, and its value.
Report = Callable[[int, float], Decision]


class Reporter(keras.callbacks.Callback):
    """Reports the value of each epoch, and stops or pauses the training on request.

    Args:
        metric: name of the value in the logs of an epoch.
        report: takes the epoch, from 1, and its value; decides how to continue.
        until: epoch after which the training pauses, or None.

    Attributes:
        stopped_at: epoch after which the search stopped the training; None if it has not.
        stop: pauses the training, which stores its whole state to be continued later.
        epochs: epochs that have ended since the training was started or continued.
    """

    def __init__(self, metric: str, report: Report, until: int | None = None):
        super().__init__()
        self.metric = metric
        self.report = report
        self.until = until
        self.stopped_at: int | None = None
        self.stop = StopRequest()
        self.epochs = 0

    def get_state(self) -> dict[str, object]:
        """Nothing: the chief knows what was reported."""
        return {}

    def set_state(self, state: dict[str, object]) -> None:
        """Nothing is to be restored."""

    def on_error(self, error: Exception) -> None:
        """Leave a training that found no disk space as it is: it has not failed."""
        if lacks_space(error):
            raise OutOfSpace from error

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.epochs += 1
        value = (logs or {}).get(self.metric)
        decision = Decision.CONTINUE
        # A value that is not finite ends the training, whose result says so.
        if value is not None and math.isfinite(value):
            decision = self.report(epoch + 1, float(value))
        if self.model is None or self.model.stop_training:
            return
        last = epoch + 1 == int((self.params or {}).get("epochs", 0))
        if decision is Decision.STOP:
            self.stopped_at = epoch + 1
            self.model.stop_training = True
            return
        reached = self.until is not None and epoch + 1 >= self.until
        if not last and (reached or decision is Decision.PAUSE):
            self.stop.pause()
