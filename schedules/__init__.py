"""Learning-rate schedules for any `model.compile`, and by name in a recipe."""

from .base import Constant, Curve
from .compose import Clamp, Noise, Product, Repeat, Scale, Sequential
from .cosine import Cosine, CosineRestarts
from .cyclic import Cyclic
from .exponential import Exponential
from .expression import Expression
from .flat_cosine import FlatCosine
from .inverse import InverseSquareRoot, InverseTime, Noam
from .linear import Linear
from .one_cycle import OneCycle, OneCycleMomentum
from .phased import Phased
from .piecewise import PiecewiseConstant, PiecewiseCosine, PiecewiseLinear
from .plateau import Plateau
from .polynomial import Polynomial
from .stepwise import Multiplicative, MultiStep, Step
from .tanh import Tanh
from .warmup import Cooldown, Warmup
from .warmup_stable_decay import WarmupStableDecay

__all__ = [
    "SCHEDULES",
    "Clamp",
    "Constant",
    "Cooldown",
    "Cosine",
    "CosineRestarts",
    "Curve",
    "Cyclic",
    "Exponential",
    "Expression",
    "FlatCosine",
    "InverseSquareRoot",
    "InverseTime",
    "Linear",
    "MultiStep",
    "Multiplicative",
    "Noam",
    "Noise",
    "OneCycle",
    "OneCycleMomentum",
    "Phased",
    "PiecewiseConstant",
    "PiecewiseCosine",
    "PiecewiseLinear",
    "Plateau",
    "Polynomial",
    "Product",
    "Repeat",
    "Scale",
    "Sequential",
    "Step",
    "Tanh",
    "Warmup",
    "WarmupStableDecay",
]

# Name in a recipe -> class.
SCHEDULES = {
    "clamp": Clamp,
    "constant": Constant,
    "cooldown": Cooldown,
    "cosine": Cosine,
    "cosine_restarts": CosineRestarts,
    "cyclic": Cyclic,
    "exponential": Exponential,
    "expression": Expression,
    "flat_cosine": FlatCosine,
    "inverse_square_root": InverseSquareRoot,
    "inverse_time": InverseTime,
    "linear": Linear,
    "multi_step": MultiStep,
    "multiplicative": Multiplicative,
    "noam": Noam,
    "noise": Noise,
    "one_cycle": OneCycle,
    "one_cycle_momentum": OneCycleMomentum,
    "piecewise_constant": PiecewiseConstant,
    "piecewise_cosine": PiecewiseCosine,
    "piecewise_linear": PiecewiseLinear,
    "plateau": Plateau,
    "polynomial": Polynomial,
    "product": Product,
    "repeat": Repeat,
    "scale": Scale,
    "sequential": Sequential,
    "step": Step,
    "tanh": Tanh,
    "warmup": Warmup,
    "warmup_stable_decay": WarmupStableDecay,
}
