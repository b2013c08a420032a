"""Types that Keras's own signatures leave out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, TypedDict

import keras
import tensorflow as tf

# Keras annotates its operations with the tensors of every backend.
ops: ModuleType = keras.ops

# A size of each axis; None where it is not known.
Shape = tuple[int | None, ...]
# Constructor arguments by name, as `get_config` gives them and `from_config` takes them.
Config = dict[str, Any]
# One tensor, or of several inputs or outputs each by name.
Tensors = tf.Tensor | Mapping[str, tf.Tensor]
# Inputs, targets and sample weights of a batch, each of any structure, or None.
Batch = tuple[Any, Any, Any]
# What `train_step` and the like return: metrics by name.
Logs = dict[str, tf.Tensor]


class LayerArguments(TypedDict, total=False):
    """The arguments that every Keras layer takes beside its own."""

    name: str | None
    dtype: str | keras.DTypePolicy | None
    trainable: bool
    autocast: bool
    activity_regularizer: keras.Regularizer | str | None
    input_shape: Sequence[int | None]
