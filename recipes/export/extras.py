"""The packages of the extra `export`, which are optional."""

import importlib
from types import ModuleType

from ..errors import RequestError

INSTALL = "`pip install 'keras-recipes[export]'`"


def library(name: str) -> ModuleType:
    """A module of an optional package.

    Raises:
        RequestError: it is not installed, or cannot be imported.
    """
    package = name.partition(".")[0]
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if error.name == package:
            raise RequestError(f"needs the package `{package}`: {INSTALL}.") from None
        why = " ".join(str(error).split())[:300]
        raise RequestError(f"`{package}` cannot be imported ({why}). Try {INSTALL}.") from None
