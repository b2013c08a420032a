"""Data that comes in batches of its own: `tf.data`, `PyDataset`, Grain, generators."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import keras
import tensorflow as tf

from ..errors import RecipeError, RequestError, TrainingFailed
from ..spec import Duration
from .objects import Builder
from .parts import CHECKED_UPDATES

# A repeated Grain dataset gives the largest number that Python counts by as its length.
ENDLESS = 2**62
# Updates that a 32-bit float counts one by one.
EXACT = 2**24


@dataclass(frozen=True)
class Stream:
    """Batches `(x, y)` or `(x, y, sample_weight)` in an order of their own.

    Attributes:
        kind: what it is, for messages.
        dataset: what `model.fit` takes.
        first: its first batch: rows, targets, and weights or None.
        length: batches an epoch; None where it is known only at their end.
        repeats: whether it can be read again from its beginning.
    """

    kind: str
    dataset: object
    first: tuple[Any, Any, Any]
    length: int | None
    repeats: bool = True


def is_stream(value: object) -> bool:
    """Whether a value comes in batches of its own."""
    return _kind(value) is not None


def stream_of(value: object, steps: int | None, where: str, argument: str) -> Stream:
    """A dataset that is given for rows and targets, with its first batch.

    Args:
        steps: batches an epoch where the caller says so.
        where: what messages call it.
        argument: name of the argument that says `steps`.

    Raises:
        RequestError: it is empty or endless, or its batches are no pairs.
    """
    kind = _kind(value)
    assert kind is not None
    length = _length(value) if steps is None else steps
    if length is not None and length >= ENDLESS:
        raise RequestError(
            f"{where}: this {kind} has no end. Say how many batches make an epoch: `{argument}=`."
        )
    batch, dataset = _first(value, where)
    first = keras.utils.unpack_x_y_sample_weight(batch)
    if len(first) != 3 or first[1] is None:
        raise RequestError(
            f"{where}: its batches must be pairs `(x, y)`, or `(x, y, sample_weight)`. The first "
            f"is a {type(batch).__name__}."
        )
    repeats = not isinstance(value, types.GeneratorType)
    return Stream(kind, dataset, first, length, repeats)


def _kind(value: object) -> str | None:
    """What a dataset is, by the classes that it is of; None where it is none.

    Grain and PyTorch are known by name, as Keras knows them: neither is imported here.
    """
    if isinstance(value, tf.data.Dataset):
        return "tf.data.Dataset"
    if isinstance(value, keras.utils.PyDataset):
        return "keras.utils.PyDataset"
    if isinstance(value, types.GeneratorType):
        return "generator"
    for parent in type(value).__mro__:
        package = parent.__module__.partition(".")[0]
        if package == "grain" and parent.__name__ in ("MapDataset", "IterDataset", "DataLoader"):
            return f"grain.{parent.__name__}"
        if package == "torch" and parent.__name__ == "DataLoader":
            return "torch.utils.data.DataLoader"
    return None


def _length(value: Any) -> int | None:
    """Batches an epoch; None where only the end shows it, `ENDLESS` where there is none."""
    if isinstance(value, tf.data.Dataset):
        size = int(value.cardinality())
        unknown, endless = tf.data.UNKNOWN_CARDINALITY, tf.data.INFINITE_CARDINALITY
        return None if size == unknown else ENDLESS if size == endless else size
    if isinstance(value, keras.utils.PyDataset):
        size = value.num_batches
        return ENDLESS if size is None else int(size)
    if hasattr(value, "__len__"):
        return len(value)
    return None


def _first(value: Any, where: str) -> tuple[object, object]:
    """The first batch, and a dataset that yields it again."""
    try:
        if isinstance(value, keras.utils.PyDataset):
            return value[0], value
        if isinstance(value, tf.data.Dataset):
            return next(value.take(1).as_numpy_iterator()), value
        iterator = iter(value)
        first = next(iterator)
    except (StopIteration, IndexError):
        raise RequestError(f"{where}: the dataset is empty.") from None
    return first, (_again(first, iterator) if iterator is value else value)


def _again(first: object, rest: Iterator[object]) -> Iterator[object]:
    """A generator of all batches, of which the first has been read; Keras wants a generator."""
    yield first
    yield from rest


class WholeEpochs(keras.callbacks.Callback):
    """Refuses an epoch that ends before its last batch, about which Keras only warns.

    Args:
        steps: batches an epoch; None where only the end tells, which must be one at least.
    """

    def __init__(self, steps: int | None):
        super().__init__()
        self.steps = steps or 1
        self.seen = 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Count from 0."""
        self.seen = 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Keras gives the number of the last batch of a whole execution, also where it was cut."""
        self.seen = batch + 1
        if EXACT > self.seen >= self.steps > 1:
            self.seen = min(self.seen, most_batches(self.model))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Raise if batches are missing.

        Raises:
            TrainingFailed: the data has ended.
        """
        model: Any = self.model
        if self.seen < self.steps and not model.stop_training:
            raise TrainingFailed(
                f"the data ended after {self.seen} of {self.steps} batches of epoch {epoch + 1}. "
                "With `steps_per_epoch` it must repeat itself: `.repeat()`."
            )


def most_batches(model: Any) -> int:
    """The most batches that an epoch can have had, by the updates that were computed in it."""
    accumulation = model.training_parts.gradient_accumulation
    return model.computed_updates * accumulation + accumulation - 1


@dataclass(frozen=True)
class UnknownLength(Builder):
    """Makes the objects of a recipe where the number of batches an epoch is not known.

    Attributes:
        steps_per_epoch: 1, so that Keras sees the end of the data after each step.
        argument: the argument with which the caller can give it.
    """

    steps_per_epoch: int = 1
    argument: str = "steps_per_epoch"
    knows_length: ClassVar[bool] = False

    @property
    def updates(self) -> int:
        """As many updates as the values of a schedule are checked at."""
        return CHECKED_UPDATES

    def value(self, value: object, path: tuple) -> Any:
        """As of any builder, without durations that are counted in epochs.

        Raises:
            RecipeError: the length of the run decides the value, with its line.
        """
        if isinstance(value, Duration) and value.unit != "steps":
            message = (
                f"`{value}` depends on the batches of an epoch, whose number this dataset "
                f"does not say. Give `{self.argument}=` and let the dataset repeat itself, or "
                "write it in steps, as `500 steps`."
            )
            raise RecipeError([self.recipe.problem(path, message)])
        return super().value(value, path)

    def lengths(self) -> dict[str, int | Fraction]:
        """None are known."""
        return {}
