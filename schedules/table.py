"""The schedules that a recipe can name."""

from .base import Constant
from .compose import Sequential, Warmup
from .cosine import Cosine
from .exponential import Exponential
from .piecewise import PiecewiseConstant, PiecewiseLinear
from .polynomial import Polynomial

SCHEDULES = {
    "constant": Constant,
    "piecewise_constant": PiecewiseConstant,
    "piecewise_linear": PiecewiseLinear,
    "exponential": Exponential,
    "polynomial": Polynomial,
    "cosine": Cosine,
    "warmup": Warmup,
    "sequential": Sequential,
}
