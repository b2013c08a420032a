"""What a trained machine is for: hidden features, reconstructions, scores and samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from ..schedules.arguments import steps
from .rows import checked
from .sampling import Key
from .units import Bernoulli

if TYPE_CHECKING:
    from .machine import Machine

# Rows at a time, which bounds the memory that a matrix of any size takes.
CHUNK = 2000


class Uses:
    """Methods of a machine for data in NumPy, as a mix-in before `keras.Model`.

    Rows need not be those that the machine was trained on: a value outside of the range of its
    visible units counts as the nearest inside.
    """

    built: bool
    seed: int
    visible: Any
    hidden: Any
    units: int
    width: int
    machine: Callable[[], Machine]

    def transform(self, x: Any) -> np.ndarray:
        """E[h | v] of each row."""
        return self._by_chunks(self.machine().hidden_mean, self._rows(x))

    def inverse_transform(self, h: Any) -> np.ndarray:
        """E[v | h] of each row of hidden states."""
        made = np.asarray(h, "float32")
        if made.ndim != 2 or made.shape[1] != self.units:
            raise ValueError(
                f"Argument `h` must have {self.units} columns, one a hidden unit. "
                f"Received: shape {made.shape}"
            )
        return self._by_chunks(self.machine().visible_mean, made)

    def reconstruct(self, x: Any) -> np.ndarray:
        """E[v | E[h | row]] of each row."""
        return self.inverse_transform(self.transform(x))

    def free_energy(self, x: Any) -> np.ndarray:
        """F(v) of each row: -log p(v) - log Z."""
        return self._by_chunks(self.machine().free_energy, self._rows(x))

    @property
    def has_pseudo_likelihood(self) -> bool:
        """Whether the visible units are binary, which the pseudo-likelihood needs."""
        return isinstance(self.visible, Bernoulli)

    def score_samples(self, x: Any, *, seed: int = 0) -> np.ndarray:
        """Log pseudo-likelihood of each row, estimated from one unit drawn at random.

        V log sigmoid(F(row with v_i replaced by 1 - v_i) - F(row)), as scikit-learn has it; the
        mean over i is `pseudo_likelihood`.
        """
        rows = self._binary(x)
        chosen = np.random.default_rng([self.seed, seed]).integers(0, self.width, len(rows))
        flipped = rows.copy()
        index = np.arange(len(rows))
        flipped[index, chosen] = 1 - flipped[index, chosen]
        gap = self.free_energy(flipped) - self.free_energy(rows)
        return -self.width * np.logaddexp(0, -gap)

    def pseudo_likelihood(self, x: Any) -> np.ndarray:
        """Log pseudo-likelihood of each row, the exact sum over all units.

        sum_i log p(v_i | all other units)
        """
        rows = self._binary(x)
        machine = self.machine()
        per = max(1, CHUNK * 512 // (self.width * self.units))

        def exact(v: Any) -> Any:
            inputs = machine.hidden_input(v)
            change = (1 - 2 * v)[:, :, None] * machine.weights
            softplus = tf.math.softplus
            gain = (1 - 2 * v) * machine.visible_bias
            cumulant = machine.hidden.cumulant
            gain += tf.reduce_sum(
                cumulant(inputs[:, None] + change) - cumulant(inputs)[:, None], -1
            )
            return -tf.reduce_sum(softplus(gain), -1)

        return self._by_chunks(exact, rows, per)

    def sample(
        self,
        count: int = 1,
        *,
        sweeps: int = 1000,
        start: Any = None,
        clamped: Any = None,
        means: bool = False,
        seed: int = 0,
    ) -> np.ndarray:
        """Visible states after Gibbs sampling.

        Args:
            count: rows to draw, >= 1; with `start`, as many as it has.
            sweeps: Gibbs steps, >= 1.
            start: visible states to start from, or None for random hidden states.
            clamped: a boolean a visible unit: those that are true stay as in `start`.
            means: give E[v] of the last step instead of the draw.
            seed: of the draws.

        Raises:
            ValueError: a bad argument.
        """
        count, sweeps = steps("count", count), steps("sweeps", sweeps)
        key = Key(self.seed + 1, steps("seed", seed, ge=0))
        rows = None if start is None else tf.constant(self._rows(start, "start"))
        held = self._held_units(clamped, rows)
        if rows is None:
            h = tf.cast(key.uniform([count, self.units], 0) < 0.5, tf.float32)
        else:
            _, h = self.machine().hidden_draw(rows, key, 1)
        return _gibbs(self.machine(), h, rows, held, sweeps, key, means).numpy()

    def _held_units(self, clamped: Any, rows: Any) -> Any:
        if clamped is None:
            return None
        held = np.asarray(clamped)
        if rows is None or held.shape != (self.width,) or held.dtype != bool:
            raise ValueError(
                f"Argument `clamped` must be {self.width} booleans, beside a `start`. "
                f"Received: shape {held.shape}, dtype {held.dtype}, start "
                f"{'missing' if rows is None else 'given'}"
            )
        return tf.constant(held)

    def _rows(self, x: Any, what: str = "x") -> np.ndarray:
        if not self.built:
            raise ValueError("This machine has no weights yet: call `fit` or `build` first.")
        return checked(x, self.visible, self.width, what, held_out=True)

    def _binary(self, x: Any) -> np.ndarray:
        rows = self._rows(x)
        if not self.has_pseudo_likelihood:
            raise ValueError(
                "The pseudo-likelihood is of Bernoulli visible units. Received: "
                f"{type(self.visible).__name__} units"
            )
        return rows

    @staticmethod
    def _by_chunks(function: Callable[[Any], Any], rows: np.ndarray, size: int = CHUNK) -> Any:
        parts = [
            np.asarray(function(tf.constant(rows[begin : begin + size])))
            for begin in range(0, len(rows), size)
        ]
        return np.concatenate(parts)


def _gibbs(
    machine: Machine, h: Any, rows: Any, held: Any, sweeps: int, key: Key, means: bool
) -> Any:
    """v after so many sweeps from hidden states h, some units held at their values in `rows`."""

    def visible(h: Any, step: Any, mean: bool) -> Any:
        v = machine.visible_mean(h)
        if not mean:
            v = machine.visible.sample(v, machine.variance, key, 2 * step + 2)
        return v if held is None else tf.where(held, rows, v)

    def run(h: Any) -> Any:
        def sweep(step: Any, h: Any) -> Any:
            v = visible(h, step, False)
            return step + 1, machine.hidden_draw(v, key, 2 * step + 3)[1]

        last = tf.constant(sweeps - 1, tf.int64)
        _, h = tf.while_loop(lambda step, _: step < last, sweep, (tf.constant(0, tf.int64), h))
        return visible(h, last, means)

    # Traced here and not in a call, of which TensorFlow warns when it sees several.
    return tf.function(run, autograph=False).get_concrete_function(h)(h)
