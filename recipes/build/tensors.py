"""Inputs of networks, as what they are: Keras's annotations say that an input may be a list."""

from typing import Any

import keras


def input_tensor(
    shape: tuple[int | None, ...], name: str | None = None, dtype: str | None = None
) -> keras.KerasTensor:
    """An input of a network, for rows of a shape."""
    tensor: Any = keras.Input(shape, name=name, dtype=dtype)
    return tensor
