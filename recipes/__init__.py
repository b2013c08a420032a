"""Everything about recipes: the language, the assembler, the runner and the command line."""

from .errors import DataError, Problem, RecipeError, RequestError, TrainingFailed
from .front import Recipe, load, train

__all__ = [
    "DataError",
    "Problem",
    "Recipe",
    "RecipeError",
    "RequestError",
    "TrainingFailed",
    "load",
    "train",
]
