"""A class of models and its form for graphs, side by side.

Keras makes a model from a graph by changing the bases of its class for good: every class that
derives from it then wants a graph too, and a subclass with a `call` of its own can no longer be
made. Here the graph's form is a class of its own.
"""

from __future__ import annotations

from typing import Any

import keras
from keras.src.models.functional import Functional

# Class -> its form for graphs.
_FORMS: dict[type, type] = {}


def is_a_graph(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the arguments of a constructor are the inputs and outputs of a graph."""
    ends = [*args[:2], *(kwargs[name] for name in ("inputs", "outputs") if name in kwargs)]
    leaves = keras.tree.flatten(ends)
    return len(ends) == 2 and {True} == {isinstance(leaf, keras.KerasTensor) for leaf in leaves}


def graph_class(cls: Any) -> Any:
    """The form of a class that is made from a graph: of the same name, and saved as it."""
    if issubclass(cls, Functional):
        return cls
    if cls not in _FORMS:
        _FORMS[cls] = _new_form(cls)
    return _FORMS[cls]


def _new_form(cls: type) -> type:
    namespace = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    form = type(cls.__name__, (cls, Functional), namespace)
    package, _, name = keras.saving.get_registered_name(cls).rpartition(">")
    if package:
        # Both are saved under one name, and that name brings back the class.
        for named in (form, cls):
            keras.saving.register_keras_serializable(package=package, name=name)(named)
    return form
