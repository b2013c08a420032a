"""From the outputs of a network to decisions, in NumPy alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def probabilities(outputs: ArrayLike, function: str | None) -> np.ndarray:
    """Outputs (rows, units) as they are, or logits through a `sigmoid` or `softmax`, float32."""
    p = np.asarray(outputs)
    if function == "sigmoid":
        wide = p.astype("float64")
        p = np.exp(-np.logaddexp(0, -wide))
    elif function == "softmax":
        wide = np.exp(p.astype("float64") - p.max(axis=-1, keepdims=True))
        p = wide / wide.sum(axis=-1, keepdims=True)
    elif function is not None:
        raise ValueError(f"Argument `function` must be sigmoid or softmax. Received: {function!r}")
    return p.astype("float32", copy=False)


def decided(
    probabilities: np.ndarray,
    labels: bool,
    thresholds: Sequence[float] | None,
    *,
    ordered: bool = False,
) -> np.ndarray:
    """Class numbers (rows,) or labels of 0 and 1 (rows, labels) by probabilities.

    The most probable class, or the median of ordered classes. With thresholds, the second of two
    classes, or each label, is decided on where its probability is above its threshold.
    """
    if labels:
        limits = 0.5 if thresholds is None else np.asarray(thresholds, "float64")
        return (probabilities.astype("float64") > limits).astype("uint8")
    if thresholds is not None:
        return (probabilities[:, 1].astype("float64") > thresholds[0]).astype("int64")
    return median(probabilities) if ordered else probabilities.argmax(axis=1)


def median(probabilities: np.ndarray) -> np.ndarray:
    """As `models.ordinal.median_class`, which needs Keras."""
    return np.sum(np.cumsum(probabilities, axis=1)[:, :-1] < 0.5, axis=1)
