"""A model as a SavedModel of TensorFlow."""

from pathlib import Path
from typing import Any

import keras

from .runtime import SERVE
from .served import Served


def write(served: Served, path: Path) -> None:
    """Write the folder of a SavedModel, whose one signature is the model."""
    archive: Any = keras.export.ExportArchive()
    archive.track(served.model)
    archive.add_endpoint(SERVE, served.function(), input_signature=served.specs)
    archive.write_out(str(path), verbose=False)
