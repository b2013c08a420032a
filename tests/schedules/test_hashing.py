"""Noise is uniform, uncorrelated along the steps and between seeds, and the same anywhere."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.schedules import Noise
from keras_recipes.schedules.hashing import uniform

COUNT = 20_000
SEEDS = (0, 1, 2, 3, 7, 2**32, 2**32 + 1, 2**52)


def lowbias32(value):
    """The 32-bit mixing function, written out in unsigned arithmetic of NumPy."""
    value = np.uint32(value)
    with np.errstate(over="ignore"):
        value = (value ^ (value >> np.uint32(16))) * np.uint32(0x7FEB352D)
        value = (value ^ (value >> np.uint32(15))) * np.uint32(0x846CA68B)
    return value ^ (value >> np.uint32(16))


def oracle(step, seed):
    """u(t) for one step."""
    golden = 0x9E3779B9
    low, high = seed % 2**32, seed // 2**32

    def chained(*parts):
        state = 0
        for part in parts:
            state = int(lowbias32((state + part) % 2**32))
        return state

    first, second = chained(low + golden, high), chained(high + 2 * golden, low)
    value = int(lowbias32((step % 2**32) ^ first))
    return int(lowbias32(((value + second) % 2**32) ^ (step // 2**32))) / 2**32


@pytest.fixture(scope="module")
def streams():
    steps = tf.range(COUNT, dtype=tf.int64)
    return np.stack([np.asarray(uniform(steps, seed)) for seed in SEEDS])


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**32 + 5, 2**53])
def test_equals_the_hash_written_out(seed):
    for step in (0, 1, 2, 999, 2**31, 2**32 - 1, 2**32, 2**45 + 3, 2**62):
        here = tf.constant(step, tf.int64)
        expected = oracle(step, seed)
        assert float(uniform(here, seed)) == expected
        assert float(tf.function(uniform, jit_compile=True)(here, seed)) == expected


def test_uniform(streams):
    """Chi-square of 64 bins with 63 degrees of freedom: mean 63, deviation 11.2."""
    for stream in streams:
        counts, _ = np.histogram(stream, 64, (0, 1))
        chi_square = float(np.sum((counts - COUNT / 64) ** 2) / (COUNT / 64))
        assert 63 - 5 * 11.2 < chi_square < 63 + 5 * 11.2


def test_no_correlation_along_the_steps(streams):
    for stream in streams:
        centred = stream - stream.mean()
        for lag in (1, 2, 3, 8, 64, 100, 256, 1000, 1024, 7919):
            found = np.corrcoef(centred[:-lag], centred[lag:])[0, 1]
            assert abs(found) < 5 / np.sqrt(COUNT - lag), lag


def test_no_correlation_between_seeds_at_any_lag(streams):
    """By Fourier transforms: the largest of 2 * COUNT correlations stays below 6 deviations."""
    centred = streams - streams.mean(1, keepdims=True)
    spectra = np.fft.rfft(centred, 2 * COUNT)
    for one, other in itertools.combinations(range(len(SEEDS)), 2):
        products = np.fft.irfft(spectra[one] * np.conj(spectra[other]))
        assert np.abs(products).max() < 6 * np.sqrt(COUNT) / 12


def test_no_number_of_one_seed_is_followed_as_in_another(streams):
    """A shifted copy would share every pair of neighbours."""
    pairs = [set(itertools.pairwise(stream)) for stream in streams]
    for one, other in itertools.combinations(pairs, 2):
        assert not one & other


def test_noise_stays_within_its_scale():
    rates = np.asarray(Noise(1.0, scale=0.2, seed=4)(np.arange(COUNT)))
    assert rates.min() >= np.float32(0.8)
    assert rates.max() <= np.float32(1.2)
    assert rates.std() == pytest.approx(0.2 / np.sqrt(3), rel=0.02)
