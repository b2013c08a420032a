"""A disk that fails: what stands for `os` in every module that writes."""

from importlib import import_module
from pkgutil import iter_modules

from keras_recipes import disk

MODULES = [import_module(f"{disk.__name__}.{info.name}") for info in iter_modules(disk.__path__)]


def replace_os(patch, fake):
    """Let the modules of `disk` call `fake` for `os`, until the patch is undone."""
    for module in MODULES:
        if hasattr(module, "os"):
            patch.setattr(module, "os", fake)
