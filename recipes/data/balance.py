"""Weights and draws that make up for classes of which some are rare; from the training rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Resampling:
    """How an epoch's rows are drawn so that all classes are equally frequent.

    Each class has `rows / classes` places in an epoch (to within one row). A class with fewer rows
    than places fills them with all its rows as often as that goes, and a draw of them without
    replacement for the rest; a class with more rows is drawn from without replacement.

    Attributes:
        rows: the rows that may be drawn, one entry a copy.
        groups: for each entry its class and copy as one number, rising along the entries.
        chosen: places of the entries that make up an epoch, once each group is shuffled by itself.
    """

    rows: np.ndarray
    groups: np.ndarray
    chosen: np.ndarray


@dataclass(frozen=True)
class Balance:
    """What makes up for rare classes in training; at most one of the two.

    Attributes:
        weights: of the loss of each row (rows,), or of each label of it (rows, labels); of several
            outputs those of each by name.
        resampling: how an epoch's rows are drawn.
    """

    weights: np.ndarray | Mapping[str, np.ndarray] | None = None
    resampling: Resampling | None = None


def class_weights(y: np.ndarray, classes: int) -> np.ndarray:
    """The weight of each class, `n / (k * n_c)`: scikit-learn's `balanced`.

    Args:
        y: class numbers (rows,).
        classes: how many there are; those without a row do not count as one of the k.

    Returns:
        Weights (classes,), 0 for a class without a row. The mean weight of a row is 1.

    >>> class_weights(np.array([0, 0, 0, 1]), 2).round(3).tolist()
    [0.667, 2.0]
    """
    counts = np.bincount(y, minlength=classes)
    present = np.count_nonzero(counts)
    return np.where(counts > 0, len(y) / (present * np.maximum(counts, 1)), 0.0)


def row_weights(y: np.ndarray, classes: int) -> np.ndarray:
    """The weight of each row by its class (rows,), or of each label of it (rows, labels).

    Args:
        y: class numbers (rows,), or labels of 0 and 1 (rows, labels).
    """
    if y.ndim == 1:
        return class_weights(y, classes)[y].astype("float32")
    columns = [row_weights(labels.astype("int64"), 2) for labels in y.T]
    return np.stack(columns, axis=1)


def resampling(y: np.ndarray) -> Resampling:
    """How rows with these class numbers (rows,) are drawn, as many as there are."""
    present, counts = np.unique(y, return_counts=True)
    places = np.full(len(present), len(y) // len(present))
    places[: len(y) % len(present)] += 1
    rows, groups, chosen = [], [], []
    entries = group = 0
    for label, count, share in zip(present, counts, places, strict=True):
        copies = max(1, -(-int(share) // int(count)))
        rows.append(np.tile(np.flatnonzero(y == label), copies))
        groups.append(group + np.repeat(np.arange(copies), count))
        chosen.append(entries + np.arange(share))
        entries += copies * int(count)
        group += copies
    return Resampling(
        np.concatenate(rows).astype("int32"),
        np.concatenate(groups).astype("int32"),
        np.concatenate(chosen).astype("int32"),
    )


def focal_label_weights(y: np.ndarray) -> np.ndarray:
    """The weight of each answer to labels of 0 and 1 (rows, labels) in a focal loss."""
    columns = [np.array(focal_alpha(labels, 2))[labels] for labels in y.T.astype("int64")]
    return np.stack(columns, axis=1).astype("float32")


def focal_alpha(y: np.ndarray, classes: int) -> tuple[float, ...]:
    """The weights of classes in a focal loss: `class_weights` that sum to 1.

    >>> focal_alpha(np.array([0, 0, 0, 1]), 2)
    (0.25, 0.75)
    """
    weights = class_weights(y, classes)
    return tuple((weights / weights.sum()).tolist())
