"""A convolutional restricted Boltzmann machine, whose filters initialize a Conv2D layer."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow import Tensor

from ..arguments import check_bool, check_number, optional
from ..optimizers import updating
from ..schedules.arguments import check_steps
from .sampling import Key, shape_of
from .saving import GenerativeModel, StepMeans
from .units import Bernoulli

# Purposes of the random numbers of an update: hidden units of the data, then two a Gibbs step.
POSITIVE, CHAIN = 0, 2


@keras.saving.register_keras_serializable(package="keras_recipes")
class ConvRBM(GenerativeModel):
    """Convolutional RBM with probabilistic max pooling (Lee, Grosse, Ranganath & Ng 2009).

    E(v, h) = -sum_k h^k . (W^k * v + b_k) - sum_c a_c sum v_c,  v and h binary

    `*` is the cross-correlation of `keras.layers.Conv2D` with `padding="valid"`. The map of each
    filter is divided into blocks of `pool` by `pool` units, in each of which at most one is on:

        P(h_ij = 1 | v) = exp(I_ij) / (1 + sum of exp(I) over the block),  I = W * v + b

    and the pooling unit of a block is on if one of them is. The gradient of -log p(v) is the
    difference of that of the free energy at the data and at states of Gibbs chains. As a function
    the model gives E[h | v], (rows, height, width, filters).

    Args:
        filters: number of filters, >= 1.
        kernel_size: height and width of each, >= 1.
        pool: height and width of a block, >= 1.
        k: Gibbs steps an update, >= 1.
        persistent: continue the chains from update to update (PCD); a chain for each row of the
            first batch. Otherwise they start at the data (CD-k).
        stddev: of the initial weights, >= 0.
        sparsity_target: mean activity of hidden units to aim at, in (0, 1); None for no penalty.
        sparsity_cost: of a mean activity above or below, >= 0.
        seed: of initial weights and draws.
        name: of the model.

    Attributes:
        kernel, hidden_bias, visible_bias: W (height, width, channels, filters), b and a.

    Raises:
        ValueError: a bad argument, or maps that blocks do not divide.

    >>> rows = (np.arange(128).reshape(2, 8, 8, 1) % 3 == 0).astype("float32")
    >>> rbm = ConvRBM(4, 3, seed=1)
    >>> rbm.compile(keras.optimizers.SGD(0.1))
    >>> history = rbm.fit(rows, batch_size=2, verbose=0)
    >>> rbm(rows).shape
    TensorShape([2, 6, 6, 4])
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        *,
        pool: int = 2,
        k: int = 1,
        persistent: bool = False,
        stddev: float = 0.01,
        sparsity_target: float | None = None,
        sparsity_cost: float = 1.0,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.filters = check_steps("filters", filters)
        self.kernel_size = check_steps("kernel_size", kernel_size)
        self.pool, self.k = check_steps("pool", pool), check_steps("k", k)
        self.persistent = check_bool("persistent", persistent)
        self.stddev = check_number("stddev", stddev, ge=0)
        self.sparsity_target = optional(
            check_number, "sparsity_target", sparsity_target, gt=0, lt=1
        )
        self.sparsity_cost = check_number("sparsity_cost", sparsity_cost, ge=0)
        self.seed = check_steps("seed", seed, ge=0)
        self.step_means = StepMeans(("reconstruction_error", "hidden_activity"))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the variables for rows of shape (rows, height, width, channels)."""
        rows, height, width, channels = input_shape
        if height is None or width is None or channels is None:
            raise ValueError(f"Rows must have a known shape. Received: {input_shape[1:]}")
        sides = height - self.kernel_size + 1, width - self.kernel_size + 1
        if min(sides) < 1 or any(side % self.pool for side in sides):
            raise ValueError(
                f"The maps of filters must divide into blocks of {self.pool} by {self.pool} units. "
                f"Received: rows of shape {input_shape[1:]}, so maps of {sides[0]} by {sides[1]}"
            )
        self.image = height, width, channels
        self.blocks = sides[0] // self.pool, sides[1] // self.pool
        normal = keras.initializers.RandomNormal(stddev=self.stddev, seed=self.seed)
        shape = (self.kernel_size, self.kernel_size, channels, self.filters)
        self.kernel = self.add_weight(shape, normal, name="kernel")
        self.hidden_bias = self.add_weight((self.filters,), "zeros", name="hidden_bias")
        self.visible_bias = self.add_weight((channels,), "zeros", name="visible_bias")
        if self.persistent:
            if rows is None:
                raise ValueError("Persistent chains need a known number of rows in a batch.")
            chain = (rows, height, width, channels)
            self.chain = self.add_weight(chain, "zeros", trainable=False, name="chain")
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """E[h | v]."""
        return self._from_blocks(self._on(inputs))

    def pooled(self, v: Tensor) -> Tensor:
        """P(a pooling unit is on | v), (rows, height / pool, width / pool, filters)."""
        return tf.reduce_sum(self._on(v), -1)

    def free_energy(self, v: Tensor) -> Tensor:
        """F(v) of each row, with p(v) = exp(-F(v)) / Z."""
        blocks = tf.reduce_logsumexp(self._inputs(v), -1)
        bias = tf.reduce_sum(v * self.visible_bias, [1, 2, 3])
        return -bias - tf.reduce_sum(blocks, [1, 2, 3])

    def visible_mean(self, h: Tensor) -> Tensor:
        """E[v | h]."""
        shape = tf.stack([tf.shape(h)[0], *self.image])
        inputs = tf.nn.conv2d_transpose(h, self.kernel.value, shape, 1, "VALID")
        return tf.sigmoid(inputs + self.visible_bias)

    def sample_hidden(self, v: Tensor, key: Key, purpose: int) -> Tensor:
        """A draw of h: in each block one unit, or none."""
        states = self._on(v)
        above = tf.cumsum(states, -1)
        uniform = key.uniform(shape_of(tf.reduce_sum(states, -1, keepdims=True)), purpose)
        chosen = (uniform < above) & (uniform >= above - states)
        return self._from_blocks(tf.cast(chosen, v.dtype))

    def gibbs(self, v: Tensor, key: Key) -> Tensor:
        """v after k Gibbs steps."""
        for step in range(self.k):
            h = self.sample_hidden(v, key, CHAIN + 2 * step)
            v = key.bernoulli(self.visible_mean(h), CHAIN + 2 * step + 1)
        return v

    def fit(  # type: ignore[override]
        self, x: ArrayLike, *, batch_size: int = 100, **arguments: Any
    ) -> keras.callbacks.History:
        """Train on rows in [0, 1] of shape (rows, height, width, channels); see `keras.Model.fit`.

        Raises:
            ValueError: other values, or maps that blocks do not divide.
        """
        rows = np.asarray(x, "float32")
        Bernoulli().check(rows)
        if not self.built:
            self.build((min(batch_size, len(rows)), *rows.shape[1:]))
        return super().fit(rows, batch_size=batch_size, **arguments)

    def train_step(self, data: Tensor) -> dict[str, Tensor]:
        """One update."""
        v = tf.cast(data if isinstance(data, Tensor) else data[0], tf.float32)
        key = Key(self.seed, self.optimizer.iterations.value)
        start = self.chain.value if self.persistent else v
        model_v = tf.stop_gradient(self.gibbs(start, key))
        if self.persistent:
            self.chain.assign(model_v)
        variables, h = [self.kernel, self.hidden_bias, self.visible_bias], self(v)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self.free_energy(v)) - tf.reduce_mean(self.free_energy(model_v))
        found = tape.gradient(loss, [variable.value for variable in variables])
        gradients = [tf.convert_to_tensor(gradient) for gradient in found]
        if self.sparsity_target is not None:
            activity = tf.reduce_mean(h, [0, 1, 2])
            gradients[1] += self.sparsity_cost * (activity - self.sparsity_target)
        with updating(self.optimizer):
            self.optimizer.apply(gradients, variables)
        error = tf.reduce_mean(tf.math.squared_difference(v, self.visible_mean(h)))
        self.step_means.update_state(
            {"reconstruction_error": error, "hidden_activity": tf.reduce_mean(h)}
        )
        return self.get_metrics_result()

    def initialize(self, layer: keras.layers.Conv2D) -> None:
        """Give filters and hidden biases to a convolution.

        Raises:
            ValueError: it has no weights yet, or others than `kernel` and `hidden_bias` fit.
        """
        own = [self.kernel, self.hidden_bias]
        shapes = [tuple(weight.shape) for weight in own]
        if [tuple(weight.shape) for weight in layer.weights] != shapes:
            raise ValueError(
                f"`{layer.name}` must have weights of the shapes {shapes}. Received: "
                f"{[tuple(weight.shape) for weight in layer.weights]}"
            )
        layer.set_weights([np.asarray(weight) for weight in own])

    def _inputs(self, v: Tensor) -> Tensor:
        """I, each block's units along the last axis, and a 0 for none of them."""
        maps = tf.nn.conv2d(v, self.kernel.value, 1, "VALID") + self.hidden_bias
        (height, width), p, filters = self.blocks, self.pool, self.filters
        blocks = tf.reshape(maps, [-1, height, p, width, p, filters])
        blocks = tf.transpose(blocks, [0, 1, 3, 5, 2, 4])
        inputs = tf.reshape(blocks, [-1, height, width, filters, p * p])
        return tf.pad(inputs, [[0, 0]] * 4 + [[0, 1]])

    def _on(self, v: Tensor) -> Tensor:
        """P(h = 1 | v) of each block's units, which are along the last axis."""
        return tf.nn.softmax(self._inputs(v))[:, :, :, :, :-1]

    def _from_blocks(self, blocks: Tensor) -> Tensor:
        """Maps, from the units of each block."""
        (height, width), p, filters = self.blocks, self.pool, self.filters
        maps = tf.reshape(blocks, [-1, height, width, filters, p, p])
        maps = tf.transpose(maps, [0, 1, 4, 2, 5, 3])
        return tf.reshape(maps, [-1, height * p, width * p, filters])
