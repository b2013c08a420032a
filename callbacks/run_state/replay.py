"""An epoch resumed in its middle: its data is sought, and no batch is trained twice.

Keras keeps the length of a dataset's first pass for all later ones, so an epoch cannot be made
shorter. Keras runs it from its beginning instead, and the steps that were trained do nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import keras
import tensorflow as tf

from .fit_hooks import UNKNOWN, Fit
from .progress import Position


class Replay:
    """Stands in for a model's compiled training function in the first epoch after a resumption.

    Args:
        model: the model in training.
        fit: where its batches come from.
        position: where training resumes.
        ordered: whether the order of an epoch depends on the epochs before it in this process, as
            in `Dataset.shuffle`.
        begin: called once with the specification of a batch, when the data has been sought; returns
            what the last training step returned.
    """

    def __init__(
        self,
        model: keras.Model,
        fit: Fit,
        position: Position,
        *,
        ordered: bool,
        begin: Callable[[object], object],
    ):
        self.model: Any = model
        self.fit = fit
        self.position = position
        self.ordered = ordered
        self.begin = begin
        self.skipping = False
        self._function: Callable[[object], object] = self.model.train_function
        self._iterator: Iterator[Any] | None = None
        self._logs: object = None
        self.model.train_function = self

    def finish(self) -> None:
        """Give the model its function back."""
        self.model.train_function = self._function
        self._iterator = None

    def skips(self, step: int) -> bool:
        """Whether the execution that begins with this step was trained before."""
        self.skipping = step < self.position.step
        return self.skipping

    def __call__(self, iterator: Any) -> object:
        if self._iterator is None:
            self._iterator = self._sought(iterator)
            self._logs = self.begin(keras.tree.map_structure(_tensor_spec, iterator.element_spec))
        return self._logs if self.skipping else self._function(self._iterator)

    def _sought(self, iterator: Any) -> Iterator[Any]:
        """An iterator over the batches from the position on."""
        epoch, step = self.position.epoch, self.position.step
        dataset = getattr(iterator, "_dataset", None)
        if dataset is None:
            return _advance(iterator, step)
        fit = Fit(self.fit.callbacks, self.fit.steps_per_epoch, dataset)
        if fit.spans_epochs:
            earlier = epoch * self._batches(fit.steps_per_epoch or 0)
            return _advance(iterator, earlier + self._batches(step))
        # Keras begins a pass for each epoch, and another one at its end where it knows the length.
        passes = epoch if int(dataset.cardinality()) == UNKNOWN else 2 * epoch
        if not self.ordered or passes == 0:
            return _advance(iterator, step)
        # The iterator that was given is that of the first pass.
        for _ in range(passes - 1):
            iter(dataset)
        return iter(dataset.skip(step) if step else dataset)

    def _batches(self, steps: int) -> int:
        """Batches taken for a number of steps: the last execution takes as many as the others."""
        each = self.position.steps_per_execution
        return -(-steps // each) * each


def _advance(iterator: Iterator[Any], batches: int) -> Iterator[Any]:
    # The last execution of an epoch may have been counted longer than it was.
    with suppress(StopIteration):
        for _ in range(batches):
            next(iterator)
    return iterator


def _tensor_spec(spec: object) -> tf.TensorSpec | None:
    """What Keras needs to know of a tensor; None for an optional one, such as sample weights."""
    return spec if isinstance(spec, tf.TensorSpec) else None
