"""A user's own classes, from the modules that the user names and from installed packages.

A plugin is a module with a table, `KERAS_RECIPES = {"layers": {"my_layer": MyLayer}, ...}`. A
recipe cannot ask for one: `--plugin`, Python and the entry points of installed packages do.
"""

import importlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from pydantic import BaseModel

from ..errors import RequestError
from . import catalog, catalog_rows
from .choices import Choice, Residual
from .nodes import is_list
from .wording import listed, shown

GROUP = "keras_recipes.plugins"
TABLE = "KERAS_RECIPES"
# Kinds that a plugin may add to, each with the Keras class that its classes derive from.
BASES = {
    "layers": "keras.layers.Layer",
    "optimizers": "keras.optimizers.Optimizer",
    "losses": "keras.losses.Loss",
    "metrics": "keras.metrics.Metric",
    "initializers": "keras.initializers.Initializer",
    "regularizers": "keras.regularizers.Regularizer",
    "constraints": "keras.constraints.Constraint",
    "callbacks": "keras.callbacks.Callback",
    "schedules": "keras.optimizers.schedules.LearningRateSchedule",
}
FUNCTIONS = ("activations",)
KINDS = (*BASES, *FUNCTIONS, "gradient_transforms")
WORD = re.compile(r"[a-z][a-z0-9_]*")

# Name of each plugin as it was asked for -> its module.
_loaded: dict[str, ModuleType] = {}


def load_plugins(names: Sequence[str] = ()) -> None:
    """Make the classes of plugins known: of those that are named, and of installed ones.

    Args:
        names: importable modules, or paths of Python files. Modules of the working directory are
            found too.

    Raises:
        RequestError: a module cannot be imported, or its table is wrong.
    """
    for point in metadata.entry_points(group=GROUP):
        _enter(point.module, point.module, f"the installed plugin `{point.name}`")
    for name in names:
        _enter(name, name, f"--plugin {name}")
    register()


def is_loaded(name: str) -> bool:
    """Whether a plugin was loaded, from wherever its module stands."""
    return module_name(name) in {module_name(known) for known in _loaded}


def module_name(name: str) -> str:
    """The module that a plugin is: the name itself, or that of a file.

    >>> module_name("my_package.layers"), module_name("path/to/my_layers.py")
    ('my_package.layers', 'my_layers')
    """
    return Path(name).stem if _is_file(name) else name


def plugins_of(recipe: BaseModel) -> list[str]:
    """The plugins whose classes a recipe names, in order."""
    found = (catalog.entry(choice.kind, choice.name).plugin for choice in _choices(recipe))
    return sorted({name for name in found if name is not None})


def register() -> None:
    """Let Keras save and load the classes of plugins; nothing happens before Keras is imported.

    A class that registers itself keeps the name it chose.
    """
    keras = sys.modules.get("keras")
    if keras is None:
        return
    for name, module in _loaded.items():
        for target in (
            item for table in getattr(module, TABLE).values() for item in table.values()
        ):
            # A callback is no part of a saved model, and has no config.
            saved = inspect.isfunction(target) or hasattr(target, "get_config")
            known = keras.saving.get_registered_object(keras.saving.get_registered_name(target))
            if saved and known is not target:
                keras.saving.register_keras_serializable(package=module_name(name))(target)


def _choices(value: object) -> Iterator[Choice]:
    if isinstance(value, BaseModel):
        value = [getattr(value, name) for name in type(value).model_fields]
    elif isinstance(value, Residual):
        value = value.layers
    elif isinstance(value, Choice):
        yield value
        value = value.arguments
    if isinstance(value, Mapping):
        value = list(cast(Mapping[Any, Any], value).values())
    if is_list(value):
        for item in value:
            yield from _choices(item)


def _enter(name: str, source: str, asked: str) -> None:
    """Import a plugin, unless it is there already, and add its classes to the tables."""
    module = _loaded.get(name)
    if module is None:
        module = _imported(source, asked)
    table = getattr(module, TABLE, None)
    if not isinstance(table, Mapping):
        raise RequestError(
            f"{asked}: {module.__file__} has no table `{TABLE}`, a mapping such as "
            '{"layers": {"my_layer": MyLayer}}.'
        )
    entries = [
        _entry(name, asked, kind, word, target)
        for kind, classes in _kinds(cast(Mapping[Any, Any], table), asked)
        for word, target in classes.items()
    ]
    for entry in entries:
        catalog.tables()[entry.kind][entry.name] = entry
    _loaded[name] = module


def _kinds(table: Mapping[Any, Any], asked: str) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    for kind, classes in table.items():
        if kind not in KINDS:
            raise RequestError(
                f"{asked}: `{TABLE}` has the kind {shown(kind)}; a plugin may bring "
                f"{listed(KINDS)}."
            )
        if not isinstance(classes, Mapping):
            raise RequestError(
                f"{asked}: `{TABLE}[{kind!r}]` is not a mapping of names to classes. "
                f"Received {shown(classes)}."
            )
        yield kind, classes


def _entry(name: str, asked: str, kind: str, word: object, target: Any) -> catalog.Entry:
    place = f"{asked}: `{TABLE}[{kind!r}]`"
    if not isinstance(word, str) or not WORD.fullmatch(word):
        raise RequestError(
            f"{place} has the name {shown(word)}; a name has lowercase letters, digits and `_`."
        )
    wrong = _unfit(kind, target)
    if wrong:
        raise RequestError(f"{place}: `{word}` {wrong}. Received {shown(target)}.")
    known = catalog.tables()[kind].get(word)
    if known is not None and (
        known.plugin is None or module_name(known.plugin) != module_name(name)
    ):
        owner = "keras-recipes" if known.plugin is None else f"--plugin {known.plugin}"
        raise RequestError(f"{place}: `{word}` is a name of {owner} already; choose another.")
    arguments = _arguments(target)
    if kind == "layers":
        arguments = {**catalog.EVERY_LAYER, **arguments}
    row: catalog_rows.EntryRow = {
        "class": f"{target.__module__}.{target.__qualname__}",
        "arguments": arguments,
    }
    return replace(catalog.entry_of(kind, word, row), plugin=name)


def _unfit(kind: str, target: object) -> str | None:
    """Why an object cannot stand in the table of a kind, or None."""
    if kind in FUNCTIONS:
        if not callable(target) or inspect.isclass(target):
            return "is not a function"
    elif not inspect.isclass(target):
        return "is not a class"
    if "." in getattr(target, "__qualname__", "."):
        return "does not stand at the top of its module, where a saved model would look for it"
    base = BASES.get(kind)
    if base is not None and not (inspect.isclass(target) and _derives(target, base)):
        return f"is not a subclass of `{base}`"
    if kind == "layers" and not _takes_name(target):
        return "takes no `name`: let its constructor end in `**kwargs` and give them to its base"
    return None


def _derives(target: type, base: str) -> bool:
    # Where nothing has imported Keras yet, no class derives from one of Keras's.
    module, _, name = base.rpartition(".")
    found = sys.modules.get("keras")
    for part in module.split(".")[1:]:
        found = getattr(found, part, None)
    return found is not None and issubclass(target, getattr(found, name))


def _takes_name(target: Callable[..., object]) -> bool:
    parameters = inspect.signature(target).parameters.values()
    return any(p.name == "name" or p.kind is p.VAR_KEYWORD for p in parameters)


def _arguments(target: Callable[..., object]) -> catalog_rows.ArgumentRows:
    return {} if inspect.isfunction(target) else catalog.describe(target)


def _is_file(name: str) -> bool:
    return name.endswith(".py") or os.sep in name or "/" in name


def _imported(source: str, asked: str) -> ModuleType:
    """The module of a plugin; whatever its code raises becomes a message."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        if _is_file(source):
            return _from_file(Path(source), asked)
        _search(Path.cwd())
        return importlib.import_module(source)
    except ModuleNotFoundError as error:
        if error.name is not None and (source == error.name or source.startswith(f"{error.name}.")):
            raise RequestError(
                f"{asked}: cannot be imported: there is no module `{error.name}`, neither "
                "installed nor in the working directory."
            ) from None
        raise _broken(asked, error) from None
    except RequestError:
        raise
    except (Exception, SystemExit) as error:
        raise _broken(asked, error) from None


def _from_file(path: Path, asked: str) -> ModuleType:
    """Import a file as a module of its name, as if its folder were on the search path."""
    if not path.is_file():
        raise RequestError(f"{asked}: cannot be imported: there is no file {path}.")
    name, file = path.stem, str(path.resolve())
    found = sys.modules.get(name)
    origin = getattr(found, "__file__", None)
    if found is None:
        spec = importlib.util.find_spec(name)
        origin = None if spec is None else spec.origin
    if (found is not None or origin) and (origin is None or str(Path(origin).resolve()) != file):
        raise RequestError(
            f"{asked}: cannot be imported: another module is called `{name}`. Rename the file."
        )
    if found is not None:
        return found
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise RequestError(
            f"{asked}: cannot be imported: {path} is not a Python file; expected .py."
        )
    _search(path.resolve().parent)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _search(folder: Path) -> None:
    # Last, so that no file of a folder takes the place of an installed module.
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _broken(asked: str, error: BaseException) -> RequestError:
    """What a plugin raised while it was imported, and where."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen") and frame.filename != __file__
    ]
    own = [frame for frame in frames if f"{os.sep}importlib{os.sep}" not in frame.filename]
    file, line = (own[-1].filename, own[-1].lineno) if own else (None, None)
    if isinstance(error, SyntaxError) and error.filename:
        file, line = error.filename, error.lineno
    place = f" ({file}, line {line})" if file else ""
    words = " ".join(str(error).split()) if not isinstance(error, SyntaxError) else error.msg
    return RequestError(f"{asked}: cannot be imported: {type(error).__name__}: {words}{place}.")
