"""Data sets of `keras.datasets`: from Keras's cache, else downloaded by Keras."""

import importlib
import socket
import urllib.error
from typing import Any

from ...errors import DataError
from .source import Source, Task, checked

# Where nothing answers, a download should not hang for minutes.
SECONDS_TO_ANSWER = 20


def _load(name: str, file: str, task: Task, **arguments: Any) -> Source:
    datasets: Any = importlib.import_module("keras.datasets")
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS_TO_ANSWER)
    try:
        (x, y), test = getattr(datasets, name).load_data(**arguments)
    except (OSError, urllib.error.URLError, ValueError, EOFError) as error:
        raise DataError(
            f"{name}: is neither in Keras's cache nor could be downloaded "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]}). "
            f"Put {file} into the folder `datasets` of Keras's home (~/.keras, or KERAS_HOME), "
            "or go online."
        ) from None
    except Exception as error:
        # Keras re-raises what its download met as a bare Exception.
        if type(error) is not Exception:
            raise
        raise DataError(
            f"{name}: could not be downloaded ({' '.join(str(error).split())[:200]}). Put {file} "
            "into the folder `datasets` of Keras's home (~/.keras, or KERAS_HOME), or go online."
        ) from None
    finally:
        socket.setdefaulttimeout(before)
    source = checked(x, y, name, task=task)
    own = checked(test[0], test[1], f"{name}, test", task=task)
    return Source(source.x, source.y, task, source.pixels, (own.x, own.y))


def mnist() -> Source:
    """60,000 + 10,000 handwritten digits, 28 x 28 pixels, 10 classes."""
    return _load("mnist", "mnist.npz", "classification")


def fashion_mnist() -> Source:
    """60,000 + 10,000 pieces of clothing, 28 x 28 pixels, 10 classes."""
    return _load("fashion_mnist", "fashion-mnist", "classification")


def cifar10() -> Source:
    """50,000 + 10,000 photographs, 32 x 32 pixels of 3 colours, 10 classes."""
    return _load("cifar10", "cifar-10-batches-py-target", "classification")


def cifar100() -> Source:
    """50,000 + 10,000 photographs, 32 x 32 pixels of 3 colours, 100 classes."""
    return _load("cifar100", "cifar-100-python", "classification")


def california_housing() -> Source:
    """20,640 districts, 8 measures; the median price of a house."""
    return _load("california_housing", "california_housing.npz", "regression", version="large")
