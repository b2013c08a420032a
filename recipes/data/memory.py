"""Arrays placed so that TensorFlow reads them where they are."""

from typing import Any

import numpy as np

# TensorFlow's kernels take memory that begins at a multiple of this many bytes, NumPy gives less.
ALIGNMENT = 64


def aligned(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array to be filled, placed as TensorFlow wants it."""
    size = int(np.prod(shape, dtype="int64")) * np.dtype(dtype).itemsize
    memory = np.empty(size + ALIGNMENT, dtype="uint8")
    first = -memory.ctypes.data % ALIGNMENT
    return memory[first : first + size].view(dtype).reshape(shape)


def placed(array: np.ndarray) -> np.ndarray:
    """The array itself where TensorFlow can read it, else a copy that it can."""
    flags = array.flags
    if flags.c_contiguous and flags.writeable and array.ctypes.data % ALIGNMENT == 0:
        return array
    copy = aligned(array.shape, array.dtype)
    np.copyto(copy, array)
    return copy


def picked(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`array[rows]`, placed as TensorFlow wants it."""
    chosen = aligned((len(rows), *array.shape[1:]), array.dtype)
    # With the mode `raise` NumPy would write to a second array first.
    return np.take(array, rows, axis=0, out=chosen, mode="clip")
