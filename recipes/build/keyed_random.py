"""Random numbers that are a function of a key, in the form that layers of Keras draw them."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

# More numbers a row than this are drawn by a generator for each row, rather than by hashing.
MOST_HASHED = 64


class RowRandom:
    """Stands for `keras.random` in layers that draw a number for each picture of a batch.

    Keras draws all numbers of a batch from one seed, so that those of a picture depend on its place
    in the batch. Here each row has its own: number n of a row is FarmHash64, a hash that is the
    same on every machine, of the row's key and n.

    Args:
        keys: integers (rows, columns) that are different for each row.
    """

    def __init__(self, keys: tf.Tensor):
        self.keys = tf.cast(keys, tf.int64)
        self.rows = tf.shape(keys)[0]
        self.calls = 0

    def uniform(
        self,
        shape: Sequence[int | tf.Tensor],
        minval: float | tf.Tensor = 0.0,
        maxval: float | tf.Tensor = 1.0,
        dtype: str | None = None,
        seed: object = None,
    ) -> tf.Tensor:
        """Numbers from `minval` to below `maxval`, where the first axis of `shape` counts rows."""
        width = self._width(shape)
        if width > MOST_HASHED:
            numbers = self._wide(tf.random.stateless_uniform, width)
        else:
            numbers = self._fractions(width)
        numbers = minval + numbers * (maxval - minval)
        return tf.cast(tf.reshape(numbers, shape), dtype or "float32")

    def normal(
        self,
        shape: Sequence[int | tf.Tensor],
        mean: float = 0.0,
        stddev: float = 1.0,
        dtype: str | None = None,
        seed: object = None,
    ) -> tf.Tensor:
        """Normal numbers, where the first axis of `shape` counts rows."""
        numbers = self._wide(tf.random.stateless_normal, self._width(shape))
        return tf.cast(tf.reshape(mean + stddev * numbers, shape), dtype or "float32")

    def randint(
        self,
        shape: Sequence[int | tf.Tensor],
        minval: int,
        maxval: int,
        dtype: str = "int32",
        seed: object = None,
    ) -> tf.Tensor:
        """Whole numbers from `minval` to below `maxval`, where the first axis counts rows."""
        numbers = self.uniform(shape)
        return tf.cast(minval + tf.floor(numbers * float(maxval - minval)), dtype)

    def _width(self, shape: Sequence[int | tf.Tensor]) -> int:
        """Numbers a row."""
        # The number of rows is never known before a batch is there, see `augment.py`.
        if not shape or not tf.is_tensor(shape[0]):
            raise NotImplementedError(f"drawn once for all rows, not for each: shape {shape}")
        width = 1
        for size in shape[1:]:
            width *= int(size)
        return width

    def _fractions(self, width: int) -> tf.Tensor:
        """Numbers from 0 to below 1 (rows, width), multiples of 2**-24."""
        bits = tf.bitwise.right_shift(self._bits(width), tf.constant(8, tf.uint32))
        return tf.reshape(tf.cast(bits, tf.float32) * 2.0**-24, (-1, width))

    def _bits(self, width: int) -> tf.Tensor:
        """Random bits (rows * width,)."""
        keys = self.keys if width == 1 else tf.repeat(self.keys, width, axis=0)
        first = self.calls * MOST_HASHED
        numbers = tf.tile(tf.range(first, first + width, dtype=tf.int64), self.rows[None])
        self.calls += 1
        return _hashed(tf.concat([keys, numbers[:, None]], axis=1))[:, 0]

    def _wide(self, draw: Callable[[tuple[int], tf.Tensor], tf.Tensor], width: int) -> tf.Tensor:
        """Numbers (rows, width) by a generator for each row."""
        seeds = tf.bitcast(_hashed(self._call()), tf.int32)
        return tf.map_fn(lambda seed: draw((width,), seed), seeds, fn_output_signature=tf.float32)

    def _call(self) -> tf.Tensor:
        self.calls += 1
        number = tf.constant((self.calls - 1) * MOST_HASHED, tf.int64)
        return tf.concat([self.keys, tf.fill((self.rows, 1), number)], axis=1)


class RowBackend:
    """The backend of a layer with other random numbers.

    Args:
        backend: what Keras gave the layer.
    """

    def __init__(self, backend: Any):
        self._given = backend
        self.random: Any = backend.random

    def __getattr__(self, name: str) -> Any:
        return getattr(self._given, name)


class KeyedSeed(keras.random.SeedGenerator):
    """A generator of seeds that are a function of a key and of the number of seeds before.

    Args:
        key: integers (columns,).
    """

    def __init__(self, key: tf.Tensor):
        # Keras's own makes a variable, which a dataset's function cannot.
        self.key = tf.cast(key, tf.int64)
        self.calls = 0

    def next(self, ordered: bool = True) -> tf.Tensor:
        """The next seed (2,)."""
        numbers = tf.concat([self.key, tf.constant([self.calls], tf.int64)], axis=0)
        self.calls += 1
        return tf.bitcast(_hashed(numbers[None])[0], tf.int32)


def _hashed(keys: tf.Tensor) -> tf.Tensor:
    """FarmHash64 of each row of integers, as two times 32 bits (rows, 2)."""
    return tf.bitcast(tf.reshape(tf.fingerprint(keys), (-1, 2, 4)), tf.uint32)
