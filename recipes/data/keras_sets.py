"""Data sets of `keras.datasets`: from Keras's cache, else downloaded by Keras."""

import contextlib
import importlib
import os
import socket
import sys
from pathlib import Path
from typing import Any

from ..errors import DataError
from .npz import npz
from .source import Source, Task, checked

# Where nothing answers, a download should not hang for minutes.
SECONDS_TO_ANSWER = 20


def _load(name: str, file: str, task: Task, **arguments: Any) -> Source:
    datasets: Any = importlib.import_module("keras.datasets")
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS_TO_ANSWER)
    try:
        # Keras tells of a download on stdout, which belongs to results.
        with contextlib.redirect_stdout(sys.stderr):
            (x, y), test = getattr(datasets, name).load_data(**arguments)
    # Keras raises what its download met as a bare Exception, and a broken file can raise anything.
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise DataError(
            f"{name}: is neither in Keras's cache nor could be downloaded ({reason}). Go online, "
            f"or put {file} into {_cache()}."
        ) from None
    finally:
        socket.setdefaulttimeout(before)
    source = checked(x, y, name, task=task)
    own = checked(test[0], test[1], f"{name}, test", task=task)
    return Source(source.x, source.y, task, source.pixels, (own.x, own.y))


def _archive(file: str, name: str) -> str:
    return f"{file}.tar.gz, renamed to {name}-target_archive,"


def _cache() -> Path:
    """Where Keras looks for files."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "datasets"


def mnist() -> Source:
    """60,000 + 10,000 handwritten digits, 28 x 28 pixels, 10 classes."""
    cached = _cache() / "mnist.npz"
    if cached.is_file():
        # Keras downloads again what differs from its own encoding of the set by a single byte; a
        # file that somebody put here is taken at its word. Its content is in the fingerprint.
        return npz(str(cached), "x_train", "y_train", "x_test", "y_test")
    return _load("mnist", "mnist.npz", "classification")


def fashion_mnist() -> Source:
    """60,000 + 10,000 pieces of clothing, 28 x 28 pixels, 10 classes."""
    return _load("fashion_mnist", "its four .gz files in a folder fashion-mnist", "classification")


def cifar10() -> Source:
    """50,000 + 10,000 photographs, 32 x 32 pixels of 3 colours, 10 classes."""
    return _load("cifar10", _archive("cifar-10-python", "cifar-10-batches-py"), "classification")


def cifar100() -> Source:
    """50,000 + 10,000 photographs, 32 x 32 pixels of 3 colours, 100 classes."""
    return _load("cifar100", _archive("cifar-100-python", "cifar-100-python"), "classification")


def california_housing() -> Source:
    """20,640 districts, 8 measures; the median price of a house."""
    return _load("california_housing", "california_housing.npz", "regression", version="large")
