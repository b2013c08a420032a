"""A restricted Boltzmann machine as a Keras model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow import Tensor

from ..arguments import check_bool, check_choice, check_number
from ..schedules.arguments import check_steps
from .hidden_units import HIDDEN, Hidden
from .likelihood import (
    DROPOUT,
    POSITIVE,
    ContrastiveDivergence,
    Distribution,
    Estimator,
    Gradients,
    centred,
    gibbs,
)
from .regularization import Initialization, Regularization
from .rows import Diagnostics, EpochOrder, as_rows
from .sampling import Key, Scalar, shape_of
from .saving import GenerativeModel, StepMeans
from .units import VISIBLE, Bernoulli, Visible

# Where the reconstruction is no by-product of the gradient, one update in so many computes it.
RECONSTRUCT_EVERY = 16
# Rows at a time, which bounds the memory that a matrix of any size takes.
CHUNK = 2000
T = TypeVar("T")


@keras.saving.register_keras_serializable(package="keras_recipes")
class RBM(GenerativeModel):
    """Restricted Boltzmann machine: visible units v, hidden units h, and weights between them.

    p(v, h) = exp(-E(v, h)) / Z,  E(v, h) = -a'v - b'h - v'W h  (Bernoulli units)

    It trains on `-log p(v)` by an estimate of its gradient, and reports `reconstruction_error`
    (mean over units of the squared difference of data and reconstruction) and `hidden_activity`
    (mean of E[h | data]); see `Diagnostics` for what an epoch adds. As a function it gives
    E[h | v]. Methods for NumPy data clip values outside the range of the visible units.

    Args:
        units: hidden units, >= 1.
        visible: `bernoulli`, `gaussian`, or a `Visible` such as `Gaussian(learned=True)`.
        hidden: `bernoulli`, `rectified`, `gaussian`, or a `Hidden`.
        estimator: of the gradient; None for `ContrastiveDivergence(1)`.
        regularization: penalties and dropout; None for none.
        initialization: of weights and biases; None for `Initialization(0.01)`.
        centring: rate at which the offsets of v and h follow the data, in (0, 1], or None for no
            centring.
        matmul_precision: `float32`, or `bfloat16` for matrix products with operands of 8 bits
            precision, which some processors compute faster; weights and sums stay float32.
        seed: of initial weights, order of rows, and sampling.
        name: of the model.

    Attributes:
        kernel, visible_bias, hidden_bias: W, a and b.
        log_variance: log sigma^2, if it is learned.
        state: variables of the estimator, by name.

    Raises:
        ValueError: a bad argument.

    >>> rows = (np.arange(32).reshape(8, 4) % 3 == 0).astype("float32")
    >>> rbm = RBM(3, seed=1)
    >>> rbm.compile(keras.optimizers.SGD(0.1))
    >>> history = rbm.fit(rows, batch_size=4, epochs=2, verbose=0)
    >>> rbm.transform(rows).shape
    (8, 3)
    """

    def __init__(
        self,
        units: int,
        *,
        visible: str | Visible = "bernoulli",
        hidden: str | Hidden = "bernoulli",
        estimator: Estimator | None = None,
        regularization: Regularization | None = None,
        initialization: Initialization | None = None,
        centring: float | None = None,
        matmul_precision: Literal["float32", "bfloat16"] = "float32",
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.units = check_steps("units", units)
        self.visible = _named("visible", visible, VISIBLE, Visible)
        self.hidden = _named("hidden", hidden, HIDDEN, Hidden)
        self.estimator = _checked("estimator", estimator or ContrastiveDivergence(), Estimator)
        self.regularization = _checked(
            "regularization", regularization or Regularization(), Regularization
        )
        self.initialization = _checked(
            "initialization", initialization or Initialization(), Initialization
        )
        self.centring = None if centring is None else check_number("centring", centring, gt=0, le=1)
        self.matmul_precision = check_choice(
            "matmul_precision", matmul_precision, ("float32", "bfloat16")
        )
        self.seed = check_steps("seed", seed, ge=0)
        self.estimator.check(self.visible, self.hidden)
        self.step_means = StepMeans(("reconstruction_error", "hidden_activity"))
        self._order: EpochOrder | None = None

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Create the variables for visible units as wide as the last axis."""
        width = input_shape[-1]
        if width is None:
            raise ValueError(f"RBM needs a known width. Received: input_shape={input_shape}")
        self.visible.check_width(width)
        normal = keras.initializers.RandomNormal(stddev=self.initialization.stddev, seed=self.seed)
        self.kernel = self.add_weight((width, self.units), normal, name="kernel")
        self.visible_bias = self.add_weight((width,), "zeros", name="visible_bias")
        self.hidden_bias = self.add_weight((self.units,), "zeros", name="hidden_bias")
        self.parameters = {
            "weights": self.kernel,
            "visible_bias": self.visible_bias,
            "hidden_bias": self.hidden_bias,
        }
        variance = self.visible.start_variance(width)
        self._variance = tf.constant(variance)
        if self.visible.learned_variance:
            self.log_variance = self.add_weight((width,), "zeros", name="log_variance")
            self.log_variance.assign(np.log(variance))
            self.parameters["log_variance"] = self.log_variance
        shapes = self.estimator.state_shapes(width, self.units)
        self.state = {name: self._add_state(name, shape) for name, shape in shapes.items()}
        target = self.regularization.sparsity_target
        if target is not None:
            self.activity = self._add_state("activity", (self.units,))
            self.activity.assign(tf.fill([self.units], target))
        if self.centring is not None:
            self.visible_offset = self._add_state("visible_offset", (width,))
            self.hidden_offset = self._add_state("hidden_offset", (self.units,))
        self.built = True

    def distribution(self) -> Distribution:
        """p(v, h) with the current parameters.

        Raises:
            ValueError: there are no weights yet.
        """
        if not self.built:
            raise ValueError("This RBM has no weights yet: call `fit` or `build` first.")
        learned = self.visible.learned_variance
        return Distribution(
            visible=self.visible,
            hidden=self.hidden,
            weights=tf.convert_to_tensor(self.kernel.value),
            visible_bias=tf.convert_to_tensor(self.visible_bias.value),
            hidden_bias=tf.convert_to_tensor(self.hidden_bias.value),
            variance=tf.exp(self.log_variance.value) if learned else self._variance,
            matmul_dtype=self.matmul_precision,
        )

    @property
    def width(self) -> int:
        """Number of visible units."""
        return int(self.kernel.shape[0])

    def call(self, inputs: Tensor) -> Tensor:
        """E[h | v]."""
        return self.distribution().hidden_mean(tf.cast(inputs, tf.float32))

    def fit(  # type: ignore[override]
        self,
        x: ArrayLike | tf.data.Dataset,
        *,
        batch_size: int = 100,
        epochs: int = 1,
        validation_data: ArrayLike | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        verbose: str | int = "auto",
        shuffle: bool = True,
        initial_epoch: int = 0,
        diagnostics: int = 1000,
    ) -> keras.callbacks.History:
        """Train on rows.

        Args:
            x: a matrix of rows by visible units, or a `tf.data.Dataset` of batches of rows.
            batch_size: rows an update; for a matrix.
            epochs, callbacks, verbose, initial_epoch: as in `keras.Model.fit`.
            validation_data: a matrix of validation rows, or None.
            shuffle: another order of the rows every epoch; for a matrix.
            diagnostics: rows that `Diagnostics` uses after each epoch; 0 for none.

        Returns:
            The history.

        Raises:
            ValueError: rows that the visible units cannot have, or of another width.
        """
        if not self.compiled:
            raise ValueError("Compile the RBM before training: `rbm.compile(optimizer)`.")
        size = check_steps("batch_size", batch_size)
        limit = check_steps("diagnostics", diagnostics, ge=0)
        # The compiled function holds the rows that it was traced with.
        self._order = self.train_function = None
        first: list[keras.callbacks.Callback] = []
        if isinstance(x, tf.data.Dataset):
            rows, source = None, self._build_from_batches(x)
        else:
            rows = as_rows(x, self.visible, self.width if self.built else None)
            self._build_from_rows(rows)
            self._order = EpochOrder(
                rows, size, seed=self.seed, shuffle=check_bool("shuffle", shuffle)
            )
            source = self._order.steps()
            first.append(self._order)
        if validation_data is not None:
            validation_data = as_rows(
                validation_data, self.visible, self.width, "validation_data", held_out=True
            )
        if limit and rows is not None:
            first.append(Diagnostics(rows, validation_data, limit=limit))
        try:
            return super().fit(
                source,
                epochs=epochs,
                validation_data=validation_data,
                validation_batch_size=size,
                callbacks=[*first, *callbacks],
                verbose=verbose,
                shuffle=False,
                initial_epoch=initial_epoch,
            )
        finally:
            self._order = None

    def make_train_function(self, force: bool = False) -> None:
        """Compile one loop over several steps for rows in memory.

        Keras's own takes each step's data from an iterator, which XLA cannot: it would compile
        the single step, and not the loop around it.
        """
        if self.train_function is not None and not force:
            return
        order = self._order
        if order is None or self.run_eagerly:
            super().make_train_function(force)
            return

        def body(step: Tensor, size: int) -> list[Tensor]:
            self._update(order.batch(step, size))
            return [step + 1]

        def several(begin: Tensor, count: Tensor, size: int) -> None:
            tf.while_loop(lambda step: step < begin + count, lambda step: body(step, size), [begin])

        compiled = tf.function(several, jit_compile=self.jit_compile, autograph=False)

        def function(iterator: Iterator) -> dict[str, Tensor]:
            for begin, count, size in order.next_steps(self.steps_per_execution):
                compiled(tf.constant(begin), tf.constant(count), size)
            return self.get_metrics_result()

        self.train_function = function

    def train_step(self, data: Tensor) -> dict[str, Tensor]:
        """One update, compiled by Keras."""
        self._update(self._batch(data))
        return self.get_metrics_result()

    def _update(self, v: Tensor) -> None:
        """One update of all parameters by a batch."""
        algorithm = "threefry" if self.jit_compile else "philox"
        key = Key(self.seed, self.optimizer.iterations.value, algorithm)
        p = self._drop_hidden_units(self.distribution(), v, key)
        h, sample = p.sample_hidden(v, key, POSITIVE)
        state = {name: variable.value for name, variable in self.state.items()}
        negative = self.estimator.negative_phase(p, sample, state, key)
        gradients = p.gradients(v, h, negative.v, negative.h)
        if self.centring is not None:
            gradients = self._centre(gradients, p.coupled(v), h, self.centring)
        state = self.estimator.update_state(gradients, negative.state)
        gradients = self._regularize(gradients, p, v, h)
        self.optimizer.apply(
            [gradients[name] for name in self.parameters], list(self.parameters.values())
        )
        for name, value in state.items():
            self.state[name].assign(value)
        self._update_means(p, v, h, negative.reconstruction)

    def _drop_hidden_units(self, p: Distribution, v: Tensor, key: Key) -> Distribution:
        rate = self.regularization.dropout
        if not rate:
            return p
        uniform = key.uniform([shape_of(v)[0], self.units], DROPOUT)
        return replace(p, mask=tf.cast(uniform >= rate, tf.float32))

    def _centre(self, gradients: Gradients, v: Tensor, h: Tensor, rate: float) -> Gradients:
        """The centred gradients, by offsets that follow the data."""
        for offset, values in ((self.visible_offset, v), (self.hidden_offset, h)):
            offset.assign_add(rate * (tf.reduce_mean(values, 0) - offset))
        return centred(gradients, self.visible_offset.value, self.hidden_offset.value)

    def _regularize(self, gradients: Gradients, p: Distribution, v: Tensor, h: Tensor) -> Gradients:
        activity = None
        if self.regularization.sparsity_target is not None:
            activity = self.regularization.mean_activity(self.activity.value, h)
            self.activity.assign(activity)
        return self.regularization.add_gradients(gradients, p, v, activity)

    def test_step(self, data: Tensor) -> dict[str, Tensor]:
        """Reconstruction error and hidden activity of a batch."""
        v, p = self._batch(data), self.distribution()
        h = p.hidden_mean(v)
        self._update_means(p, v, h, p.visible_mean(h))
        return self.get_metrics_result()

    def _update_means(
        self, p: Distribution, v: Tensor, h: Tensor, reconstruction: Tensor | None
    ) -> None:
        def error(reconstruction: Tensor) -> Tensor:
            return tf.reduce_mean(tf.math.squared_difference(v, reconstruction))

        count: Tensor | float = 1.0
        if reconstruction is not None:
            found = error(reconstruction)
        else:
            due = self.optimizer.iterations.value % RECONSTRUCT_EVERY == 0
            due |= self.step_means.sums.value[1, 0] == 0
            count = tf.cast(due, tf.float32)
            found = tf.cond(due, lambda: error(p.visible_mean(h)), lambda: 0.0)
        values = {"reconstruction_error": found, "hidden_activity": tf.reduce_mean(h)}
        self.step_means.update_state(values, [count, 1.0])

    def _batch(self, data: Tensor | Sequence[Tensor]) -> Tensor:
        """The rows of a step: the data itself, or those of a step number."""
        data = data if isinstance(data, Tensor) else data[0]
        if data.shape.rank == 0 and self._order is not None:
            return self._order.batch(data, self._order.batch_size)
        return tf.cast(data, tf.float32)

    def _add_state(self, name: str, shape: tuple[int, ...]) -> keras.Variable:
        return self.add_weight(shape, "zeros", trainable=False, name=name)

    def _build_from_rows(self, rows: np.ndarray) -> None:
        """Build, with the biases and offsets that follow from the data."""
        if self.built:
            return
        self.build(rows.shape)
        mean = rows.mean(0)
        if self.initialization.data_bias:
            self.visible_bias.assign(self.visible.data_bias(mean))
        if self.centring is not None:
            p = self.distribution()
            self.visible_offset.assign(p.coupled(tf.constant(mean)))
            self.hidden_offset.assign(p.hidden_mean(tf.constant(mean[None]))[0])

    def _build_from_batches(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        spec = batches.element_spec
        if not isinstance(spec, tf.TensorSpec) or spec.shape.rank != 2:
            raise ValueError(f"A data set must give matrices of rows. Received: {spec}")
        if not self.built:
            self.build(spec.shape.as_list())
        return batches

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


def _named(name: str, value: str | T, table: Mapping[str, type[T]], base: type[T]) -> T:
    """Units from their name, or as they are."""
    if not isinstance(value, str):
        return _checked(name, value, base)
    cls = table[check_choice(name, value, list(table))]
    try:
        return cls()
    except TypeError:
        raise ValueError(
            f"Argument `{name}` needs arguments for {value!r}; give a {cls.__name__}."
        ) from None


def _checked(name: str, value: T, base: type[T]) -> T:
    if not isinstance(value, base):
        raise ValueError(
            f"Argument `{name}` must be a `{base.__name__}`. Received: {name}={value!r}"
        )
    return value


def _by_chunks(
    function: Callable[[Tensor], Tensor], rows: np.ndarray, size: int = CHUNK
) -> np.ndarray:
    parts = (rows[begin : begin + size] for begin in range(0, len(rows), size))
    return np.concatenate([np.asarray(function(tf.constant(part))) for part in parts])
