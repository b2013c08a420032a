"""What cannot be restored, said when training begins and not when it is too late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import context

from . import companions
from .replay import cut_short


@dataclass(frozen=True)
class FitData:
    """What a `fit` knows of its data.

    Attributes:
        steps_per_epoch: its argument.
        dataset: what it draws batches from, or None where that is not known.
    """

    steps_per_epoch: int | None = None
    dataset: Any = None

    @classmethod
    def of(cls, frame: Any) -> FitData:
        """That of the `fit` which has made a list of callbacks in this frame, or just above."""
        for _ in range(3):
            data = frame.f_locals.get("epoch_iterator") if frame is not None else None
            if data is not None:
                dataset = getattr(data, "_distributed_dataset", None)
                return cls(getattr(data, "steps_per_epoch", None), dataset)
            frame = getattr(frame, "f_back", None)
        return cls()


def limits(data: FitData, callbacks: Sequence[Any], ordered: bool) -> Iterator[str]:
    """A sentence for each.

    Args:
        callbacks: those beside the one that stores.
        ordered: whether the data's order depends on a generator of this process.
    """
    if isinstance(data.dataset, tf.data.Dataset) and cut_short(data.dataset, data.steps_per_epoch):
        yield (
            "with `steps_per_epoch` less than the length of the data, Keras's place in it cannot "
            "be restored: a resumed training begins a pass anew. `data.repeat()` mends that"
        )
    if ordered and context.global_seed() is None:
        yield (
            "no seed is set: rows that are shuffled come in another order when this training is "
            "resumed. Call `keras.utils.set_random_seed` before the model is made"
        )
    names = companions.forgetful(callbacks)
    if names:
        yield (
            "begin afresh when this training is resumed, for they have no `get_state` and "
            f"`set_state`: {', '.join(names)}"
        )
