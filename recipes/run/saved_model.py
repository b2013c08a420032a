"""A saved model on the backend that recipes train on."""

import os

import keras

from ..build.saved_model import load_model
from .backend import use_tensorflow


def open_model(path: str | os.PathLike, *, compiled: bool = False) -> keras.Model:
    """As `build.saved_model.load_model`, with TensorFlow and the plugins ready.

    Raises:
        ModelFileError: there is no such file, or it is not only a model.
    """
    use_tensorflow()
    return load_model(path, compiled=compiled)
