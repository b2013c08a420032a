"""Tables made in a test."""

import pyarrow as pa

from keras_recipes.recipes.data.cell_types import typed
from keras_recipes.recipes.data.frame import Frame


def frame_of_cells(**columns) -> Frame:
    """A table of cells as a file has them, in their types."""
    cells = {name: typed(pa.array([str(c) for c in column])) for name, column in columns.items()}
    return Frame(cells, "rows")
