"""Keras on TensorFlow, imported without the noise."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import RequestError
from ..spec import plugins


def use_tensorflow() -> None:
    """Import Keras on TensorFlow; refuse another backend.

    Raises:
        RequestError: Keras is set to run on another backend here.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if "tensorflow" not in sys.modules:
        with _quiet():
            import tensorflow as tf

            tf.constant(0.0)  # the first operation has more to say
    import keras

    if keras.backend.backend() != "tensorflow":
        raise RequestError(
            f"Keras runs on {keras.backend.backend()} here; recipes train on TensorFlow. "
            "Set KERAS_BACKEND=tensorflow."
        )
    plugins.register()


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what TensorFlow's C++ prints while it starts; show it only if that fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
