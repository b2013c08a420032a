"""From names in a recipe to objects: the only place where a YAML name meets a class."""

import importlib
import inspect
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, Self

import keras

from ... import disk
from ..errors import RecipeError, RequestError
from ..spec import Choice, Duration, Recipe, catalog
from ..spec.choices import Arguments
from ..spec.file_arguments import Use, sample, use_of
from .hub_library import library


@dataclass(frozen=True)
class Builder:
    """Makes the objects that a recipe names, and reports the line of one that cannot be made.

    Attributes:
        recipe: where the names stand, for the places in error messages.
        steps_per_epoch: batches an epoch.
        files: directory that paths of callbacks are relative to.
        layers: how many layers of each name there are so far.
        span: epochs of a phase, whose durations are counted; None for the whole run.
        prefix: what the names of layers begin with.
    """

    recipe: Recipe
    steps_per_epoch: int
    files: Path = field(default_factory=Path)
    layers: dict[str, int] = field(default_factory=dict)
    span: int | None = None
    prefix: str = ""
    # Whether the number of updates of the run is known before it ends.
    knows_length: ClassVar[bool] = True

    @property
    def epochs(self) -> int:
        """Epochs of the whole run, or of a phase."""
        return self.recipe.epochs if self.span is None else self.span

    @property
    def updates_per_epoch(self) -> Fraction:
        """Optimizer updates an epoch, which durations are counted in.

        Batches are accumulated over the end of an epoch, so it may be no whole number.
        """
        return Fraction(self.steps_per_epoch, self.recipe.gradient_accumulation)

    @property
    def updates(self) -> int:
        """Optimizer updates of the whole run; the last few batches may make none."""
        return max(1, int(self.updates_per_epoch * self.epochs))

    def make(self, kind: str, choice: Choice, path: tuple) -> Any:
        """The object of a choice; `path` is where it stands in the recipe."""
        place = (*path, choice.name)
        target = catalog.entry(kind, choice.name)
        cls = self.resolved(target, choice, place)
        if kind == "activations":
            return cls
        arguments = {
            name: self.value(value, (*place, name)) for name, value in choice.arguments.items()
        }
        arguments.update(self.written_files(target, arguments, place))
        if (kind, choice.name) == ("schedules", "expression"):
            arguments = {**self.lengths(), **arguments}
        if kind == "layers":
            arguments = {"name": self.layer_name(choice.name), **arguments}
        try:
            return cls(**arguments)
        except RecipeError:
            raise
        except Exception as error:
            # A constructor may fail on its arguments before it has checked them.
            raise self.refused(place, error) from error

    def resolved(self, entry: catalog.Entry, choice: Choice, place: tuple) -> Any:
        """The class of an entry, if the Keras that runs has it and the arguments of the recipe.

        `validate` looks both up in tables that were made from other releases of Keras.
        """
        if entry.of_hub:
            try:
                library()
            except RequestError as error:
                raise RecipeError([self.recipe.problem(place, str(error))]) from None
        if not entry.class_path.startswith("keras."):
            return class_of(entry.class_path)
        try:
            cls = class_of(entry.class_path)
        except AttributeError:
            raise self.not_in_keras(place, f"no `{entry.class_path}`") from None
        for name in choice.arguments:
            if not accepts(cls, name):
                what = f"no argument `{name}` in `{entry.class_path}`"
                raise self.not_in_keras((*place, name), what)
        return cls

    def not_in_keras(self, path: tuple, what: str) -> RecipeError:
        """The error about a name that the tables have and the Keras that runs lacks."""
        versions = f"{catalog.minors()[0]} to {catalog.minors()[-1]}"
        wrong = f"Keras {keras.__version__}, which is installed, has {what}; install {versions}."
        return RecipeError([self.recipe.problem(path, wrong)])

    def written_files(
        self, target: catalog.Entry, given: Arguments, place: tuple
    ) -> dict[str, str]:
        """The arguments that name output files, defaults included, below the run directory."""
        found = {}
        for name, argument in target.arguments.items():
            use, value = use_of(target, name), given.get(name, argument.default)
            if use in (Use.WRITTEN, Use.TEMPLATE) and isinstance(value, str):
                found[name] = self.inside(value, (*place, name), template=use is Use.TEMPLATE)
        return found

    def inside(self, value: str, path: tuple, *, template: bool) -> str:
        """A path of the recipe as one below the run directory.

        Args:
            template: whether fields in braces are filled in, with what the run logs.
        """
        try:
            disk.inside(self.files, sample(value) if template else value)
        except ValueError as error:
            raise RecipeError([self.recipe.problem(path, f"{error}.")]) from None
        folder = str(self.files)
        if template:  # the run directory's own name has no fields
            folder = folder.replace("{", "{{").replace("}", "}}")
        return os.path.join(folder, value)

    def value(self, value: object, path: tuple) -> Any:
        """A recipe's value as a constructor takes it."""
        if isinstance(value, Choice):
            return self.make(value.kind, value, path)
        if isinstance(value, Duration):
            return value.to_steps(self.updates_per_epoch, self.epochs)
        if isinstance(value, (list, tuple)):
            return [self.value(item, (*path, index)) for index, item in enumerate(value)]
        return value

    def layer_name(self, name: str) -> str:
        """`dense`, `dense_1`, ...: counted in this network, for rules to name its variables by.

        Keras counts all layers that the process has made.
        """
        count = self.layers.get(name, 0)
        self.layers[name] = count + 1
        return f"{self.prefix}{name}_{count}" if count else f"{self.prefix}{name}"

    def within(self, part: str) -> Self:
        """A builder that names and counts the layers of one part of the network."""
        return replace(self, layers={}, prefix=f"{part}_")

    def lengths(self) -> dict[str, int | Fraction]:
        """The lengths of an epoch and of the run for a formula that does not give them."""
        return {"steps_per_epoch": self.updates_per_epoch, "total_steps": self.updates}

    def refused(self, path: tuple, error: Exception) -> RecipeError:
        """The error of a constructor, at the place in the recipe that caused it."""
        text = first_paragraph(str(error))
        if not isinstance(error, (ValueError, TypeError, ArithmeticError)):
            text = f"cannot be made of these arguments: {type(error).__name__}: {text}"
        return RecipeError([self.recipe.problem(path, text)])


def class_of(class_path: str) -> Any:
    """Import `package.module.Class`; the path comes from our table or the user's plugin."""
    module, _, name = class_path.rpartition(".")
    if module == "keras" or module.startswith("keras."):
        owner: object = keras
        for part in module.split(".")[1:]:
            owner = getattr(owner, part)
        return getattr(owner, name)
    return getattr(importlib.import_module(module), name)


def accepts(cls: type, argument: str) -> bool:
    """Whether a constructor names an argument, or passes it on to `keras.layers.Layer`."""
    if argument in inspect.signature(cls).parameters:
        return True
    return issubclass(cls, keras.layers.Layer) and argument in ("name", "dtype", "trainable")


def first_paragraph(text: str) -> str:
    """The message of a Keras error without the call details it appends."""
    lines: Iterable[str] = text.strip().split("\n\n")[0].splitlines()
    return " ".join(line.strip() for line in lines)
