"""Learning-rate schedules for any `model.compile`, and by name in a recipe."""

from .base import Constant, Curve
from .compose import Sequential, Warmup
from .cosine import Cosine
from .exponential import Exponential
from .piecewise import PiecewiseConstant, PiecewiseLinear
from .polynomial import Polynomial
from .table import SCHEDULES

__all__ = [
    "SCHEDULES",
    "Constant",
    "Cosine",
    "Curve",
    "Exponential",
    "PiecewiseConstant",
    "PiecewiseLinear",
    "Polynomial",
    "Sequential",
    "Warmup",
]
