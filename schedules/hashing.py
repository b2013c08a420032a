"""Uniform numbers as a pure function of a seed and a step, the same on every platform."""

from __future__ import annotations

from .tensors import Tensor, ops

MASK = 2**32 - 1
# Shifts and multipliers of a 32-bit mixing function in which every input bit changes every output
# bit with a probability close to 1/2 (Wellons 2018, "lowbias32").
ROUNDS = ((16, 0x7FEB352D), (15, 0x846CA68B))
LAST_SHIFT = 16
# 2^32 divided by the golden ratio: keeps the seed 0 from being the fixed point 0 of the mixing.
GOLDEN = 0x9E3779B9


def uniform(step: Tensor, seed: int) -> Tensor:
    """A number in [0, 1) for each step, float64, with 32 random bits.

    The low and the high half of the step are mixed in one after the other, each with a key that
    the seed gives. With two keys, the numbers of one seed are no shifted or permuted copy of those
    of another.

    Args:
        step: int64 tensor, >= 0.
        seed: whole number, >= 0 and below 2^64.
    """
    first, second = keys(seed)
    low, high = _and(step), ops.right_shift(step, _int64(32))
    value = mix(ops.bitwise_xor(low, _int64(first)))
    value = mix(ops.bitwise_xor(_and(value + second), high))
    return ops.cast(value, "float64") / float(2**32)


def mix(value: Tensor) -> Tensor:
    """The mixing function of an int64 tensor of numbers below 2^32."""
    for shift, multiplier in ROUNDS:
        value = ops.bitwise_xor(value, ops.right_shift(value, _int64(shift)))
        # Modulo 2^32 a multiplier above 2^31 equals a negative one, whose products stay above
        # -2^63: 64-bit integers never overflow.
        value = _and(value * (multiplier if multiplier < 2**31 else multiplier - 2**32))
    return ops.bitwise_xor(value, ops.right_shift(value, _int64(LAST_SHIFT)))


def keys(seed: int) -> tuple[int, int]:
    """Two 32-bit keys of a seed, each from both of its halves."""
    low, high = seed & MASK, seed >> 32 & MASK
    first = _mixed(_mixed(low + GOLDEN & MASK) + high & MASK)
    return first, _mixed(_mixed(high + 2 * GOLDEN & MASK) + low & MASK)


def _mixed(value: int) -> int:
    """The mixing function of a Python integer below 2^32."""
    for shift, multiplier in ROUNDS:
        value = (value ^ value >> shift) * multiplier & MASK
    return value ^ value >> LAST_SHIFT


def _and(value: Tensor) -> Tensor:
    """The low 32 bits."""
    return ops.bitwise_and(value, _int64(MASK))


def _int64(value: int) -> Tensor:
    # Keras would make a 32-bit tensor of a Python integer.
    return ops.convert_to_tensor(value, "int64")
