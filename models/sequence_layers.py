"""Layers for sequences that Keras has none of: positions, transformer blocks, stochastic depth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Unpack

import keras
import numpy as np
import tensorflow as tf

from ..arguments import check_choice, check_int, check_number
from .keras_types import Config, LayerArguments, Shape, ops


@keras.saving.register_keras_serializable(package="keras_recipes")
class StochasticDepth(keras.layers.Dropout):
    """Leaves out whole rows of a residual branch in training (Huang et al. 2016).

    Each row is multiplied by b / (1 - `rate`), where b is 0 with probability `rate` and else 1, so
    that its expectation is the row itself. It is the last layer of a `residual` block.

    Args:
        rate: probability that a row is left out, from 0 to below 1.
        seed: of the random draws; by default the next one of Keras's global generator.

    >>> layer = StochasticDepth(0.5, seed=1)
    >>> sorted(set(layer(keras.ops.ones((64, 3)), training=True).numpy().ravel().tolist()))
    [0.0, 2.0]
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(check_number("rate", rate, ge=0, lt=1), seed=seed, **kwargs)

    def build(self, input_shape: Shape) -> None:
        """One draw for each row, whatever its shape."""
        self.noise_shape = (None, *(1,) * (len(input_shape) - 1))
        super().build(input_shape)

    def get_config(self) -> Config:
        """The arguments."""
        config = super().get_config()
        del config["noise_shape"]
        return config


@keras.saving.register_keras_serializable(package="keras_recipes")
class PositionalEmbedding(keras.layers.Layer):
    """Adds a vector for its position to each step of a sequence (rows, steps, channels).

    Args:
        kind: `learned`, a trained vector for each position; or `sinusoidal` (Vaswani et al. 2017):
            sin(p / 10000^(2i/C)) in channel 2i and the cosine in channel 2i + 1, for position p of
            C channels.

    Raises:
        ValueError: the number of steps is not fixed.

    >>> PositionalEmbedding("sinusoidal")(keras.ops.zeros((1, 2, 2))).numpy().round(3).tolist()
    [[[0.0, 1.0], [0.8410000205039978, 0.5400000214576721]]]
    """

    def __init__(
        self, kind: Literal["learned", "sinusoidal"] = "learned", **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(**kwargs)
        self.kind = check_choice("kind", kind, ("learned", "sinusoidal"))
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape: Any) -> None:
        """Make the vectors of the positions."""
        steps, channels = input_shape[1:]
        if steps is None:
            raise ValueError(
                f"`PositionalEmbedding` needs a fixed number of steps. Received {input_shape}."
            )
        if self.kind == "learned":
            self.positions = self.add_weight(
                shape=(steps, channels),
                initializer=keras.initializers.RandomNormal(stddev=0.02),
                name="positions",
            )
        else:
            self.positions = _sinusoids(steps, channels)
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """The inputs with the vectors of their positions added."""
        return ops.add(inputs, ops.cast(self.positions, inputs.dtype))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """That of the inputs."""
        return input_shape

    def get_config(self) -> Config:
        """The arguments."""
        return {**super().get_config(), "kind": self.kind}


def _sinusoids(steps: int, channels: int) -> np.ndarray:
    """Sines in the even channels, cosines in the odd ones (steps, channels)."""
    pairs = np.arange(channels) // 2
    angles = np.arange(steps)[:, None] / 10000 ** (2 * pairs / channels)
    return np.where(np.arange(channels) % 2 == 0, np.sin(angles), np.cos(angles)).astype("float32")


@keras.saving.register_keras_serializable(package="keras_recipes")
class TransformerBlock(keras.layers.Layer):
    """Self-attention and two dense layers, each with a residual around it (Vaswani et al. 2017).

    With `norm_first`, x + A(N(x)) and then x + F(N(x)) (Xiong et al. 2020), else N(x + A(x)) and
    N(x + F(x)), where A attends, F is dense - activation - dense, and N normalizes each step. Steps
    that a mask leaves out are not attended to.

    Args:
        num_heads: heads of the attention, which divide the channels among them.
        units: width between the two dense layers.
        dropout: fraction of the attention, and of each branch's output, that is dropped.
        drop_path: probability that a row skips a branch (`StochasticDepth`).
        activation: between the dense layers.
        norm_first: normalize what enters a branch, rather than the sum.
        causal: let no step see those after it.

    Raises:
        ValueError: the channels cannot be divided among the heads.

    >>> TransformerBlock(num_heads=2, units=16)(keras.ops.ones((4, 5, 8))).shape
    TensorShape([4, 5, 8])
    """

    def __init__(
        self,
        num_heads: int,
        units: int,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        *,
        activation: Literal["gelu", "relu", "silu"] = "gelu",
        norm_first: bool = True,
        causal: bool = False,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.num_heads = check_int("num_heads", num_heads, ge=1)
        self.units = check_int("units", units, ge=1)
        self.dropout = check_number("dropout", dropout, ge=0, lt=1)
        self.drop_path = check_number("drop_path", drop_path, ge=0, lt=1)
        self.activation, self.norm_first, self.causal = activation, norm_first, causal
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)
        self.inner = keras.layers.Dense(units, activation=activation, name="inner")
        self.norms = [
            keras.layers.LayerNormalization(epsilon=1e-6, name=f"norm_{index}") for index in (0, 1)
        ]
        self.drops = [keras.layers.Dropout(dropout, name=f"dropout_{index}") for index in (0, 1)]
        self.paths = [StochasticDepth(drop_path, name=f"path_{index}") for index in (0, 1)]

    def build(self, input_shape: Any) -> None:
        """Make the layers whose width is that of the inputs."""
        channels = input_shape[-1]
        if channels % self.num_heads:
            raise ValueError(
                f"`TransformerBlock` divides the channels among its heads; {channels} channels "
                f"cannot be divided by `num_heads` {self.num_heads}."
            )
        self.attention = keras.layers.MultiHeadAttention(
            self.num_heads, channels // self.num_heads, dropout=self.dropout, name="attention"
        )
        self.outer = keras.layers.Dense(channels, name="outer")
        self.attention.build(input_shape, input_shape)
        self.inner.build(input_shape)
        self.outer.build((*input_shape[:-1], self.units))
        for layer in (*self.norms, *self.drops, *self.paths):
            layer.build(input_shape)
        super().build(input_shape)

    def call(
        self, inputs: tf.Tensor, mask: tf.Tensor | None = None, training: bool | None = None
    ) -> tf.Tensor:
        """Steps (rows, steps, channels) after both branches."""

        def attended(x: tf.Tensor) -> tf.Tensor:
            seen = None if mask is None else ops.expand_dims(mask, 1)
            return self.attention(
                x, x, attention_mask=seen, use_causal_mask=self.causal, training=training
            )

        x = self._branch(0, attended, inputs, training)
        return self._branch(1, lambda x: self.outer(self.inner(x)), x, training)

    def _branch(
        self,
        index: int,
        change: Callable[[tf.Tensor], tf.Tensor],
        x: tf.Tensor,
        training: bool | None,
    ) -> tf.Tensor:
        """One branch, with the residual around it."""
        norm = self.norms[index]
        found = change(norm(x) if self.norm_first else x)
        found = self.paths[index](self.drops[index](found, training=training), training=training)
        added = ops.add(x, found)
        return added if self.norm_first else norm(added)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """That of the inputs."""
        return input_shape

    def get_config(self) -> Config:
        """The arguments."""
        names = (
            "num_heads", "units", "dropout", "drop_path", "activation", "norm_first", "causal",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="keras_recipes")
class MaskedAveragePooling1D(keras.layers.Layer):
    """The mean over the steps of a sequence that a mask leaves, zeros where it leaves none.

    `keras.layers.GlobalAveragePooling1D` gives NaN for a row without a step, such as a text of no
    known word.

    >>> layer, x = MaskedAveragePooling1D(), keras.ops.reshape(keras.ops.arange(4.0), (2, 2, 1))
    >>> layer(x, mask=keras.ops.convert_to_tensor([[True, False], [False, False]])).numpy().tolist()
    [[0.0], [0.0]]
    """

    def __init__(self, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def call(self, inputs: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """The mean (rows, channels) of steps (rows, steps, channels)."""
        if mask is None:
            return ops.mean(inputs, axis=1)
        return masked_mean(inputs, mask)

    def compute_mask(self, inputs: tf.Tensor, previous_mask: tf.Tensor | None = None) -> None:
        """None: there are no steps any more."""
        return None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(rows, channels)."""
        return (input_shape[0], input_shape[-1])


def masked_mean(steps: Any, mask: object) -> Any:
    """The mean of the steps (rows, steps, channels) that a mask (rows, steps) leaves, or zeros."""
    kept = ops.cast(ops.expand_dims(mask, -1), steps.dtype)
    count = ops.maximum(ops.sum(kept, axis=1), 1)
    total: Any = ops.sum(steps * kept, axis=1)
    return total / count


# The names that a recipe uses.
LAYERS = {
    "masked_average_pooling1d": MaskedAveragePooling1D,
    "positional_embedding": PositionalEmbedding,
    "stochastic_depth": StochasticDepth,
    "transformer_block": TransformerBlock,
}
