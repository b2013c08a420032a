"""The running `fit`: a place in it, its data, hooks around its callbacks, and a resumed epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import keras
import tensorflow as tf
from keras.callbacks import Callback, CallbackList
from tensorflow.python.eager import context

from .callback_attributes import without_state

INFINITE, UNKNOWN = tf.data.INFINITE_CARDINALITY, tf.data.UNKNOWN_CARDINALITY


@dataclass(frozen=True)
class Position:
    """A place between two executions of the training step.

    Attributes:
        epoch: index of the current epoch.
        step: number of batches of this epoch that have been trained.
        total: number of batches trained since the beginning.
        steps: number of batches in an epoch, or None if it is not known.
        steps_per_execution: number of batches in an execution.
        stopped: whether training has ended before its last epoch.

    >>> str(Position(epoch=2, step=7, total=27)), str(Position(epoch=3))
    ('after step 7 of epoch 3', 'after epoch 3')
    """

    epoch: int = 0
    step: int = 0
    total: int = 0
    steps: int | None = None
    steps_per_execution: int = 1
    stopped: bool = False

    def at_epoch(self, epoch: int) -> Position:
        """The beginning of an epoch."""
        return replace(self, epoch=epoch, step=0, stopped=False)

    def resumed(self, steps_per_execution: int) -> Position:
        """The same place in the training that resumes from it."""
        return replace(self, stopped=False, steps_per_execution=steps_per_execution)

    def at_step(self, step: int, steps: int | None) -> Position:
        """After `step` batches of this epoch, which has `steps` of them."""
        # The last execution of an epoch may have fewer batches than the others.
        step = step if steps is None else min(step, steps)
        return replace(self, step=step, total=self.total + step - self.step, steps=steps)

    def after_epoch(self, epoch: int, stopped: bool) -> Position:
        """The end of an epoch, which is the beginning of the next one."""
        return replace(self, epoch=epoch + 1, step=0, stopped=stopped)

    def check(self, steps_per_execution: int) -> None:
        """Check that an execution of this many steps can begin here.

        Raises:
            ValueError: this place is within one.
        """
        if self.step % steps_per_execution and self.step != self.steps:
            raise ValueError(
                f"The checkpoint is {self}, in executions of {self.steps_per_execution} steps. "
                f"With `steps_per_execution={steps_per_execution}` no execution begins there."
            )

    def __str__(self) -> str:
        if self.step:
            return f"after step {self.step} of epoch {self.epoch + 1}"
        return f"after epoch {self.epoch}" if self.epoch else "at the beginning"


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
        """Whether one iterator serves all epochs, each of which begins where the last ended."""
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


def limits(fit: Fit | None, callbacks: Sequence[Callback], ordered: bool) -> Iterator[str]:
    """What cannot be restored, to be logged when training begins.

    Args:
        callbacks: those beside `RunState`.
        ordered: whether the data's order depends on a generator of this process.
    """
    if fit is not None and fit.leaves_rest:
        yield (
            "with `steps_per_epoch` less than the length of the data, Keras's place in it cannot "
            "be restored: a resumed training begins a new pass. Use `data.repeat()`"
        )
    if ordered and context.global_seed() is None:
        yield (
            "no seed is set: shuffled rows come in another order when this training is resumed. "
            "Call `keras.utils.set_random_seed` before the model is made"
        )
    names = without_state(callbacks)
    if names:
        yield (
            "these callbacks start afresh when this training is resumed, because they have no "
            f"`get_state` and `set_state`: {', '.join(names)}"
        )


# Hooks of `CallbackList` that `surround` wraps, without `on_`.
HOOKS = (
    "train_begin",
    "epoch_begin",
    "train_batch_begin",
    "train_batch_end",
    "test_begin",
    "test_batch_end",
    "epoch_end",
    "train_end",
)


def surround(callbacks: CallbackList, hook: str, state: Callback) -> None:
    """Let a callback act before the first and after the last of a list.

    It acts in its methods `_before_train_begin`, `_after_train_begin` and the like. A stored state
    must hold what every callback did in a hook, and a restored one must be there before any
    callback looks at the model; no place in the list has both. Where the method that acts before
    returns False, the callbacks are not called.
    """
    call = getattr(callbacks, f"on_{hook}")
    before: Callable[..., bool | None] | None = getattr(state, f"_before_{hook}", None)
    after: Callable[..., None] | None = getattr(state, f"_after_{hook}", None)

    def surrounded(*arguments: object, **named: object) -> None:
        if before is not None and before(*arguments, **named) is False:
            return
        call(*arguments, **named)
        if after is not None:
            after(*arguments, **named)

    setattr(callbacks, f"on_{hook}", surrounded)


class Replay:
    """Replaces a model's compiled training function in the first epoch after a resumption.

    Keras keeps the length of a dataset's first pass for all later ones, so an epoch cannot be made
    shorter. Keras runs it from its beginning instead, and the steps that were trained do nothing.

    Args:
        model: the model in training.
        fit: where its batches come from.
        position: where training resumes.
        ordered: whether the order of an epoch depends on the epochs before it in this process, as
            in `Dataset.shuffle`.
        from_step: the batches of the epoch from a step on; None where those before it must be taken
            and dropped.
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
        from_step: Callable[[int], tf.data.Dataset] | None = None,
        begin: Callable[[object], object],
    ):
        self.model: Any = model
        self.fit = fit
        self.position = position
        self.ordered = ordered
        self.from_step = from_step
        self.begin = begin
        self.skipping = False
        self._function: Callable[[object], object] = self.model.train_function
        self._iterator: Iterator[object] | None = None
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
            self._iterator = self._iterator_at_position(iterator)
            self._logs = self.begin(keras.tree.map_structure(_tensor_spec, iterator.element_spec))
        return self._logs if self.skipping else self._function(self._iterator)

    def _iterator_at_position(self, iterator: Any) -> Iterator[object]:
        """An iterator over the batches from the position on."""
        epoch, step = self.position.epoch, self.position.step
        if self.from_step is not None:
            return iter(self.from_step(step)) if step else iterator
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


def _advance(iterator: Iterator[object], batches: int) -> Iterator[object]:
    # The last execution of an epoch may have been counted longer than it was.
    with suppress(StopIteration):
        for _ in range(batches):
            next(iterator)
    return iterator


def _tensor_spec(spec: object) -> tf.TensorSpec | None:
    """What Keras needs to know of a tensor; None for an optional one, such as sample weights."""
    return spec if isinstance(spec, tf.TensorSpec) else None
