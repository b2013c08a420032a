"""Everything about recipes: the language, the assembler, the runner and the command line."""

from typing import TYPE_CHECKING

from .errors import DataError, Problem, RecipeError, RequestError, TrainingFailed

if TYPE_CHECKING:
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


def __getattr__(name: str) -> object:
    # A process that serves an exported model should not pay for the recipe language.
    if name not in ("Recipe", "load", "train"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import front

    return getattr(front, name)
