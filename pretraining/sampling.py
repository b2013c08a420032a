"""Random numbers as a pure function of a seed, a step and a purpose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import tensorflow as tf
from tensorflow import Tensor

# Seeds of one step are `ROOM` apart, so that draws of one step never meet those of another seed.
ROOM = 2**16

Scalar: TypeAlias = "int | Tensor"
# TensorFlow takes scalar tensors among the numbers of a shape; its type stubs do not.
Shape: TypeAlias = "Sequence[int | Tensor] | Tensor"


@dataclass(frozen=True)
class Key:
    """Where the random numbers of one step come from, like a key of JAX.

    There is no state: the same seed, step and purpose give the same numbers in every process, so
    a resumed run draws the numbers that the interrupted one would have drawn.

    Args:
        seed: of the model, >= 0.
        step: a scalar count: of optimizer updates, temperatures or Gibbs steps.
        algorithm: `philox`; or `threefry`, which exists only inside XLA, and there keys a hash
            that makes `uniform` several times as fast.

    >>> key = Key(1, 5)
    >>> bool(tf.reduce_all(key.uniform((2, 3)) == Key(1, 5).uniform((2, 3))))
    True
    """

    seed: int
    step: Scalar
    algorithm: Literal["philox", "threefry"] = "philox"

    def pair(self, purpose: Scalar) -> Tensor:
        """Two int64 numbers that no other seed, step or purpose has."""
        purpose = tf.cast(purpose, tf.int64)
        return tf.stack([tf.cast(self.step, tf.int64), self.seed * ROOM + purpose])

    def uniform(self, shape: Shape, purpose: Scalar = 0) -> Tensor:
        """Uniform on (0, 1): (r + f) / 2^16 with 16 random bits r for each number.

        Two r are cut from each 32 random bits, which halves the cost of a training step's noise.
        The fraction f, of 24 bits, is drawn once for each row, that is for all but the last axis:
        so every single number has 40 bits, and a unit that is on once in a million rows is drawn
        that often. Two numbers of a row are independent but for probabilities below 2^-32.
        """
        size, rows = _size(shape), _size(shape[:-1])
        words = (size + 1) // 2
        bits = self._bits(words + rows, purpose)
        halves = tf.reshape(tf.bitcast(bits[:words], tf.uint16), [-1])
        if not (isinstance(size, int) and size % 2 == 0):
            halves = halves[:size]
        last = tf.cast(tf.bitwise.bitwise_and(bits[words:], 2**24 - 1), tf.float32)
        # One fraction a row, whatever the rank: half a step above 0.
        fractions = tf.reshape(last * 2.0**-24 + 2.0**-25, [-1, 1])
        together = tf.cast(tf.reshape(halves, [rows, -1]), tf.float32) + fractions
        # The largest float32 below 1, to which a sum near 2^16 may be rounded up.
        return tf.reshape(tf.minimum(together * 2.0**-16, 1 - 2.0**-24), shape)

    def _bits(self, count: Scalar, purpose: Scalar) -> Tensor:
        """Random words of 32 bits (count,), int32."""
        if self.algorithm == "philox":
            return self._words(count, purpose)
        # Twenty rounds for each word make an epoch of CD-25 a fifth longer, with 784-500 units.
        return _hashed(self._words(2, purpose), count)

    def _words(self, count: Scalar, purpose: Scalar) -> Tensor:
        """The generator's own words."""
        return tf.random.stateless_uniform(
            cast("Sequence[int]", [count]),
            self.pair(purpose),
            minval=None,  # type: ignore[arg-type]
            maxval=None,
            dtype=tf.int32,
            alg=self.algorithm,
        )

    def fine_uniform(self, shape: Shape, purpose: Scalar = 0) -> Tensor:
        """Uniform on [0, 1) with all bits of a float32, where rare events count."""
        sizes = cast("Sequence[int]", shape)
        return tf.random.stateless_uniform(sizes, self.pair(purpose), alg=self.algorithm)

    def normal(self, shape: Shape, purpose: Scalar = 0) -> Tensor:
        """Standard normal."""
        sizes = cast("Sequence[int]", shape)
        return tf.random.stateless_normal(sizes, self.pair(purpose), alg=self.algorithm)

    def bernoulli(self, probabilities: Tensor, purpose: Scalar = 0) -> Tensor:
        """0 or 1, as floats."""
        uniform = self.uniform(shape_of(probabilities), purpose)
        return tf.cast(uniform < probabilities, probabilities.dtype)


def _hashed(key: Tensor, count: Scalar) -> Tensor:
    """Hashes of 0, 1, ... under a key of two words (count,), int32.

    Both halves of the key enter between two mixings of all bits: multiplications and shifts whose
    constants come close to changing every bit with probability 1/2 (Wellons, "Prospecting for hash
    functions", 2018).
    """
    first, second = tf.unstack(tf.bitcast(key, tf.uint32))
    words = tf.bitcast(tf.range(tf.cast(count, tf.int32)), tf.uint32) + first
    words = _mixed(words, (17, 11, 15, 14), (0xED5AD4BB, 0xAC4C1B51, 0x31848BAB))
    words = tf.bitwise.bitwise_xor(words, second)
    return tf.bitcast(_mixed(words, (16, 15, 16), (0x7FEB352D, 0x846CA68B)), tf.int32)


def _mixed(words: Tensor, shifts: Sequence[int], factors: Sequence[int]) -> Tensor:
    """A bijection of 32 bits: x <- (x ^ x >> shift) factor in turn, the last without a factor."""
    for shift, factor in zip(shifts, (*factors, 1), strict=True):
        shifted = tf.bitwise.right_shift(words, tf.constant(shift, tf.uint32))
        words = tf.bitwise.bitwise_xor(words, shifted) * tf.constant(factor, tf.uint32)
    return words


def shape_of(tensor: Tensor) -> Shape:
    """The shape as numbers if they are known while a graph is made, else as a tensor."""
    if tensor.shape.is_fully_defined():
        return cast("Sequence[int]", tensor.shape.as_list())
    return tf.shape(tensor)


def _size(shape: Shape) -> Scalar:
    if isinstance(shape, (list, tuple)) and all(isinstance(length, int) for length in shape):
        return math.prod(shape)
    return tf.reduce_prod(shape)
