"""A network that the machine cannot hold is refused before memory is taken for it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from .data.npz import memory

GIBIBYTE = 2**30


class TooLarge(ValueError):
    """Weights for which the machine has no memory."""


@contextmanager
def weights_fit_memory(numbers: float = math.inf) -> Iterator[None]:
    """Refuse a layer whose weights, with those of the layers before it, exceed the memory.

    Keras fills a weight with its initial values as soon as a layer adds it, so each is counted
    before that, where all layers and the layers inside of them add theirs.

    Args:
        numbers: most weights there may be, where that is known.

    Raises:
        TooLarge: in the block, from the layer that is one too many.
    """
    add_weight, total = keras.layers.Layer.add_weight, 0.0
    most = min(memory(), 4.0 * numbers)

    def counted(self: Any, shape: Any = None, *arguments: Any, **more: Any) -> Any:
        nonlocal total
        # Where weights are of 16 bits, their gradient takes as much again.
        total += 4.0 * math.prod(float(size or 1) for size in shape or ())
        if total > most:
            raise TooLarge(
                f"the weights take {total / GIBIBYTE:.1f} GiB up to here, and this machine has "
                f"{most / GIBIBYTE:.1f}."
            )
        return add_weight(self, shape, *arguments, **more)

    keras.layers.Layer.add_weight = counted  # type: ignore[method-assign]
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = add_weight  # type: ignore[method-assign]


def oversized(model: Any, rows: int) -> str | None:
    """What is wrong where the output of one layer, for a batch, exceeds the memory."""
    most = memory()
    for layer in model.layers:
        outputs = layer.output if isinstance(layer.output, (list, tuple)) else [layer.output]
        for tensor in outputs:
            size = 4.0 * rows * math.prod(float(axis or 1) for axis in tensor.shape[1:])
            if size > most:
                return (
                    f"`{layer.name}` gives {size / GIBIBYTE:.1f} GiB for a batch of {rows} rows, "
                    f"and this machine has {most / GIBIBYTE:.1f}."
                )
    return None
