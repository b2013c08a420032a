"""Windows over rows that became numbers once, and the model that takes raw windows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self, TypeVar

import keras
import numpy as np
import tensorflow as tf

from ..data import Data, Split
from ..data.array_feature import FittedArray
from ..data.blocks import Block
from ..data.fitted import Fitted, FittedCategory, FittedText
from ..data.frame import Frame, plain
from ..data.order import tensor
from ..data.series import WindowOptions
from ..data.windows import Windows
from ..errors import DataError
from .feature_blocks import Blocks

Given = TypeVar("Given")
Changed = TypeVar("Changed")


class WindowBlock(Block):
    """Windows over rows (rows, ...), of which none is copied before it is read.

    Args:
        rows: a tensor, or an array, which is not copied if TensorFlow can read it in its place.
        starts: first row of each window (windows,).
        length: rows of a window.

    >>> block = WindowBlock(np.arange(5.0), np.array([0, 2]), 3)
    >>> block.shape, block[:2].tolist()
    ((2, 3), [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]])
    """

    def __init__(self, rows: np.ndarray | tf.Tensor, starts: np.ndarray, length: int):
        self.rows = tensor(rows)
        self.starts = starts
        self.length = length
        self.shape = (len(starts), length, *(int(size) for size in np.shape(self.rows)[1:]))
        self.dtype = np.dtype(self.rows.dtype.as_numpy_dtype)
        self._starts = tf.constant(starts, tf.int64)
        self._within = tf.range(length, dtype=tf.int64)

    def gather(self, chosen: tf.Tensor) -> tf.Tensor:
        """The windows of these indices (count, length, ...)."""
        first = tf.gather(self._starts, chosen)
        return tf.gather(self.rows, first[:, None] + self._within)

    def take(self, rows: np.ndarray) -> Self:
        """A block of the windows of these indices, in their order."""
        return type(self)(self.rows, self.starts[rows], self.length)

    def __getitem__(self, rows: slice) -> np.ndarray:
        """The windows of a slice as an array."""
        return self.gather(tf.range(len(self))[rows]).numpy()


def encoded(
    data: Data, features: Sequence[Fitted], numbers: Callable[[Frame], Blocks[Any]]
) -> Data:
    """Data with windows over the numbers that its rows became, once for all splits.

    Args:
        features: what was learned of each column.
        numbers: makes blocks of numbers of a table.
    """
    windows: Windows = data.train.x
    options = windows.options
    blocks = _each(ahead(numbers(windows.frame), features, options), tensor)

    def over(split: Split | None) -> Split | None:
        if split is None:
            return None
        return Split(
            _each(blocks, lambda b: WindowBlock(b, split.x.starts, options.inputs)), split.y
        )

    train = over(data.train)
    assert train is not None
    return replace(data, train=train, validation=over(data.validation), test=over(data.test))


def _each(blocks: Blocks[Given], change: Callable[[Given], Changed]) -> Blocks[Changed]:
    """Blocks by name, or one alone, each changed."""
    if isinstance(blocks, Mapping):
        return {name: change(block) for name, block in blocks.items()}
    return change(blocks)


def ahead(
    blocks: Blocks[np.ndarray], features: Sequence[Fitted], options: WindowOptions
) -> Blocks[np.ndarray]:
    """The blocks of rows, with the columns that are known ahead appended to the matrix.

    Each row has the known columns of the row `horizon` further on too, so that the last `horizon`
    inputs of a window have those of its whole horizon.
    """
    if not options.known:
        return blocks
    known = np.concatenate(
        [[each.name in options.known] * each.width for each in _matrix(features)]
    )
    matrix = blocks["matrix"] if isinstance(blocks, Mapping) else blocks
    beside = np.concatenate([matrix, np.roll(matrix[:, known], -options.horizon, axis=0)], axis=1)
    return {**blocks, "matrix": beside} if isinstance(blocks, Mapping) else beside


def _matrix(features: Sequence[Fitted]) -> list[Fitted]:
    """The features that are columns of the matrix."""
    return [each for each in features if not _embedded(each)]


def _embedded(feature: Fitted) -> bool:
    return isinstance(feature, FittedCategory) and feature.output == "embedding"


def refuse_unfit(features: Sequence[Fitted], options: WindowOptions) -> None:
    """Raise a `DataError` where the feature of a column cannot enter windows."""
    for feature in features:
        name = plain(feature.name)
        if isinstance(feature, FittedText):
            raise DataError(
                f"column `{name}` is text, of which windows have none. Leave it out: "
                f"`features: {{'*': auto, {name}: drop}}`."
            )
        if isinstance(feature, FittedArray):
            raise DataError(
                f"column `{name}` has an array in each row, of which windows have none. Leave it "
                f"out: `features: {{'*': auto, {name}: drop}}`."
            )
        if _embedded(feature) and feature.name in options.known:
            raise DataError(
                f"column `{name}` is known ahead and has an embedding; a known column enters as "
                f"numbers. Write `{name}: {{category: {{output: one_hot}}}}` below `features`."
            )


def length_of(feature: Fitted, options: WindowOptions) -> int:
    """Rows of a column that a raw window has: those of the horizon too, where it is known."""
    return options.length if feature.name in options.known else options.inputs


def windowed_numbers(
    features: Sequence[Fitted],
    each: Sequence[keras.Model],
    columns: Sequence[keras.KerasTensor],
    options: WindowOptions,
) -> list[tuple[Fitted, keras.KerasTensor]]:
    """What each column of raw windows becomes (windows, inputs, width), as `ahead` orders it."""
    now: list[tuple[Fitted, keras.KerasTensor]] = []
    later: list[tuple[Fitted, keras.KerasTensor]] = []
    for feature, model, column in zip(features, each, columns, strict=True):
        length = length_of(feature, options)
        cells = model(keras.ops.reshape(column, (-1, 1)))
        found: Any = keras.ops.reshape(cells, (-1, length, feature.width))
        if length == options.inputs:
            now.append((feature, found))
            continue
        now.append((feature, found[:, : options.inputs]))
        later.append((feature, found[:, options.horizon :]))
    return [*now, *later]


def raw_windows(
    columns: Mapping[str, tf.Tensor], features: Sequence[Fitted], windows: Windows
) -> dict[str, WindowBlock]:
    """Windows of raw columns as the saved model takes them, each (windows, rows), by index.

    Args:
        columns: name of an input -> its cells (rows, 1), in the order of `features`.
    """
    return {
        name: WindowBlock(cells[:, 0], windows.starts, length_of(feature, windows.options))
        for (name, cells), feature in zip(columns.items(), features, strict=True)
    }
