"""Random numbers as a pure function of a seed, a step and a purpose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import tensorflow as tf

# Seeds of one step are `ROOM` apart, so many draws of one step never meet those of another seed.
ROOM = 2**16


@dataclass(frozen=True)
class Key:
    """Where the random numbers of one step come from.

    Nothing is remembered between steps: the same seed, step and purpose give the same numbers in
    every process, so a run that was interrupted goes on with the numbers it would have had.

    Args:
        seed: whole number that belongs to the machine.
        step: a scalar, of whatever counts: optimizer updates, temperatures, sweeps.
        algorithm: `philox`; or `threefry`, which is the faster one inside XLA, and exists only
            there.

    >>> key = Key(1, 5)
    >>> bool(tf.reduce_all(key.uniform((2, 3)) == Key(1, 5).uniform((2, 3))))
    True
    """

    seed: int
    step: Any
    algorithm: Literal["philox", "threefry"] = "philox"

    def pair(self, purpose: Any) -> tf.Tensor:
        """Two int64 numbers that no other seed, step or purpose has."""
        purpose = tf.cast(purpose, tf.int64)
        return tf.stack([tf.cast(self.step, tf.int64), self.seed * ROOM + purpose])

    def uniform(self, shape: Any, purpose: Any = 0) -> tf.Tensor:
        """Uniform on (0, 1), with steps of 2^-16: (r + 1/2) / 2^16 with r a 16-bit whole number.

        Two numbers are cut from each 32 random bits, which halves the cost of a training step's
        noise; a probability compared with them is off by at most 2^-17.
        """
        size = _size(shape)
        bits = tf.random.stateless_uniform(
            [(size + 1) // 2],
            self.pair(purpose),
            minval=None,  # type: ignore[arg-type]
            maxval=None,
            dtype=tf.int32,
            alg=self.algorithm,
        )
        halves = tf.reshape(tf.bitcast(bits, tf.uint16), [-1])
        if not (isinstance(size, int) and size % 2 == 0):
            halves = halves[:size]
        return tf.reshape(tf.cast(halves, tf.float32) * 2.0**-16 + 2.0**-17, shape)

    def fine_uniform(self, shape: Any, purpose: Any = 0) -> tf.Tensor:
        """Uniform on [0, 1) with all bits of a float32, where rare events count."""
        return tf.random.stateless_uniform(shape, self.pair(purpose), alg=self.algorithm)

    def normal(self, shape: Any, purpose: Any = 0) -> tf.Tensor:
        """Standard normal."""
        return tf.random.stateless_normal(shape, self.pair(purpose), alg=self.algorithm)


def shape_of(tensor: Any) -> Any:
    """The shape as numbers where they are known while a graph is made, else as a tensor."""
    return tensor.shape.as_list() if tensor.shape.is_fully_defined() else tf.shape(tensor)


def _size(shape: Any) -> Any:
    if isinstance(shape, (list, tuple)) and all(isinstance(length, int) for length in shape):
        return math.prod(shape)
    return tf.reduce_prod(shape)
