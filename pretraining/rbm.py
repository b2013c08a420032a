"""A restricted Boltzmann machine as a Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow import Tensor

from ..arguments import check_bool, check_choice, check_instance, check_number, optional
from ..optimizers import updating
from ..schedules.arguments import check_steps
from .distribution import Distribution, centred
from .estimators import DATA, DROPOUT, POSITIVE, ContrastiveDivergence, Estimator
from .hidden_units import HIDDEN, Hidden
from .inference import Inference
from .regularization import Initialization, Regularization
from .rows import Diagnostics, EpochBatches, as_rows
from .sampling import Key, shape_of
from .saving import GenerativeModel, StepMeans
from .units import VISIBLE, Visible, units_of

# Updates between two reconstructions, where an estimator of the gradient does not compute one.
RECONSTRUCT_EVERY = 16
# Updates an epoch from which on XLA compiles them by default. It took 0.8 to 0.9 s more to compile
# and saved 0.8 to 2 ms of processor time an update, from 200-100 to 784-500 units: with as many
# updates it has earned that after some five to ten epochs.
XLA_UPDATES = 100


@keras.saving.register_keras_serializable(package="keras_recipes")
class RBM(Inference, GenerativeModel):
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
        self.visible = units_of("visible", visible, VISIBLE, Visible)
        self.hidden = units_of("hidden", hidden, HIDDEN, Hidden)
        self.estimator = check_instance(
            "estimator", estimator or ContrastiveDivergence(), Estimator
        )
        self.regularization = check_instance(
            "regularization", regularization or Regularization(), Regularization
        )
        self.initialization = check_instance(
            "initialization", initialization or Initialization(), Initialization
        )
        self.centring = optional(check_number, "centring", centring, gt=0, le=1)
        self.matmul_precision = check_choice(
            "matmul_precision", matmul_precision, ("float32", "bfloat16")
        )
        self.seed = check_steps("seed", seed, ge=0)
        self.estimator.check(self.visible, self.hidden)
        self.step_means = StepMeans(("reconstruction_error", "hidden_activity"))
        self._batches: EpochBatches | None = None

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
        automatic = self._compile_arguments["jit_compile"] == "auto"
        # The compiled function holds the rows that it was traced with.
        self._batches = self.train_function = None
        first: list[keras.callbacks.Callback] = []
        if isinstance(x, tf.data.Dataset):
            rows, source = None, self._build_from_batches(x)
        else:
            rows = as_rows(x, self.visible, self.width if self.built else None)
            self._build_from_rows(rows)
            self._batches = EpochBatches(
                rows, size, seed=self.seed, shuffle=check_bool("shuffle", shuffle)
            )
            source = self._batches.steps()
            first.append(self._batches)
        if automatic:
            updates = 0 if rows is None else len(rows) // size
            by_xla = self.estimator.quick_by_xla and updates >= XLA_UPDATES
            self.jit_compile = by_xla and not self.run_eagerly
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
            self._batches = None

    def make_train_function(self, force: bool = False) -> None:
        """Compile one loop over several steps for rows in memory."""
        if self._batches is None or self.run_eagerly:
            super().make_train_function(force)
        elif self.train_function is None or force:
            self.train_function = self._batches.train_function(self, self._update)

    def train_step(self, data: Tensor) -> dict[str, Tensor]:
        """One update, compiled by Keras."""
        self._update(self._batch(data))
        return self.get_metrics_result()

    def _update(self, v: Tensor) -> None:
        """One step of the optimizer on -log p(v), whose gradient is estimated on a batch."""
        key = Key(
            self.seed,
            self.optimizer.iterations.value,
            algorithm="threefry" if self.jit_compile else "philox",
        )
        v = self.visible.training_values(v, key, DATA)
        p = self._drop_hidden_units(self.distribution(), v, key)
        state = {name: variable.value for name, variable in self.state.items()}

        h, h_sample = p.sample_hidden(v, key, POSITIVE)
        negative = self.estimator.negative_phase(p, h_sample, state, key)
        gradients = p.gradients(v, h, negative.v, negative.h)
        if self.centring is not None:
            _move_towards(self.visible_offset, p.coupled(v), self.centring)
            _move_towards(self.hidden_offset, h, self.centring)
            gradients = centred(gradients, self.visible_offset.value, self.hidden_offset.value)
        state = self.estimator.update_state(gradients, negative.state)
        gradients = self.regularization.add_gradients(gradients, p, v, self._mean_activity(h))

        with updating(self.optimizer):
            self.optimizer.apply(
                [gradients[name] for name in self.parameters], [*self.parameters.values()]
            )
        for name, value in state.items():
            self.state[name].assign(value)
        self._update_means(p, v, h, negative.reconstruction)

    def _drop_hidden_units(self, p: Distribution, v: Tensor, key: Key) -> Distribution:
        """p(v, h) without the hidden units that dropout removes, others in each row."""
        if not self.regularization.dropout:
            return p
        uniform = key.uniform([shape_of(v)[0], self.units], DROPOUT)
        return replace(p, mask=tf.cast(uniform >= self.regularization.dropout, tf.float32))

    def _mean_activity(self, h: Tensor) -> Tensor | None:
        """The moving average of E[h] that the sparsity penalty needs; None without a target."""
        if self.regularization.sparsity_target is None:
            return None
        activity = self.regularization.mean_activity(self.activity.value, h)
        self.activity.assign(activity)
        return activity

    def test_step(self, data: Tensor) -> dict[str, Tensor]:
        """Reconstruction error and hidden activity of a batch."""
        v, p = self._batch(data), self.distribution()
        h = p.hidden_mean(v)
        self._update_means(p, v, h, p.visible_mean(h))
        return self.get_metrics_result()

    def _update_means(
        self, p: Distribution, v: Tensor, h: Tensor, reconstruction: Tensor | None
    ) -> None:
        """Add a batch to the means of the epoch."""
        error, count = self._reconstruction_error(p, v, h, reconstruction)
        values = {"reconstruction_error": error, "hidden_activity": tf.reduce_mean(h)}
        self.step_means.update_state(values, [count, 1.0])

    def _reconstruction_error(
        self, p: Distribution, v: Tensor, h: Tensor, reconstruction: Tensor | None
    ) -> tuple[Tensor, Tensor | float]:
        """Mean of (v - E[v | h])^2, and 1, or 0 for an update in which it is not computed.

        Where the estimator gives no reconstruction, one is computed in the first update of an epoch
        and whenever the number of updates is a multiple of `RECONSTRUCT_EVERY`.
        """

        def error(means: Tensor) -> Tensor:
            return tf.reduce_mean(tf.math.squared_difference(v, means))

        if reconstruction is not None:
            return error(reconstruction), 1.0
        due = self.optimizer.iterations.value % RECONSTRUCT_EVERY == 0
        due |= self.step_means.sums.value[1, 0] == 0
        count = tf.cast(due, tf.float32)
        return tf.cond(due, lambda: error(p.visible_mean(h)), lambda: 0.0), count

    def _batch(self, data: Tensor | Sequence[Tensor]) -> Tensor:
        """The rows of a step: the data itself, or those of a step number."""
        data = data if isinstance(data, Tensor) else data[0]
        if data.shape.rank == 0 and self._batches is not None:
            return self._batches.batch(data, self._batches.batch_size)
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


def _move_towards(offset: keras.Variable, values: Tensor, rate: float) -> None:
    """offset <- offset + rate (mean of values - offset)."""
    offset.assign_add(rate * (tf.reduce_mean(values, 0) - offset))
