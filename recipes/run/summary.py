"""How large a training is: its weights, memory and operations, and how long an epoch takes here."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import keras
import numpy as np
import tensorflow as tf

from ..build.capacity import GIBIBYTE, available, copies
from ..build.execution import step_flops
from ..build.experiment import Experiment
from ..build.objects import Builder
from ..build.parts import over_the_run
from ..data import Data
from ..data.order import batch_rows
from ..record.contents import JSONObject
from ..record.result import duration
from ..spec import Recipe
from .analysis import built
from .profile import bottleneck, timed

# A schedule has reached its last rate where it differs by less than this fraction of the highest.
SETTLED = 1e-3


@dataclass(frozen=True)
class Summary:
    """What training a recipe takes.

    Attributes:
        trainable: number of weights that are trained.
        frozen: number of all other weights, moving statistics among them.
        state_bytes: memory of weights, gradients and optimizer.
        batch_bytes: memory of the outputs of all layers for a batch, kept for the gradient.
        data_bytes: memory of the training rows, where they are held in memory.
        available_bytes: memory that a training may use.
        step_flops: operations of a step in the products with weights, 6 a weight, row and position
            (Kaplan et al. 2020, section 2.1).
        batch_size: rows a step.
        steps: steps an epoch.
        epochs: epochs of the run.
        compile_seconds: time of the first execution, which compiles the step.
        epoch_seconds: time of an epoch's steps, without validation, from a second of training.
        notes: settings that do not fit together.
    """

    trainable: int
    frozen: int
    state_bytes: int
    batch_bytes: int
    data_bytes: int
    available_bytes: int
    step_flops: float
    batch_size: int
    steps: int
    epochs: int
    compile_seconds: float
    epoch_seconds: float
    notes: tuple[str, ...] = ()

    def to_json(self) -> JSONObject:
        """The attributes as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        total = self.state_bytes + self.batch_bytes + self.data_bytes
        rate = self.step_flops * self.steps / self.epoch_seconds
        rows = [
            ("weights", f"{self.trainable:,} trained, {self.frozen:,} not"),
            (
                "memory",
                f"{_size(total)} of {_size(self.available_bytes)}, beside that of TensorFlow: "
                f"{_size(self.state_bytes)} for weights and optimizer, "
                f"{_size(self.batch_bytes)} for a batch of {self.batch_size} rows, "
                f"{_size(self.data_bytes)} for the training rows",
            ),
            ("step", f"{self.step_flops:.3g} operations in products with weights"),
            (
                "epoch",
                f"{duration(self.epoch_seconds)} for {self.steps} steps, {rate:.2g} operations a "
                f"second, after {duration(self.compile_seconds)} to compile the step",
            ),
            ("run", f"{duration(self.epoch_seconds * self.epochs)} for {self.epochs} epochs"),
        ]
        return "\n".join(
            [*(f"{name:<9}{text}" for name, text in rows), *(f"note     {n}" for n in self.notes)]
        )


def summarize(recipe: Recipe, data: Data) -> Summary:
    """Build the model of a recipe and train it for a few seconds; nothing is kept.

    Raises:
        RequestError: the recipe cannot be used.
    """
    made = built(recipe, data)
    model = made.model
    rows = batch_rows(len(data.train), recipe.data.batch_size)
    trainable = _numbers(model.trainable_weights)
    frozen = _numbers(model.non_trainable_weights)
    times = timed(made)
    return Summary(
        trainable=trainable,
        frozen=frozen,
        state_bytes=4 * (trainable * copies(recipe) + frozen),
        batch_bytes=batch_bytes(model, rows),
        data_bytes=sum(int(getattr(x, "nbytes", 0)) for x in keras.tree.flatten(made.data.train.x)),
        available_bytes=int(available()),
        step_flops=step_flops(model, rows),
        batch_size=rows,
        steps=made.training.steps,
        epochs=recipe.epochs,
        compile_seconds=times.compile,
        epoch_seconds=times.step * made.training.steps,
        notes=(*notes(recipe, made), *bottleneck(recipe, data, times)),
    )


def batch_bytes(model: keras.Model, rows: int) -> int:
    """Memory of the outputs of all layers for a batch, in the precision of each."""
    total = 0
    for layer in model.layers:
        width = tf.as_dtype(layer.compute_dtype).size
        for output in keras.tree.flatten(layer.output):
            total += width * rows * math.prod(axis or 1 for axis in output.shape[1:])
    return total


def notes(recipe: Recipe, built: Experiment) -> Iterator[str]:
    """Notes on a schedule that an early stop may cut short."""
    settled = settled_epoch(recipe, built)
    earliest = earliest_stop(recipe)
    if settled is not None and earliest is not None and earliest < settled:
        yield (
            f"early stopping may end the run after epoch {earliest}, and the learning rate reaches "
            f"its last value in epoch {settled}"
        )


def settled_epoch(recipe: Recipe, built: Experiment) -> int | None:
    """The epoch, from 1, in which the learning rate reaches its last value; None if constant."""
    builder = Builder(recipe, built.training.steps)
    rate = keras.tree.flatten(built.model.optimizer._learning_rate)[0]
    values = over_the_run(rate, builder)
    if len(values) < 2:
        return None
    differs = np.flatnonzero(np.abs(values - values[-1]) > SETTLED * np.abs(values).max())
    if not len(differs):
        return None
    update = (int(differs[-1]) + 1) / (len(values) - 1) * (builder.updates - 1)
    return min(recipe.epochs, math.floor(update / float(builder.updates_per_epoch)) + 1)


def earliest_stop(recipe: Recipe) -> int | None:
    """The first epoch, from 1, after which a patience can end the run; None where none can."""
    epochs = []
    for choice in recipe.callbacks:
        if choice.name == "early_stopping":
            arguments = choice.arguments
            patience = arguments.get("patience")
            limits = {"target", "divergence_threshold", "max_seconds", "prechelt"} & set(arguments)
            if patience is None and limits:
                continue
            first = arguments.get("start_from_epoch", 0) + 1
            # Without patience the second value may end it, as that of 1 may.
            waited = max(patience or 0, 1) * arguments.get("validation_freq", 1)
            epochs.append(first + waited)
    return min(epochs, default=None)


def _numbers(weights: Sequence[keras.Variable]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def _size(count: float) -> str:
    for unit, power in (("GiB", GIBIBYTE), ("MiB", 2**20)):
        if count >= power:
            return f"{count / power:.1f} {unit}"
    return f"{count / 1024:.1f} KiB"
