"""The data of a recipe. Imports no TensorFlow, so that a mistake in the data shows at once."""

from dataclasses import replace
from typing import Any

import numpy as np

from ..spec import Choice, Recipe
from .data import Data, Split, Splits, load_data


def data_of(recipe: Recipe, arrays: tuple[Any, Any] | None = None) -> Data:
    """Load, check and split what a recipe's `data` section names.

    Args:
        arrays: `(x, y)` for the source `arrays`, from Python.

    Raises:
        DataError: the data cannot be used as the recipe asks.
    """
    section = recipe.data
    data = load_data(
        section.source.name,
        section.source.arguments,
        splits=Splits(validation=_part(section.validation), test=_part(section.test)),
        scale=section.scale,
        seed=recipe.seed if section.seed is None else section.seed,
        limit=section.limit,
        arrays=arrays,
    )
    return data if section.bootstrap is None else resampled(data, section.bootstrap)


def resampled(data: Data, seed: int) -> Data:
    """The same data with as many training rows, drawn from them with replacement (bagging)."""
    rows = len(data.train.y)
    drawn = np.random.default_rng(seed).integers(0, rows, rows)
    return replace(data, train=Split(data.train.x[drawn], data.train.y[drawn]))


def _part(part: Any) -> Any:
    """A split by fraction or count as it is; a file of its own as (name, arguments)."""
    return (part.name, part.arguments) if isinstance(part, Choice) else part
