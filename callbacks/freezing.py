"""Layers of a model that are frozen and unfrozen by their paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate

import keras

from ..layer_paths import layer_paths, own_variables
from .phase import PhaseError


class FreezableLayers:
    """The layers of a model that have variables, by path, and whether they were trainable."""

    def __init__(self, model: keras.Model):
        self.model = model
        self.by_path = {path: layer for path, layer in layer_paths(model) if own_variables(layer)}
        self.flags = [(layer, layer.trainable) for layer in self.by_path.values()]
        self.variable_flags = [
            (v, v.trainable) for layer in self.by_path.values() for v in own_variables(layer)
        ]
        self.trainable = [id(v) for v in model.trainable_variables]

    def matching(self, patterns: Sequence[str], phase: int) -> list[str]:
        """Paths of the layers that one of the patterns finds, in order."""
        found: set[str] = set()
        for pattern in patterns:
            these = {path for path in self.by_path if matches(pattern, path)}
            if not these:
                known = some_of(self.by_path)
                message = f"`{pattern}` matches no layer with weights. There are: {known}"
                raise PhaseError(message, phase, "freeze")
            found |= these
        return [path for path in self.by_path if path in found]

    def all_but_the_last(self) -> list[str]:
        """Paths of all layers before the last one with weights that train."""
        own = [
            path
            for path, layer in self.by_path.items()
            if any(id(v) in set(self.trainable) for v in own_variables(layer))
        ]
        return [path for path in self.by_path if path not in own[-1:]]

    def trained(self, frozen: frozenset[str]) -> set[int]:
        """Ids of the variables that train while some layers are frozen."""
        left_out = {id(v) for path in frozen for v in own_variables(self.by_path[path])}
        return set(self.trainable) - left_out

    def freeze(self, frozen: frozenset[str]) -> None:
        """Freeze some layers; all others are as they were."""
        for layer, flag in self.flags:
            layer.trainable = flag
        for variable, flag in self.variable_flags:
            variable.trainable = flag
        for path in frozen:
            layer = self.by_path[path]
            # Without the layers inside it, which have paths of their own.
            layer._trainable = False
            for variable in own_variables(layer):
                variable.trainable = False


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern finds a layer, or a model or layer around it."""
    names = path.split("/")
    return any(re.search(pattern, around) for around in accumulate(names, "{}/{}".format))


def some_of(paths: Iterable[str], most: int = 12) -> str:
    """The first of some paths, and how many more there are."""
    listed = list(paths)
    more = "" if len(listed) <= most else f" and {len(listed) - most} more"
    return f"{', '.join(listed[:most])}{more}."
