"""Texts as the numbers of their tokens, and as networks of text take them."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any, Unpack

import keras
import tensorflow as tf

from ..arguments import check_int
from .keras_types import Config, LayerArguments, Shape, ops

# Behind the last token of a text: no tokenizer uses it, while the padding of some is a token.
NONE = -1


@keras.saving.register_keras_serializable(package="keras_recipes")
class TextTokens(keras.layers.Layer):
    """The numbers of the tokens of texts (rows, 1): whole numbers (rows, `length`).

    A text becomes its first token, those of its words, and the last token, as far as the tokenizer
    has a first and a last one; what is too long is cut between them, and -1 stands behind a short
    one. Its model needs KerasHub and tensorflow-text where it is loaded.

    Args:
        tokenizer: a `keras_hub.tokenizers.Tokenizer`.
        length: tokens of a row, with the first and the last.

    Raises:
        ImportError: tensorflow-text is not installed.
    """

    def __init__(self, tokenizer: Any, length: int, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        if importlib.util.find_spec("tensorflow_text") is None:
            raise ImportError(
                "`TextTokens` needs the package `tensorflow_text`: "
                "`pip install 'keras-recipes[hub]'`."
            )
        self.tokenizer = tokenizer
        self.length = check_int("length", length, ge=3)

    def build(self, input_shape: Shape) -> None:
        """The tokenizer has its vocabulary: there is nothing to create."""
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Numbers of tokens, int32."""
        return _numbers(self, tf.reshape(tf.convert_to_tensor(inputs), [-1]))

    def compute_output_spec(self, inputs: tf.Tensor) -> keras.KerasTensor:
        """(rows, length) of int32."""
        return keras.KerasTensor((inputs.shape[0], self.length), "int32")

    def get_config(self) -> Config:
        """The arguments."""
        tokenizer = keras.saving.serialize_keras_object(self.tokenizer)
        return {**super().get_config(), "tokenizer": tokenizer, "length": self.length}

    @classmethod
    def from_config(cls, config: Config) -> TextTokens:
        """A layer from its arguments."""
        tokenizer: Any = keras.saving.deserialize_keras_object(config["tokenizer"])
        return cls(**{**config, "tokenizer": tokenizer})


# Tokenizers split texts by other code outside of a graph: a function is the same everywhere.
@tf.function(reduce_retracing=True)
def _numbers(layer: TextTokens, texts: tf.Tensor) -> tf.Tensor:
    tokens = _ragged(layer.tokenizer(texts))
    ends = [getattr(layer.tokenizer, name, None) for name in ("start_token_id", "end_token_id")]
    first, last = (
        tf.fill([tf.shape(texts)[0], int(end is not None)], 0 if end is None else end)
        for end in ends
    )
    room = layer.length - sum(end is not None for end in ends)
    whole = tf.concat([first, tokens[:, :room], last], axis=1)
    return whole.to_tensor(NONE, shape=[None, layer.length])


def _ragged(found: tf.Tensor | tf.RaggedTensor | Sequence[Sequence[int]]) -> tf.RaggedTensor:
    """Numbers of tokens, each row as long as it is; without a graph they come as lists."""
    if isinstance(found, tf.RaggedTensor):
        return tf.cast(found, "int32")
    if isinstance(found, tf.Tensor):
        whole = tf.cast(found, "int32")
        return tf.ragged.boolean_mask(whole, tf.ones_like(whole, "bool"))
    return tf.ragged.constant([list(row) for row in found], "int32", ragged_rank=1)


@keras.saving.register_keras_serializable(package="keras_recipes")
class TokenInputs(keras.layers.Layer):
    """What a network of text takes by name, from numbers of tokens (rows, length) with -1 behind.

    `token_ids` has the padding of the network where there is no token, `padding_mask` 0 there and
    else 1, and `segment_ids` 0: a row is one text.

    Args:
        padding: the token that stands where there is none.
        segments: whether the network takes `segment_ids`.

    >>> given = TokenInputs(0)(keras.ops.convert_to_tensor([[7, 8, -1]]))
    >>> given["token_ids"].numpy().tolist(), given["padding_mask"].numpy().tolist()
    ([[7, 8, 0]], [[1, 1, 0]])
    """

    def __init__(self, padding: int, segments: bool = False, **kwargs: Unpack[LayerArguments]):
        super().__init__(**{"autocast": False, **kwargs})  # 16 bits do not hold the numbers
        self.padding, self.segments = check_int("padding", padding, ge=0), segments

    def call(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """`token_ids`, `padding_mask`, and `segment_ids` where they are asked for."""
        numbers = ops.cast(inputs, "int32")
        known = ops.greater_equal(numbers, 0)
        found = {
            "token_ids": ops.where(known, numbers, self.padding),
            "padding_mask": ops.cast(known, "int32"),
        }
        if self.segments:
            found["segment_ids"] = ops.zeros_like(numbers)
        return found

    def get_config(self) -> Config:
        """The arguments."""
        return {**super().get_config(), "padding": self.padding, "segments": self.segments}


@keras.saving.register_keras_serializable(package="keras_recipes")
class TokenMask(keras.layers.Layer):
    """Steps (rows, steps, channels) with the mask of the tokens that they come from.

    Takes the steps and the numbers of tokens (rows, steps), -1 where there is none, and gives the
    steps; layers behind it that know masks leave out those without a token.
    """

    def __init__(self, **kwargs: Unpack[LayerArguments]):
        super().__init__(**{"autocast": False, **kwargs})
        self.supports_masking = True

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """The steps."""
        return tf.identity(inputs[0])

    def compute_mask(self, inputs: Sequence[tf.Tensor], previous_mask: object = None) -> tf.Tensor:
        """Which steps have a token (rows, steps)."""
        return ops.greater_equal(inputs[1], 0)

    def compute_output_spec(self, inputs: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        """That of the steps."""
        return keras.KerasTensor(inputs[0].shape, inputs[0].dtype)
