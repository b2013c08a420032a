"""Pictures in the form that a network of `keras.applications` was trained on."""

from __future__ import annotations

import keras
import numpy as np

# Means and deviations of ImageNet's red, green and blue: of pixels from 0 to 255, and from 0 to 1.
CAFFE_MEANS = (123.68, 116.779, 103.939)
MEANS, DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def in_colour(tensor: keras.KerasTensor) -> keras.KerasTensor:
    """A picture of three channels: a grey one, of one channel or none, three times.

    Args:
        tensor: Keras tensor (rows, height, width), or with channels.

    Raises:
        ValueError: it is no picture of one or three channels.

    >>> in_colour(keras.Input((8, 8))).shape
    (None, 8, 8, 3)
    """
    if len(tensor.shape) == 3:
        tensor = keras.layers.Reshape((*tensor.shape[1:], 1), name="channel")(tensor)
    if len(tensor.shape) != 4 or tensor.shape[-1] not in (1, 3):
        shape = tuple(tensor.shape[1:])
        raise ValueError(
            "takes pictures (height, width, channels) of 1 or 3 channels, and a row of the data "
            f"has shape {shape}."
        )
    if tensor.shape[-1] == 3:
        return tensor
    return keras.layers.Concatenate(name="colours")([tensor] * 3)


def signed(tensor: keras.KerasTensor) -> keras.KerasTensor:
    """Pixels from 0 to 255 as x / 127.5 - 1, from -1 to 1."""
    return keras.layers.Rescaling(1 / 127.5, -1.0, name="pixels")(tensor)


def caffe(tensor: keras.KerasTensor) -> keras.KerasTensor:
    """Pixels from 0 to 255 in the order blue, green, red, less the means of ImageNet."""
    colours = [tensor[..., index : index + 1] for index in (2, 1, 0)]
    reversed_ = keras.layers.Concatenate(name="blue_green_red")(colours)
    return rescaled(reversed_, np.ones(3), -np.array(CAFFE_MEANS[::-1]))


def torch(tensor: keras.KerasTensor) -> keras.KerasTensor:
    """Pixels from 0 to 255 as (x / 255 - mean) / deviation of ImageNet's colours."""
    deviations = np.array(DEVIATIONS)
    return rescaled(tensor, 1 / (255 * deviations), -np.array(MEANS) / deviations)


def rescaled(
    tensor: keras.KerasTensor, factors: np.ndarray, shifts: np.ndarray
) -> keras.KerasTensor:
    """Pixels times factors plus shifts, of each channel or of all."""
    # Keras takes arrays too, which its annotations do not say.
    return keras.layers.Rescaling(
        factors.astype("float32"),  # type: ignore[arg-type]
        shifts.astype("float32"),  # type: ignore[arg-type]
        name="pixels",
    )(tensor)
