"""The running `fit`: its data, its callbacks, and hooks around all of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import tensorflow as tf
from keras.callbacks import Callback, CallbackList
from tensorflow.python.eager import context

from . import callback_states

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


def limits(fit: Fit | None, callbacks: Sequence[Callback], ordered: bool) -> Iterator[str]:
    """What cannot be restored, to be said when training begins and not when it is too late.

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
    names = callback_states.without_state(callbacks)
    if names:
        yield (
            "these callbacks start afresh when this training is resumed, because they have no "
            f"`get_state` and `set_state`: {', '.join(names)}"
        )


# Hooks of Keras's list that `surround` knows, by the ends of their names.
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

    def surrounded(*arguments: Any, **named: Any) -> None:
        if before is not None and before(*arguments, **named) is False:
            return
        call(*arguments, **named)
        if after is not None:
            after(*arguments, **named)

    setattr(callbacks, f"on_{hook}", surrounded)
