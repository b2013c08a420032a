"""The types of what a model takes and gives."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

# One tensor, or of several inputs or outputs each by name.
Tensors = tf.Tensor | Mapping[str, tf.Tensor]
