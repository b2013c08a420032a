"""Import Keras on TensorFlow, without its start-up messages."""

import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from ..errors import RequestError
from ..spec import catalog, keras_version, plugins


def use_tensorflow(first: Callable[[], None] | None = None) -> None:
    """Import Keras on TensorFlow; refuse another backend, and warn about an untested version.

    Args:
        first: called before TensorFlow's first operation, where it is not running yet.

    Raises:
        RequestError: Keras is set to run on another backend here.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # A GPU is shared with others, and its memory taken as it is needed, not all of it at once.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    if "tensorflow" not in sys.modules:
        with _quiet():
            import tensorflow as tf

            if first is not None:
                first()
            tf.constant(0.0)  # the first operation prints more messages
    elif first is not None:
        first()
    import keras

    if keras.backend.backend() != "tensorflow":
        raise RequestError(
            f"Keras runs on {keras.backend.backend()} here; recipes train on TensorFlow. "
            "Set KERAS_BACKEND=tensorflow."
        )
    plugins.register()
    warn_of_untested_keras(keras.__version__)


@cache
def warn_of_untested_keras(version: str) -> None:
    """Warn once about a Keras version that this package was not tested with."""
    if not keras_version.tested(version):
        minors = catalog.minors()
        warnings.warn(
            f"Keras {version} is installed; keras-recipes is tested with Keras {minors[0]} to "
            f"{minors[-1]}. Install one of them if a run fails in Keras.",
            stacklevel=3,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what TensorFlow's C++ prints while it starts; show it only if that fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        except BaseException:
            file.seek(0)
            os.write(kept, file.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
