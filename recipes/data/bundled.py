"""Data sets that come inside scikit-learn and are there without a network."""

from collections.abc import Callable
from typing import Any

from .source import Source, Task, checked


def _load(loader: str, task: Task, *, pixels: bool = False) -> Source:
    from sklearn import datasets

    load: Callable[..., Any] = getattr(datasets, loader)
    x, y = load(return_X_y=True)
    return checked(x, y, loader.removeprefix("load_"), task=task, pixels=pixels)


def digits() -> Source:
    """1,797 images of handwritten digits, 8 x 8 pixels from 0 to 16, flat; 10 classes."""
    return _load("load_digits", "classification", pixels=True)


def iris() -> Source:
    """150 flowers, 4 measures, 3 classes."""
    return _load("load_iris", "classification")


def wine() -> Source:
    """178 wines, 13 measures, 3 classes."""
    return _load("load_wine", "classification")


def breast_cancer() -> Source:
    """569 tumours, 30 measures, 2 classes."""
    return _load("load_breast_cancer", "classification")


def diabetes() -> Source:
    """442 patients, 10 measures; how far the disease has progressed after a year."""
    return _load("load_diabetes", "regression")
