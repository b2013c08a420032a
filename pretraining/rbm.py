"""A restricted Boltzmann machine as a Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from ..schedules.arguments import flag, number, one_of, steps
from . import gradients as gradient_of
from .choices import instance, made
from .estimators import MASK, POSITIVE, ContrastiveDivergence, Estimator, Negative
from .hidden_units import HIDDEN, Hidden
from .machine import Machine
from .parameters import Parameters
from .penalties import Penalty
from .progress import Diagnostics, StepMeans
from .rows import EpochOrder, checked
from .sampling import Key, shape_of
from .saving import Saved
from .units import VISIBLE, Visible
from .uses import Uses

PRODUCTS = ("float32", "bfloat16")
# Where the reconstruction is no by-product of the gradient, one update in so many computes it.
LOOK_EVERY = 16


@keras.saving.register_keras_serializable(package="keras_recipes")
class RBM(Uses, Parameters, Saved, keras.Model):
    """Restricted Boltzmann machine: visible units v, hidden units h, and weights between them.

    p(v, h) = exp(-E(v, h)) / Z,  E(v, h) = -a'v - b'h - v'W h  (Bernoulli units)

    It trains on `-log p(v)` by an estimate of its gradient, and reports `reconstruction_error`
    (mean over units of the squared difference of data and reconstruction) and `hidden_activity`
    (mean of E[h | data]); see `Diagnostics` for what an epoch adds. As a function it gives
    E[h | v].

    Args:
        units: hidden units, >= 1.
        visible: `bernoulli`, `gaussian`, or a `Visible` such as `Gaussian(learned=True)`.
        hidden: `bernoulli`, `rectified`, `gaussian`, or a `Hidden`.
        estimator: of the gradient; None for `ContrastiveDivergence(1)`.
        penalty: a `Penalty`, or None.
        dropout: probability with which a hidden unit sits a row out, in [0, 1) (Srivastava et al.
            2014, section 8).
        centring: rate at which the offsets of v and h follow the data, in (0, 1], or None for no
            centring.
        stddev: of the initial weights, >= 0.
        data_bias: start the visible biases at what the data's means ask for, instead of 0.
        products: `float32`, or `bfloat16` for matrix products with operands of 8 bits precision,
            which processors with such units compute faster; weights and sums stay float32.
        seed: of initial weights, order of rows, and sampling.
        name: of the model.

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
        penalty: Penalty | None = None,
        dropout: float = 0.0,
        centring: float | None = None,
        stddev: float = 0.01,
        data_bias: bool = False,
        products: Literal["float32", "bfloat16"] = "float32",
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.units = steps("units", units)
        self.visible: Visible = made("visible", visible, VISIBLE, Visible)
        self.hidden: Hidden = made("hidden", hidden, HIDDEN, Hidden)
        self.estimator = instance("estimator", estimator or ContrastiveDivergence(), Estimator)
        self.penalty = instance("penalty", penalty or Penalty(), Penalty)
        self.dropout = number("dropout", dropout, ge=0)
        if self.dropout >= 1:
            raise ValueError(f"Argument `dropout` must be < 1. Received: dropout={dropout}")
        self.centring = None if centring is None else number("centring", centring, gt=0, le=1)
        self.stddev = number("stddev", stddev, ge=0)
        self.data_bias = flag("data_bias", data_bias)
        self.products = one_of("products", products, PRODUCTS)
        self.seed = steps("seed", seed, ge=0)
        self.estimator.check((self.visible, self.hidden))
        self.step_means = StepMeans(("reconstruction_error", "hidden_activity"))
        self._order: EpochOrder | None = None

    def call(self, inputs: Any) -> Any:
        """E[h | v]."""
        return self.machine().hidden_mean(tf.cast(inputs, tf.float32))

    def compile(
        self,
        optimizer: Any = "sgd",
        *,
        steps_per_execution: int = 50,
        run_eagerly: bool = False,
        jit_compile: bool = False,
    ) -> None:
        """Say how to train; there is no loss to choose.

        Args:
            optimizer: any of Keras, or a `MomentumSGD`.
            steps_per_execution: updates that run without a look from Python.
            run_eagerly, jit_compile: as in `keras.Model.compile`.
        """
        self._given = {
            "steps_per_execution": steps("steps_per_execution", steps_per_execution),
            "run_eagerly": run_eagerly,
            "jit_compile": jit_compile,
        }
        super().compile(optimizer=optimizer, **self._given)

    def fit(  # type: ignore[override]
        self,
        x: Any,
        *,
        batch_size: int = 100,
        epochs: int = 1,
        validation_data: Any = None,
        callbacks: Sequence[Any] = (),
        verbose: Any = "auto",
        shuffle: bool = True,
        initial_epoch: int = 0,
        diagnostics: int = 1000,
    ) -> Any:
        """Train on rows.

        Args:
            x: a matrix of rows by visible units, or a `tf.data.Dataset` of batches of rows.
            batch_size: rows an update; for a matrix.
            epochs, callbacks, verbose, initial_epoch: as in `keras.Model.fit`.
            validation_data: a matrix of rows held out, or None.
            shuffle: another order of the rows every epoch; for a matrix.
            diagnostics: rows that `Diagnostics` looks at after each epoch; 0 for none.

        Returns:
            The history.

        Raises:
            ValueError: rows that the visible units cannot have, or of another width.
        """
        if not self.compiled:
            raise ValueError("Compile the machine before training: `rbm.compile(optimizer)`.")
        size, looked_at = steps("batch_size", batch_size), steps("diagnostics", diagnostics, ge=0)
        width = self.width if self.built else None
        if isinstance(x, tf.data.Dataset):
            source, own = self._streamed(x), []
        else:
            rows = checked(x, self.visible, width)
            self._build_from(rows)
            source, own = self._held(rows, size, flag("shuffle", shuffle))
        if validation_data is not None:
            validation_data = checked(
                validation_data, self.visible, self.width, "validation_data", held_out=True
            )
        if looked_at and not isinstance(x, tf.data.Dataset):
            own.append(Diagnostics(rows, validation_data, limit=looked_at))
        try:
            return super().fit(
                source,
                epochs=epochs,
                validation_data=validation_data,
                validation_batch_size=size,
                callbacks=[*own, *callbacks],
                verbose=verbose,
                shuffle=False,
                initial_epoch=initial_epoch,
            )
        finally:
            self._order = None

    def make_train_function(self, force: bool = False) -> Any:
        """The compiled function; with rows in memory, one loop over several steps.

        Keras's own takes each step's data from an iterator, which XLA cannot: it would compile
        the single step, and not the loop around it.
        """
        if self.train_function is not None and not force:
            return
        order = self._order
        if order is None or self.run_eagerly:
            super().make_train_function(force)
            return

        def several(begin: Any, count: Any, size: int) -> None:
            tf.while_loop(
                lambda step: step < begin + count,
                lambda step: self._step_in_memory(step, size),
                [begin],
            )

        compiled = tf.function(several, jit_compile=self.jit_compile, autograph=False)

        def function(iterator: Any) -> Any:
            for begin, count, size in order.next_steps(self.steps_per_execution):
                compiled(tf.constant(begin), tf.constant(count), size)
            return self.get_metrics_result()

        self.train_function = function

    def train_step(self, data: Any) -> dict[str, Any]:
        """One update, compiled by Keras."""
        self._update(self._batch(data))
        return self.get_metrics_result()

    def _step_in_memory(self, step: Any, size: int) -> list[Any]:
        order: Any = self._order
        self._update(order.batch(step, size))
        return [step + 1]

    def _update(self, v: Any) -> None:
        """One update of all parameters by a batch."""
        algorithm = "threefry" if self.jit_compile else "philox"
        key = Key(self.seed, self.optimizer.iterations.value, algorithm)
        machine = self._with_dropout(self.machine(), v, key)
        h, sample = machine.hidden_draw(v, key, POSITIVE)
        state = {name: variable.value for name, variable in self.state.items()}
        negative = self.estimator(machine, sample, state, key)
        found = gradient_of.of_likelihood(machine, v, h, negative.visible, negative.hidden)
        found = self._centred(found, machine, v, h)
        following = self.estimator.learn(found, negative.state)
        found = gradient_of.penalized(found, machine, self.penalty, v, self._next_activity(h))
        self.optimizer.apply([found[name] for name in self.learned], list(self.learned.values()))
        for name, value in following.items():
            self.state[name].assign(value)
        self._observe(machine, v, h, negative)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Reconstruction error and hidden activity of a batch."""
        v = self._batch(data)
        machine = self.machine()
        h = machine.hidden_mean(v)
        self._observe(machine, v, h, Negative(None, None, {}, machine.visible_mean(h)))
        return self.get_metrics_result()

    @property
    def metrics(self) -> list[Any]:
        """The means of an epoch's steps."""
        return [self.step_means]

    def updated(self) -> list[Any]:
        """What an update changes."""
        return self.trainable_variables

    def _held(self, rows: np.ndarray, size: int, shuffle: bool) -> tuple[Any, list[Any]]:
        """Rows in memory, which the step takes by itself: the data set holds only its number."""
        self._order = EpochOrder(rows, size, seed=self.seed, shuffle=shuffle)
        # The compiled function holds the rows it was traced with.
        self.train_function = None
        return self._order.steps(), [self._order]

    def _streamed(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        spec = batches.element_spec
        if not isinstance(spec, tf.TensorSpec) or spec.shape.rank != 2:
            raise ValueError(f"A data set must give matrices of rows. Received: {spec}")
        if not self.built:
            self.build(spec.shape.as_list())
        self._order, self.train_function = None, None
        return batches

    def _batch(self, data: Any) -> Any:
        """The rows of a step: the data itself, or the step's number in the order of the epoch."""
        data = data[0] if isinstance(data, (tuple, list)) else data
        if data.shape.rank == 0 and self._order is not None:
            return self._order.batch(data, self._order.batch_size)
        return tf.cast(data, tf.float32)

    def _with_dropout(self, machine: Machine, v: Any, key: Key) -> Machine:
        """The machine of this update, some of whose hidden units sit out, row by row."""
        if not self.dropout:
            return machine
        shape = [shape_of(v)[0], self.units]
        return machine.with_rows_kept(tf.cast(key.uniform(shape, MASK) >= self.dropout, tf.float32))

    def _centred(self, found: dict[str, Any], machine: Machine, v: Any, h: Any) -> dict[str, Any]:
        """The centred gradient, and offsets that follow the data."""
        if self.centring is None:
            return found
        coupled = self.visible.coupled(v, machine.variance)
        for offset, values in ((self.visible_offset, coupled), (self.hidden_offset, h)):
            offset.assign_add(self.centring * (tf.reduce_mean(values, 0) - offset))
        return gradient_of.centred(found, self.visible_offset.value, self.hidden_offset.value)

    def _next_activity(self, h: Any) -> Any:
        if self.penalty.sparsity_target is None:
            return None
        activity = self.penalty.activity(self.activity.value, h)
        self.activity.assign(activity)
        return activity

    def _observe(self, machine: Machine, v: Any, h: Any, negative: Negative) -> None:
        """Add the numbers of this step to the means."""
        count: Any = 1.0
        if negative.reconstruction is not None:
            error = _error(v, negative.reconstruction)
        else:
            now = self.optimizer.iterations.value % LOOK_EVERY == 0
            now |= self.step_means.sums.value[1, 0] == 0
            count = tf.cast(now, tf.float32)
            error = tf.cond(now, lambda: _error(v, machine.visible_mean(h)), lambda: 0.0)
        values = {"reconstruction_error": error, "hidden_activity": tf.reduce_mean(h)}
        self.step_means.update_state(values, [count, 1.0])

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        serialized = keras.saving.serialize_keras_object
        return {
            "units": self.units,
            "visible": serialized(self.visible),
            "hidden": serialized(self.hidden),
            "estimator": serialized(self.estimator),
            "penalty": serialized(self.penalty),
            "dropout": self.dropout,
            "centring": self.centring,
            "stddev": self.stddev,
            "data_bias": self.data_bias,
            "products": self.products,
            "seed": self.seed,
            "name": self.name,
        }


def _error(v: Any, reconstruction: Any) -> Any:
    return tf.reduce_mean(tf.math.squared_difference(v, reconstruction))
