"""What a trained RBM computes for rows of NumPy: means, energies, likelihoods and samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow import Tensor

from ..schedules.arguments import check_steps
from .distribution import Distribution
from .estimators import gibbs
from .rows import as_rows
from .sampling import Key, Scalar
from .units import Bernoulli, Visible

# Rows at a time, which bounds the memory that a matrix of any size takes.
CHUNK = 2000


class Inference:
    """The methods of an `RBM` that take and return NumPy arrays.

    They clip values that lie outside the range of the visible units.
    """

    units: int
    visible: Visible
    seed: int

    @property
    def width(self) -> int:
        """Number of visible units."""
        raise NotImplementedError

    def distribution(self) -> Distribution:
        """p(v, h) with the current parameters."""
        raise NotImplementedError

    def transform(self, x: ArrayLike) -> np.ndarray:
        """E[h | v] of each row."""
        return _by_chunks(self.distribution().hidden_mean, self._rows(x))

    def inverse_transform(self, h: ArrayLike) -> np.ndarray:
        """E[v | h] of each row of hidden states."""
        states = np.asarray(h, "float32")
        if states.ndim != 2 or states.shape[1] != self.units:
            raise ValueError(
                f"Argument `h` must have {self.units} columns, one for each hidden unit. "
                f"Received: shape {states.shape}"
            )
        return _by_chunks(self.distribution().visible_mean, states)

    def reconstruct(self, x: ArrayLike) -> np.ndarray:
        """E[v | E[h | row]] of each row."""
        return self.inverse_transform(self.transform(x))

    def free_energy(self, x: ArrayLike) -> np.ndarray:
        """F(v) of each row: -log p(v) - log Z."""
        return _by_chunks(self.distribution().free_energy, self._rows(x))

    @property
    def has_pseudo_likelihood(self) -> bool:
        """Whether the visible units are binary, which the pseudo-likelihood needs."""
        return isinstance(self.visible, Bernoulli)

    def score_samples(self, x: ArrayLike, *, seed: int = 0) -> np.ndarray:
        """Log pseudo-likelihood of each row, estimated from one unit drawn at random.

        V log sigmoid(F(row with v_i replaced by 1 - v_i) - F(row)), as in scikit-learn; the mean
        over i is `pseudo_likelihood`.
        """
        rows = self._binary_rows(x)
        chosen = np.random.default_rng([self.seed, seed]).integers(0, self.width, len(rows))
        flipped = rows.copy()
        index = np.arange(len(rows))
        flipped[index, chosen] = 1 - flipped[index, chosen]
        gap = self.free_energy(flipped) - self.free_energy(rows)
        return -self.width * np.logaddexp(0, -gap)

    def pseudo_likelihood(self, x: ArrayLike) -> np.ndarray:
        """Log pseudo-likelihood of each row, the exact sum over all units.

        sum_i log p(v_i | all other units)
        """
        rows, p = self._binary_rows(x), self.distribution()

        def exact(v: Tensor) -> Tensor:
            inputs, flip = p.hidden_input(v), 1 - 2 * v
            flipped = p.hidden.cumulant(inputs[:, None] + flip[:, :, None] * p.weights)
            gain = flip * p.visible_bias
            gain += tf.reduce_sum(flipped - p.hidden.cumulant(inputs)[:, None], -1)
            return -tf.reduce_sum(tf.math.softplus(gain), -1)

        return _by_chunks(exact, rows, max(1, CHUNK * 512 // (self.width * self.units)))

    def sample(
        self,
        count: int = 1,
        *,
        sweeps: int = 1000,
        start: ArrayLike | None = None,
        clamped: ArrayLike | None = None,
        means: bool = False,
        seed: int = 0,
    ) -> np.ndarray:
        """Visible states after Gibbs sampling.

        Args:
            count: rows to draw, >= 1; with `start`, as many as it has.
            sweeps: Gibbs steps, >= 1.
            start: visible states to start from, or None for random hidden states.
            clamped: a boolean for each visible unit: those that are true stay as in `start`.
            means: give E[v] of the last step instead of the draw.
            seed: of the draws.

        Raises:
            ValueError: a bad argument.
        """
        count, sweeps = check_steps("count", count), check_steps("sweeps", sweeps)
        key, p = Key(self.seed + 1, check_steps("seed", seed, ge=0)), self.distribution()
        rows = None if start is None else tf.constant(self._rows(start, "start"))
        held = None if clamped is None else self._clamped_units(clamped, rows)
        if rows is None:
            h = tf.cast(key.uniform([count, self.units], 0) < 0.5, tf.float32)
        else:
            _, h = p.sample_hidden(rows, key, 1)

        def visible(h: Tensor, step: Scalar, *, mean: bool = False) -> Tensor:
            v = p.visible_mean(h)
            if not mean:
                purpose = 2 * tf.cast(step, tf.int64) + 2
                v = p.visible.sample(v, p.variance, key, purpose)
            return v if held is None else tf.where(held, rows, v)

        def run(h: Tensor) -> Tensor:
            last = tf.constant(sweeps - 1)
            return visible(gibbs(p, h, last, visible, key, 2), last, mean=means)

        # Traced here and not in a call, of which TensorFlow warns when it sees several.
        return tf.function(run, autograph=False).get_concrete_function(h)(h).numpy()

    def _clamped_units(self, clamped: ArrayLike, rows: Tensor | None) -> Tensor:
        held = np.asarray(clamped)
        if rows is None or held.shape != (self.width,) or held.dtype != bool:
            raise ValueError(
                f"Argument `clamped` must be {self.width} booleans, beside a `start`. "
                f"Received: shape {held.shape}, dtype {held.dtype}, start "
                f"{'missing' if rows is None else 'given'}"
            )
        return tf.constant(held)

    def _rows(self, x: ArrayLike, name: str = "x") -> np.ndarray:
        self.distribution()
        return as_rows(x, self.visible, self.width, name, held_out=True)

    def _binary_rows(self, x: ArrayLike) -> np.ndarray:
        rows = self._rows(x)
        if not self.has_pseudo_likelihood:
            raise ValueError(
                "The pseudo-likelihood is of Bernoulli visible units. Received: "
                f"{type(self.visible).__name__} units"
            )
        return rows


def _by_chunks(
    function: Callable[[Tensor], Tensor], rows: np.ndarray, size: int = CHUNK
) -> np.ndarray:
    parts = (rows[begin : begin + size] for begin in range(0, len(rows), size))
    return np.concatenate([np.asarray(function(tf.constant(part))) for part in parts])
