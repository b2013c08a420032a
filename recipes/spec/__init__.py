"""The recipe language. Imports neither Keras nor TensorFlow."""

from .choices import Choice, Residual
from .dump import defaults, dump
from .durations import Duration
from .json_schema import json_schema
from .load import load
from .schema import Recipe

__all__ = ["Choice", "Duration", "Recipe", "Residual", "defaults", "dump", "json_schema", "load"]
