"""A network that the machine cannot hold is refused before memory is taken for it."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from ..data.npz import memory
from ..spec import Recipe

GIBIBYTE = 2**30
# How many trainings run at once on this machine: the processes of a sweep are told.
PROCESSES = "KERAS_RECIPES_PROCESSES"
# Where Linux says how much memory this container may have.
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
# Variables that an optimizer keeps for each weight, beside the weight; none is assumed of others.
SLOTS = {
    "adam": 2, "adamw": 2, "adamax": 2, "nadam": 2, "lamb": 2, "adadelta": 2, "ftrl": 2,
    "adagrad": 1, "rmsprop": 1, "lion": 1,
}  # fmt: skip


class TooLarge(ValueError):
    """Weights for which the machine has no memory."""


def available() -> float:
    """Bytes that one training may take: of the machine, or of the container it is in."""
    limit = memory()
    for name in LIMITS:
        try:
            limit = min(limit, float(Path(name).read_text(encoding="ascii")))
        except (OSError, ValueError):  # there is no such limit, or it is the word `max`
            continue
    processes = os.environ.get(PROCESSES, "")
    return limit / max(1, int(processes)) if processes.isdigit() else limit


def copies(recipe: Recipe) -> int:
    """How many numbers training keeps for each weight: itself, its gradient, and what follows it.

    >>> import keras_recipes
    >>> copies(keras_recipes.load("digits_mlp", {"optimizer": "adam"}))
    4
    """
    slots = SLOTS.get(recipe.optimizer.name, 0)
    if recipe.optimizer.name == "sgd" and recipe.optimizer.arguments.get("momentum"):
        slots = 1
    more = [recipe.weight_averaging is not None, recipe.gradient_accumulation > 1]
    return 2 + slots + sum(more)


@contextmanager
def weights_fit_memory(copies: int = 1, *, numbers: float = math.inf) -> Iterator[None]:
    """Refuse a layer whose weights, with those of the layers before it, exceed the memory.

    Keras fills a weight with its initial values as soon as a layer adds it, so each is counted
    before that, where all layers and the layers inside of them add theirs.

    Args:
        copies: numbers that training keeps for each weight that it trains.
        numbers: most weights there may be, where that is known.

    Raises:
        TooLarge: in the block, from the layer that is one too many.
    """
    add_weight, total = keras.layers.Layer.add_weight, 0.0
    most = min(available(), 4.0 * copies * numbers)

    def counted(self: Any, shape: Any = None, *arguments: Any, **more: Any) -> Any:
        nonlocal total
        trained = more.get("trainable", True) and self.trainable
        # The gradient of an embedding has the rows of a batch alone.
        held = copies - isinstance(self, keras.layers.Embedding) if trained else 1
        # Where weights are of 16 bits, their gradient takes as much again.
        total += 4.0 * held * math.prod(float(size or 1) for size in shape or ())
        if total > most:
            raise TooLarge(
                f"the weights, and what training keeps for each, take {total / GIBIBYTE:.1f} GiB "
                f"up to here, and {_room(most)}."
            )
        return add_weight(self, shape, *arguments, **more)

    keras.layers.Layer.add_weight = counted  # type: ignore[method-assign]
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = add_weight  # type: ignore[method-assign]


def _room(most: float) -> str:
    processes = os.environ.get(PROCESSES, "1")
    held = "this machine has" if processes == "1" else f"each of {processes} trainings at once has"
    return f"{held} {most / GIBIBYTE:.1f}"


def oversized(model: Any, rows: int) -> str | None:
    """What is wrong where the output of one layer, for a batch, exceeds the memory."""
    most = available()
    for layer in model.layers:
        outputs = layer.output if isinstance(layer.output, (list, tuple)) else [layer.output]
        for tensor in outputs:
            size = 4.0 * rows * math.prod(float(axis or 1) for axis in tensor.shape[1:])
            if size > most:
                return (
                    f"`{layer.name}` gives {size / GIBIBYTE:.1f} GiB for a batch of {rows} rows, "
                    f"and {_room(most)}."
                )
    return None
