"""KerasHub, which is optional, and the saved models that need its classes."""

import importlib
from types import ModuleType

from ..errors import RequestError

# Where the classes of models are in it, as the config of a saved model has them.
MODULES = ("keras_hub.src.layers.", "keras_hub.src.models.")
# The layer of this package that begins a saved model of texts.
TOKENS = "keras_recipes>TextTokens"


def library() -> ModuleType:
    """The module `keras_hub`, which registers its classes with Keras.

    Raises:
        RequestError: it is not installed, or cannot be imported.
    """
    try:
        return importlib.import_module("keras_hub")
    except ImportError as error:
        install = "`pip install 'keras-recipes[hub]'`"
        if error.name == "keras_hub":
            raise RequestError(f"needs the package `keras_hub`: {install}.") from None
        why = " ".join(str(error).split())[:300]
        raise RequestError(f"`keras_hub` cannot be imported ({why}). Try {install}.") from None


def text_library() -> None:
    """Import tensorflow-text, whose operations split texts.

    Raises:
        RequestError: it is not installed, or cannot be imported.
    """
    try:
        importlib.import_module("tensorflow_text")
    # One that is built for another TensorFlow raises an error of TensorFlow.
    except Exception as error:
        install = "`pip install 'keras-recipes[hub]'`"
        if isinstance(error, ImportError) and error.name == "tensorflow_text":
            raise RequestError(f"texts need the package `tensorflow_text`: {install}.") from None
        why = " ".join(str(error).split())[:300]
        raise RequestError(
            f"`tensorflow_text` cannot be imported ({why}). It is built for one version of "
            f"TensorFlow. Try {install}."
        ) from None


def import_for(config: str | bytes) -> None:
    """Import KerasHub where the config of a saved model names a class of it.

    Raises:
        RequestError: it, or tensorflow-text for a model that begins with texts, is not there.
    """
    text = config if isinstance(config, str) else config.decode("utf-8", "replace")
    if f'"{TOKENS}"' in text:
        text_library()
    if any(f'"{module}' in text for module in MODULES):
        library()
