"""Layers that scale raw rows, and that bring scaled outputs back to the unit of the targets."""

import keras
import numpy as np

from ..data.scale import Scaling

# Divisors that Keras's Normalization layer takes: it divides by no less than 1e-7, and their
# squares must be 32-bit floats.
DIVISORS = (1e-6, 1e18)


def scaling_layer(scaling: Scaling, dtype: str | None = None) -> keras.layers.Layer | None:
    """A layer that scales raw rows, or None where there is nothing to do.

    Args:
        dtype: what it computes in; by default what all layers do.
    """
    offset, divisor = scaling.offset, scaling.divisor
    if scaling.kind == "none":
        return None
    if offset.ndim == 0:
        factor = 1.0 / float(divisor)
        return keras.layers.Rescaling(factor, -float(offset) * factor, name="scaling")
    if dtype == "float64":
        # As arrays: Keras would read lists as 32-bit numbers.
        return _rescaling(1.0 / divisor, -offset / divisor, "scaling", dtype)
    if divisor.min() < DIVISORS[0] or divisor.max() > DIVISORS[1]:
        factors, shifts = (1.0 / divisor).astype("float32"), (-offset / divisor).astype("float32")
        return _rescaling(factors, shifts, "scaling")
    return keras.layers.Normalization(
        axis=tuple(range(1, offset.ndim + 1)),  # type: ignore[arg-type]
        mean=offset.astype("float32"),
        variance=np.square(divisor).astype("float32"),
        name="scaling",
    )


def unscaling_layer(scaling: Scaling, name: str) -> keras.layers.Layer:
    """A layer that brings scaled numbers (rows, columns) back to their unit."""
    if scaling.offset.size == 1:
        return keras.layers.Rescaling(
            float(scaling.divisor[0]), float(scaling.offset[0]), name=name
        )
    return _rescaling(scaling.divisor.astype("float32"), scaling.offset.astype("float32"), name)


def _rescaling(
    factors: np.ndarray, shifts: np.ndarray, name: str, dtype: str | None = None
) -> keras.layers.Layer:
    # Keras takes arrays too, which its annotations do not say.
    return keras.layers.Rescaling(factors, shifts, name=name, dtype=dtype)  # type: ignore[arg-type]
