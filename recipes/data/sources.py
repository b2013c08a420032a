"""The data sources a recipe can name."""

from collections.abc import Callable

from .bundled import breast_cancer, diabetes, digits, iris, wine
from .keras_sets import california_housing, cifar10, cifar100, fashion_mnist, mnist
from .npz import npz
from .source import Source
from .table import csv

SOURCES: dict[str, Callable[..., Source]] = {
    "digits": digits,
    "iris": iris,
    "wine": wine,
    "breast_cancer": breast_cancer,
    "diabetes": diabetes,
    "npz": npz,
    "csv": csv,
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "california_housing": california_housing,
}
