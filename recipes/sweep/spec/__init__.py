"""The sweep language. Imports neither Keras nor keras-tuner."""

from .load import load_sweep, overrides_of, trial_recipe
from .records import Algorithm, Choice, Fixed, Int, LogUniform, Objective, Parameter, Sweep, Uniform

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
