"""Recipes that train Keras models.

`load` and `train` are the front door; `keras_recipes.schedules`, `.callbacks` and `.models` hold
parts that work in any `model.compile` and `model.fit`. Importing this package imports neither
Keras nor TensorFlow: they come in with the first recipe that trains.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .recipes import (
        DataError,
        Recipe,
        RecipeError,
        RequestError,
        TrainingFailed,
        load,
        train,
    )

__all__ = [
    "DataError",
    "Recipe",
    "RecipeError",
    "RequestError",
    "TrainingFailed",
    "load",
    "train",
]


def __getattr__(name: str) -> Any:
    # Even the recipe language waits for its first use: `--help` should not pay for it.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import recipes

    return getattr(recipes, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
