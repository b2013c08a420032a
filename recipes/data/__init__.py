"""Data of a recipe: sources, splits, scaling and the order of batches."""

from .load import load_data
from .loaded import Data, Split
from .rows import read_rows
from .split import Splits

__all__ = ["Data", "Split", "Splits", "load_data", "read_rows"]
