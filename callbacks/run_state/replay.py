"""An epoch taken up in its middle: the data is brought to where it was, nothing is trained twice.

Keras keeps the length of a dataset's first pass for all later ones, so an epoch cannot be made
shorter. It is gone through from its beginning instead, and what was trained already is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import keras
import tensorflow as tf

INFINITE, UNKNOWN = tf.data.INFINITE_CARDINALITY, tf.data.UNKNOWN_CARDINALITY


class Replay:
    """Stands in for a model's compiled training function in the first epoch after a resumption.

    Args:
        model: the model in training.
        epoch: the epoch, from 0.
        step: batches of it that were trained.
        steps_per_epoch: the argument of `fit`: with it, one iterator serves several epochs.
        steps_per_execution: batches that are taken at once.
        ordered: whether the order of an epoch depends on the epochs before it in this process, as
            in `Dataset.shuffle`.
        begin: called with the specification of a batch, once, when the data is where it was.
        logs: gives what the last training step gave.
    """

    def __init__(
        self,
        model: Any,
        epoch: int,
        step: int,
        *,
        steps_per_epoch: int | None,
        steps_per_execution: int,
        ordered: bool,
        begin: Callable[[Any], None],
        logs: Callable[[], Any],
    ):
        self.model = model
        self.epoch = epoch
        self.step = step
        self.steps_per_epoch = steps_per_epoch
        self.steps_per_execution = steps_per_execution
        self.ordered = ordered
        self.begin = begin
        self.logs = logs
        self.silent = False
        self._function = model.train_function
        self._iterator: Any = None
        self._dataset: Any = None
        model.train_function = self

    def finish(self) -> None:
        """The epoch is over: give the model its function back."""
        self.model.train_function = self._function
        self._iterator = self._dataset = None

    def __call__(self, iterator: Any) -> Any:
        if self._iterator is None:
            self._iterator = self._brought(iterator)
            self.begin(keras.tree.map_structure(_shape_of, iterator.element_spec))
        return self.logs() if self.silent else self._function(self._iterator)

    def before(self, begin_step: int) -> bool:
        """Whether the steps from `begin_step` on were trained already."""
        self.silent = begin_step < self.step
        return self.silent

    def _brought(self, iterator: Any) -> Any:
        """An iterator that goes on where the training was."""
        self._dataset = dataset = getattr(iterator, "_dataset", None)
        if dataset is None:
            return _advanced(iterator, self.step)
        if carried(dataset, self.steps_per_epoch):
            # One iterator serves all epochs.
            earlier = self.epoch * self._taken(self.steps_per_epoch or 0)
            return _advanced(iterator, earlier + self._taken(self.step))
        passes = self._passes() if self.ordered else 0
        if passes == 0:
            return _advanced(iterator, self.step)
        # This one is that of the first pass.
        for _ in range(passes - 1):
            iter(dataset)
        return iter(dataset.skip(self.step) if self.step else dataset)

    def _passes(self) -> int:
        """Passes that Keras has begun before that of this epoch.

        It begins one an epoch, and where it knows the length another one at the end.
        """
        return self.epoch if int(self._dataset.cardinality()) == UNKNOWN else 2 * self.epoch

    def _taken(self, steps: int) -> int:
        """Batches that executions of so many steps take: the last one takes as many as others."""
        return -(-steps // self.steps_per_execution) * self.steps_per_execution


def carried(dataset: Any, steps_per_epoch: int | None) -> bool:
    """Whether an epoch ends before its data, and the next one goes on there."""
    if steps_per_epoch is None:
        return False
    return int(dataset.cardinality()) in (INFINITE, UNKNOWN)


def cut_short(dataset: Any, steps_per_epoch: int | None) -> bool:
    """Whether an epoch leaves a rest of data that ends, from which Keras's next one begins."""
    return steps_per_epoch is not None and 0 <= steps_per_epoch < int(dataset.cardinality())


def _advanced(iterator: Any, batches: int) -> Any:
    """The iterator after so many batches."""
    # The last execution of an epoch may have been counted longer than it was.
    with suppress(StopIteration):
        for _ in range(batches):
            next(iterator)
    return iterator


def _shape_of(spec: Any) -> Any:
    """What Keras needs to know of a tensor; None for an optional one, as of sample weights."""
    return spec if isinstance(spec, tf.TensorSpec) else None
