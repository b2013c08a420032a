"""An epoch resumed in its middle: its data is sought, and no batch is trained twice.

Keras keeps the length of a dataset's first pass for all later ones, so an epoch cannot be made
shorter. Keras runs it from its beginning instead, and the steps that were trained do nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

import keras
import tensorflow as tf
from keras.callbacks import CallbackList

from .progress import Position

INFINITE, UNKNOWN = tf.data.INFINITE_CARDINALITY, tf.data.UNKNOWN_CARDINALITY


@dataclass(frozen=True)
class Fit:
    """A running `Model.fit`.

    Attributes:
        callbacks: its list.
        steps_per_epoch: its argument.
        dataset: what it takes batches from, or None where that is not known.
    """

    callbacks: CallbackList
    steps_per_epoch: int | None = None
    dataset: tf.data.Dataset | None = None

    @property
    def spans_epochs(self) -> bool:
        """Whether one iterator serves all epochs, each of which takes up where the last ended."""
        if self.steps_per_epoch is None or self.dataset is None:
            return False
        return int(self.dataset.cardinality()) in (INFINITE, UNKNOWN)

    @property
    def leaves_rest(self) -> bool:
        """Whether an epoch leaves a rest of finite data, with which Keras begins the next one."""
        if self.steps_per_epoch is None or self.dataset is None:
            return False
        return 0 <= self.steps_per_epoch < int(self.dataset.cardinality())


def calling_fit() -> Fit | None:
    """The `fit` whose list calls the calling `set_model`; None where no list does.

    Keras gives a callback neither the callbacks beside it nor the data, so they are read from the
    functions that are running.
    """
    # This function and `set_model` are called by the list, which `fit` makes.
    frame = _outer(_outer(inspect.currentframe()))
    callbacks = None if frame is None else frame.f_locals.get("self")
    if not isinstance(callbacks, CallbackList):
        return None
    data: Any = None
    for _ in range(3):
        frame = _outer(frame)
        if frame is not None and data is None:
            data = frame.f_locals.get("epoch_iterator")
    dataset = getattr(data, "_distributed_dataset", None)
    return Fit(
        callbacks,
        getattr(data, "steps_per_epoch", None),
        dataset if isinstance(dataset, tf.data.Dataset) else None,
    )


def _outer(frame: FrameType | None) -> FrameType | None:
    return None if frame is None else frame.f_back


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
        """Batches that are taken for so many steps: the last execution takes as many as others."""
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
