"""The one place where a saved model, or weights, are loaded: always in Keras's safe mode.

What a file holds is looked through first, by `model_file`.
"""

import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from .backend import use_tensorflow
from .model_file import CONFIG, ModelFileError, check_model, check_weights, first_line, readable

if TYPE_CHECKING:
    import keras

# Keras makes small states, such as those of random generators, that no file accounts for.
SPARE_NUMBERS = 1 << 16


def open_model(path: str | os.PathLike, *, compiled: bool = False) -> "keras.Model":
    """The model of a `.keras` file, whoever wrote it.

    It runs no code, reads no other file, and takes no more memory for weights than the file has
    weights. Classes are those of Keras, of this package, and those that the user has imported.

    Args:
        compiled: with its optimizer and the optimizer's state.

    Raises:
        ModelFileError: there is no such file, or it is not only a model.
    """
    file = Path(path)
    if file.suffix != ".keras":
        raise ModelFileError(f"{file}: expected a `.keras` file.")
    use_tensorflow()
    _register_own_classes()
    import keras

    numbers = check_model(file)
    with readable(file):
        _check_weight_count(file, numbers + SPARE_NUMBERS)
        model = keras.models.load_model(file, compile=compiled, safe_mode=True)
    if not isinstance(model, keras.Model):
        raise ModelFileError(f"{file}: holds a {type(model).__name__}; expected a model.")
    return model


def _check_weight_count(file: Path, most: int) -> None:
    """Refuse a model with more weights than `most`, before memory is taken for them."""
    import keras

    from ..build.capacity import unallocated_weights

    with zipfile.ZipFile(file) as archive:
        config = json.loads(archive.read(CONFIG))
    # Without its optimizer, whose variables are no more than a few for each weight.
    config["compile_config"] = None
    with unallocated_weights(discard=True):
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    if isinstance(model, keras.Model) and model.count_params() > most:
        raise ModelFileError(
            f"{file}: its layers have more weights than the file holds; the file is damaged or "
            "hostile."
        )


def load_weights(model: "keras.Model", path: str | os.PathLike) -> None:
    """Give a built model the weights of a `.weights.h5` file, whoever wrote it.

    Raises:
        ModelFileError: there is no such file, it is not only arrays, or they do not fit.
    """
    file = Path(path)
    check_weights(file)
    with readable(file):
        try:
            model.load_weights(file)
        except ValueError as error:
            raise ModelFileError(f"{file}: does not fit: {first_line(error)}") from None


def _register_own_classes() -> None:
    """Import the classes of this package that a saved model may have."""
    from ... import models, pretraining, schedules  # noqa: F401
