"""Data of a recipe: sources, splits, scaling and the order of batches."""

from .load import Data, Split, load_data
from .rows import read_rows
from .split import Splits

__all__ = ["Data", "Split", "Splits", "load_data", "read_rows"]
