"""Refuses a network that does not fit into memory, before memory is taken for it."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
from keras.src.backend.common import global_state

from ..record.archive import memory
from ..spec import Recipe

GIBIBYTE = 2**30
# Set for the processes of a sweep: how many trainings share this computer.
PROCESSES = "KERAS_RECIPES_PROCESSES"
# Where Linux says how much memory this container may have.
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
# Variables that an optimizer keeps for each weight; 0 for an optimizer that is not listed.
SLOTS = {
    "adam": 2, "adamw": 2, "adamax": 2, "nadam": 2, "lamb": 2, "adadelta": 2, "ftrl": 2,
    "adagrad": 1, "rmsprop": 1, "lion": 1,
}  # fmt: skip


class LayerTooLarge(ValueError):
    """A layer exceeds the memory.

    Attributes:
        layer: name of the first layer that does.
    """

    def __init__(self, message: str, layer: str):
        super().__init__(message)
        self.layer = layer


def available() -> float:
    """Bytes that one training may use of the computer, or of the container it runs in."""
    limit = memory()
    for name in LIMITS:
        try:
            limit = min(limit, float(Path(name).read_text(encoding="ascii")))
        except (OSError, ValueError):  # there is no such limit, or it is the word `max`
            continue
    processes = os.environ.get(PROCESSES, "")
    return limit / max(1, int(processes)) if processes.isdigit() else limit


def copies(recipe: Recipe) -> int:
    """Numbers that training keeps for each weight: the weight, its gradient, optimizer variables.

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
def unallocated_weights(*, discard: bool = False) -> Iterator[None]:
    """Layers that are built inside get their weights at the end of the block, not if it raises.

    Keras defers the initial values of variables that are made in a stateless scope, so that the
    shapes of all weights are known before memory is allocated for them.

    Args:
        discard: the layers get no weights at all; they are built for their shapes alone.
    """
    done = False
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
        done = not discard
    finally:
        if not done:
            global_state.set_global_attribute("uninitialized_variables", [])
    if done:
        with keras.StatelessScope():  # initializes them when it ends
            pass


def check_memory(network: keras.Model, copies: int, rows: int) -> None:
    """Raise `LayerTooLarge` where the weights of a network or the output of a layer exceed memory.

    Args:
        copies: numbers that training keeps for each trainable weight.
        rows: rows in a batch.
    """
    limit, total = available(), 0.0
    for layer in network.layers:
        # The gradient of an embedding has the rows of a batch alone.
        kept = copies - isinstance(layer, keras.layers.Embedding)
        for weight in layer.weights:
            # Where weights are of 16 bits, their gradient takes as much again.
            total += 4.0 * (kept if weight.trainable else 1) * math.prod(weight.shape)
            if total > limit:
                raise LayerTooLarge(
                    f"`{layer.name}`: the weights, and what training keeps for each, take "
                    f"{total / GIBIBYTE:.1f} GiB up to here, and {_limit(limit)}.",
                    layer.name,
                )
        for output in keras.tree.flatten(layer.output):
            size = 4.0 * rows * math.prod(float(axis or 1) for axis in output.shape[1:])
            if size > limit:
                raise LayerTooLarge(
                    f"`{layer.name}` outputs {size / GIBIBYTE:.1f} GiB for a batch of {rows} rows, "
                    f"and {_limit(limit)}.",
                    layer.name,
                )


def _limit(limit: float) -> str:
    processes = os.environ.get(PROCESSES, "1")
    owner = "this machine has" if processes == "1" else f"each of {processes} trainings at once has"
    return f"{owner} {limit / GIBIBYTE:.1f}"
