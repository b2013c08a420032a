"""The parameters of a machine, and the state beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from .estimators import Estimator
from .hidden_units import Hidden
from .machine import Machine
from .penalties import Penalty
from .units import Visible

# A mix-in stands before `keras.Model`; for a type checker it has what a model has.
if TYPE_CHECKING:
    _Model = keras.Model
else:
    _Model = object


class Parameters(_Model):
    """Weights, biases, variances, chains and averages of an `RBM`, as a mix-in before a model.

    Attributes:
        kernel, visible_bias, hidden_bias: W, a and b.
        log_variance: log sigma^2 where it is learned.
        learned: what the optimizer changes, by the name of its gradient.
        state: of the estimator, by name.
    """

    units: int
    visible: Visible
    hidden: Hidden
    estimator: Estimator
    penalty: Penalty
    centring: float | None
    stddev: float
    data_bias: bool
    products: str
    seed: int

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Weights for visible units as wide as the last axis."""
        width = input_shape[-1]
        if width is None:
            raise ValueError(f"RBM needs a known width. Received: input_shape={input_shape}")
        self.visible.check_width(width)
        normal = keras.initializers.RandomNormal(stddev=self.stddev, seed=self.seed)
        self.kernel = self.add_weight(name="kernel", shape=(width, self.units), initializer=normal)
        self.visible_bias = self.add_weight(
            name="visible_bias", shape=(width,), initializer="zeros"
        )
        self.hidden_bias = self.add_weight(
            name="hidden_bias", shape=(self.units,), initializer="zeros"
        )
        self._build_variance(width)
        self._build_state(width)
        self.built = True

    def machine(self) -> Machine:
        """The equations with the current parameters."""
        if not self.built:
            raise ValueError("This machine has no weights yet: call `fit` or `build` first.")
        variance = self.variance
        if self.visible.learned_variance:
            variance = tf.exp(self.log_variance.value)
        kernel = tf.convert_to_tensor(self.kernel.value)
        return Machine(
            visible=self.visible,
            hidden=self.hidden,
            weights=kernel,
            visible_bias=tf.convert_to_tensor(self.visible_bias.value),
            hidden_bias=tf.convert_to_tensor(self.hidden_bias.value),
            variance=variance,
            product_weights=None if self.products == "float32" else tf.cast(kernel, self.products),
        )

    @property
    def width(self) -> int:
        """Visible units."""
        return int(self.kernel.shape[0])

    def _build_variance(self, width: int) -> None:
        start = self.visible.start_variance(width)
        self.learned = {
            "weights": self.kernel,
            "visible_bias": self.visible_bias,
            "hidden_bias": self.hidden_bias,
        }
        self.variance = None if start is None else tf.constant(start)
        if self.visible.learned_variance and start is not None:
            self.log_variance = self.add_weight(
                name="log_variance", shape=(width,), initializer="zeros"
            )
            self.log_variance.assign(np.log(start))
            self.learned["log_variance"] = self.log_variance

    def _build_state(self, width: int) -> None:
        """Chains and averages: what a run needs to go on, and what no optimizer touches."""

        def make(name: str, shape: Any) -> Any:
            return self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False)

        shapes = self.estimator.state_shapes(width, self.units)
        self.state = {name: make(name, shape) for name, shape in shapes.items()}
        if self.penalty.sparsity_target is not None:
            self.activity = make("activity", (self.units,))
            self.activity.assign(tf.fill([self.units], self.penalty.sparsity_target))
        if self.centring is not None:
            self.visible_offset = make("visible_offset", (width,))
            self.hidden_offset = make("hidden_offset", (self.units,))

    def _build_from(self, rows: np.ndarray) -> None:
        """Build, with the offsets and biases that the data give."""
        if self.built:
            return
        self.build(rows.shape)
        mean = rows.mean(0)
        if self.data_bias:
            self.visible_bias.assign(self.visible.data_bias(mean))
        if self.centring is not None:
            machine = self.machine()
            self.visible_offset.assign(self.visible.coupled(mean, self.variance))
            self.hidden_offset.assign(machine.hidden_mean(tf.constant(mean[None]))[0])
