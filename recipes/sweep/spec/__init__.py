"""The sweep language. Imports neither Keras nor keras-tuner."""

from .domains import Choice, Fixed, Int, LogUniform, Uniform
from .load import load_sweep, overrides_of, trial_recipe
from .records import Algorithm, Objective, Parameter, Sweep

__all__ = [
    "Algorithm",
    "Choice",
    "Fixed",
    "Int",
    "LogUniform",
    "Objective",
    "Parameter",
    "Sweep",
    "Uniform",
    "load_sweep",
    "overrides_of",
    "trial_recipe",
]
