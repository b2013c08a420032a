"""The sweep language. Imports neither Keras nor keras-tuner."""

from .choices import Choice, Fixed
from .load import load_sweep, overrides_of, trial_recipe
from .ranges import Int, LogUniform, Uniform
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
