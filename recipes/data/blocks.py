"""Rows that are read by index, where they are no array in memory."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


class Block(ABC):
    """Rows (rows, ...) of numbers that are made when they are read.

    It stands where an array of rows stands, as the input of a split or as one of several by name:
    pictures that are decoded from files, or windows over a series.

    Attributes:
        shape: as that of an array; the first axis counts rows.
        dtype: of the numbers.
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @abstractmethod
    def gather(self, chosen: "tf.Tensor") -> "tf.Tensor":
        """The rows of these indices (count,), in TensorFlow, within the map of a dataset."""

    @abstractmethod
    def take(self, rows: np.ndarray) -> Self:
        """A block of the rows of these indices, in their order, of which none is read yet."""

    @abstractmethod
    def __getitem__(self, rows: slice) -> np.ndarray:
        """The rows of a slice as an array."""
