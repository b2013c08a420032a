"""Several RBMs of the same units in a row, whose chains exchange states with their neighbours'."""

from __future__ import annotations

from dataclasses import dataclass, replace

import tensorflow as tf
from tensorflow import Tensor

from .distribution import Distribution
from .sampling import Key, Scalar, shape_of


@dataclass(frozen=True)
class Snapshots:
    """RBMs whose parameters are stacked, and operations on chains of them.

    States are of shape (snapshots, chains, visible units). Only the first `count` snapshots are
    there; what lies behind them is room.

    Attributes:
        template: units and settings that all have.
        weights, visible_bias, hidden_bias: parameters, the first axis that of the snapshot.
        count: how many there are.
    """

    template: Distribution
    weights: Tensor
    visible_bias: Tensor
    hidden_bias: Tensor
    count: Scalar

    def __getitem__(self, index: Scalar) -> Distribution:
        return replace(
            self.template,
            weights=self.weights[index],
            visible_bias=self.visible_bias[index],
            hidden_bias=self.hidden_bias[index],
        )

    def with_last(self, p: Distribution) -> Snapshots:
        """One snapshot more."""
        return Snapshots(
            self.template,
            put(self.weights, self.count, p.weights),
            put(self.visible_bias, self.count, p.visible_bias),
            put(self.hidden_bias, self.count, p.hidden_bias),
            self.count + 1,
        )

    def gibbs(self, v: Tensor, key: Key, purpose: int, stop: Scalar) -> Tensor:
        """States after a Gibbs step of each snapshot before `stop`."""

        def step(index: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
            p, number = self[index], purpose + 2 * tf.cast(index, tf.int64)
            _, h = p.sample_hidden(v[index], key, number)
            return index + 1, put(v, index, p.sample_visible(h, key, number + 1))

        return tf.while_loop(lambda index, _: index < stop, step, (tf.constant(0), v))[1]

    def energies(self, v: Tensor, partner: Tensor) -> tuple[Tensor, Tensor]:
        """F_t(v_t) and F_t(v_s), s the partner of t; both (snapshots, chains)."""
        chains = v.shape[1]

        def step(index: Tensor, own: Tensor, other: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            both = tf.concat([v[index], v[partner[index]]], 0)
            found = self[index].free_energy(both)
            return index + 1, put(own, index, found[:chains]), put(other, index, found[chains:])

        zeros = tf.zeros(v.shape[:2])
        start = (tf.constant(0), zeros, zeros)
        return tf.while_loop(lambda index, *_: index < self.count, step, start)[1:]

    def partners(self, number: Scalar) -> Tensor:
        """Of each snapshot the neighbour to swap with: (0, 1), (2, 3), ... at even sweeps.

        At odd ones (1, 2), (3, 4), ...; snapshots without a neighbour there are their own partner.
        """
        level = tf.range(self.weights.shape[0])
        parity = tf.cast(tf.math.floormod(number, 2), tf.int32)
        partner = tf.where((level + parity) % 2 == 0, level + 1, level - 1)
        return tf.where((partner < 0) | (partner >= self.count), level, partner)


def exchange(
    v: Tensor, own: Tensor, other: Tensor, partner: Tensor, key: Key, purpose: int
) -> tuple[Tensor, Tensor]:
    """States after the swaps, and the probability of each swap.

    min(1, exp(F_t(v_t) + F_s(v_s) - F_t(v_s) - F_s(v_t)))
    """
    level = tf.range(v.shape[0])
    gain = own - other
    probability = tf.exp(tf.minimum(gain + tf.gather(gain, partner), 0.0))
    # Both of a pair look at the same random number.
    uniform = tf.gather(key.fine_uniform(shape_of(own), purpose), tf.minimum(level, partner))
    swapped = (uniform < probability)[:, :, tf.newaxis]
    return tf.where(swapped, tf.gather(v, partner), v), probability


def put(stack: Tensor, index: Scalar, part: Tensor) -> Tensor:
    """A stack with one part replaced."""
    return tf.tensor_scatter_nd_update(stack, tf.reshape(index, [1, 1]), part[tf.newaxis])
