"""The data of a recipe. Imports no TensorFlow, so that a mistake in the data shows at once."""

from typing import Any

from ..spec import Choice, Recipe
from .data import Data, Splits, load_data


def data_of(recipe: Recipe, arrays: tuple[Any, Any] | None = None) -> Data:
    """Load, check and split what a recipe's `data` section names.

    Args:
        arrays: `(x, y)` for the source `arrays`, from Python.

    Raises:
        DataError: the data cannot be used as the recipe asks.
    """
    section = recipe.data
    return load_data(
        section.source.name,
        section.source.arguments,
        splits=Splits(validation=_part(section.validation), test=_part(section.test)),
        scale=section.scale,
        seed=recipe.seed,
        limit=section.limit,
        arrays=arrays,
    )


def _part(part: Any) -> Any:
    """A split by fraction or count as it is; a file of its own as (name, arguments)."""
    return (part.name, part.arguments) if isinstance(part, Choice) else part
