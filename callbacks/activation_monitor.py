"""Layers whose units are saturated, dead or the same for every row, at chosen epochs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import keras

from ..arguments import check_fraction, check_int
from .activations import LayerOutput, LayerOutputs, statistics
from .findings import Diagnosis, Finding


class ActivationMonitor(Diagnosis):
    """Examines the outputs of each layer for a batch, to judge initial weights and later ones.

    - saturated: more than `saturated` of the outputs of a sigmoid, tanh or the like are within
      `margin`, a fraction of the range, of a bound, where the slope is nearly 0.
    - dead: more than `dead` of the units of a relu layer are 0 for every row.
    - constant: less than `constant` of a layer's outputs depends on the row: the signal is lost.
    - healthy: none of these at the last measurement.

    The last layer is measured, but not judged: its predictions may be certain. Dropout is off.

    Args:
        data: a batch of inputs, as the model takes them, some 100 rows; it may also be set as the
            attribute `data` before training begins.
        epochs: when to measure, in epochs trained: 0 is before training.
        saturated: from 0 to 1.
        dead: from 0 to 1.
        constant: from 0 to 1.
        margin: from 0 to 1; 0.05 is below 0.05 and above 0.95 for a sigmoid.
        bins: bins of the histograms, >= 1.
        path: file for a line of JSON for each measurement, with all statistics, or None.
        verbose: whether findings are logged, each kind and layer once.

    Attributes:
        findings: the last of each kind and layer, with `kind`, `epoch`, `layer`, `value`,
            `message` and `remedy`.
        outputs: statistics and histogram of each layer at the last measurement.

    Raises:
        ValueError: a bad argument; when training begins, no data.

    >>> import numpy as np
    >>> monitor = ActivationMonitor(np.zeros((8, 4), "float32"), epochs=(0, 1, 10))
    """

    MID_EPOCH_STATE = ("waiting", "_started")

    def __init__(
        self,
        data: object = None,
        epochs: Sequence[int] = (0, 1),
        saturated: float = 0.5,
        dead: float = 0.5,
        constant: float = 0.01,
        *,
        margin: float = 0.05,
        bins: int = 20,
        path: str | None = None,
        verbose: bool = True,
    ):
        super().__init__(path, verbose)
        self.data = data
        if isinstance(epochs, (str, int)) or not epochs:
            raise ValueError(f"Argument `epochs` must be a list of epochs. Received: {epochs!r}")
        self.epochs = frozenset(check_int("epochs", epoch, ge=0) for epoch in epochs)
        self.saturated = check_fraction("saturated", saturated)
        self.dead = check_fraction("dead", dead)
        self.constant = check_fraction("constant", constant)
        self.margin = check_fraction("margin", margin)
        self.bins = check_int("bins", bins, ge=1)
        self.outputs: list[LayerOutput] = []
        self._function: LayerOutputs | None = None
        self._started = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        if self.data is None:
            raise ValueError("`ActivationMonitor` needs a batch of inputs. Give `data=x[:100]`.")
        self._started = False

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        # A resumed run has measured its beginning.
        if not self._started and epoch == 0 and 0 in self.epochs:
            self.measure(0)
        self._started = True

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if epoch + 1 in self.epochs:
            self.measure(epoch + 1)

    def on_train_end(self, logs: dict | None = None) -> None:
        # A compiled function cannot be copied.
        self._function = None
        super().on_train_end(logs)

    def measure(self, epoch: int = 0, model: keras.Model | None = None) -> list[Finding]:
        """Measure now, and return what is found.

        Args:
            epoch: number of epochs trained.
            model: a built model, to measure one without training it; by default the one in
                training.
        """
        if model is not None:
            self.set_model(model)
            self._function = None
        self._function = self._function or LayerOutputs(self.model)
        self.outputs = [
            statistics(layer, activation, outputs, self.margin, self.bins)
            for layer, activation, outputs in self._function(self.data)
        ]
        when = f"after epoch {epoch}" if epoch else "before training"
        found = list(self._problems(epoch, when)) or [self._healthy(epoch, when)]
        self.report(found, {"epoch": epoch, "layers": [asdict(row) for row in self.outputs]})
        return found

    def _problems(self, epoch: int, when: str) -> Iterator[Finding]:
        for row in self.outputs[:-1]:
            if row.saturated is not None and row.saturated > self.saturated:
                message = (
                    f"Saturated layer: {when}, {100 * row.saturated:.0f} % of the outputs of "
                    f"`{row.layer}` are close to the bounds of {row.activation}."
                )
                yield self.finding("saturated", epoch, row.layer, row.saturated, message)
            if row.dead is not None and row.dead > self.dead:
                message = (
                    f"Dead units: {when}, {100 * row.dead:.0f} % of the units of `{row.layer}` "
                    "are 0 for every row."
                )
                yield self.finding("dead", epoch, row.layer, row.dead, message)
            elif row.spread < self.constant:
                message = (
                    f"Lost signal: {when}, only {100 * row.spread:.2g} % of the outputs of "
                    f"`{row.layer}` depends on the row."
                )
                yield self.finding("constant", epoch, row.layer, row.spread, message)

    def _healthy(self, epoch: int, when: str) -> Finding:
        spread = min((row.spread for row in self.outputs), default=1.0)
        message = (
            f"Healthy activations {when}: no layer saturated, dead or without signal; at least "
            f"{100 * spread:.2g} % of each layer's outputs depends on the row."
        )
        return Finding("healthy", epoch, None, spread, message)
