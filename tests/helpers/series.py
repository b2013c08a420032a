"""Made-up series, as tables of text."""

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from keras_recipes.recipes.data.cell_types import typed
from keras_recipes.recipes.data.frame import Frame

START = datetime(2024, 1, 1)


def hours(count: int, first: int = 0) -> list[str]:
    """Times an hour apart."""
    return [str(START + timedelta(hours=first + hour)) for hour in range(count)]


def frame(columns: Mapping[str, Sequence[Any]]) -> Frame:
    """Columns as a table that was read from a file."""
    cells = {name: typed(pa.array([str(c) for c in column])) for name, column in columns.items()}
    return Frame(cells, "rows")


def write(path: Path, columns: Mapping[str, Sequence[Any]]) -> Path:
    """Write columns as a CSV file."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def daily(rows: int, seed: int = 0) -> np.ndarray:
    """A value an hour with a season of a day, and noise (rows,)."""
    noise = np.random.default_rng(seed).normal(0, 0.1, rows)
    return np.sin(np.arange(rows) * 2 * np.pi / 24) + noise + 3
