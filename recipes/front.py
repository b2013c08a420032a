"""The Python front door: load a recipe, train it, or use it on a model of one's own."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import spec
from .errors import TrainingFailed

if TYPE_CHECKING:
    import keras

    from .run.result import Result

Source = str | os.PathLike | Mapping[str, Any]
Overrides = Sequence[str] | Mapping[str, Any]


class Recipe(spec.Recipe):
    """A recipe that can be trained.

    >>> import keras_recipes
    >>> recipe = keras_recipes.load("digits_mlp", {"epochs": 3})
    >>> recipe.epochs
    3
    """

    def train(
        self,
        x: Any = None,
        y: Any = None,
        *,
        out: str | os.PathLike | None = None,
        progress: bool = True,
        raises: bool = True,
    ) -> "Result":
        """Train the recipe and write a run directory.

        Args:
            x: rows, for a recipe whose `data.source` is `arrays`.
            y: their targets.
            out: the run directory, new or empty; default `runs/NAME-DATE-TIME`.
            progress: show a progress bar.
            raises: raise where training failed, rather than return a result that says so.

        Returns:
            The result: status, reason, metrics, and the directory where everything is.

        Raises:
            RequestError: the request is wrong; nothing was written.
            TrainingFailed: training broke or diverged; the run directory tells how.
        """
        from .report import write_report
        from .run.ensemble import train_ensemble
        from .run.train import train as train_one

        arrays = None if x is None else (x, y)
        train_recipe = train_one if self.ensemble is None else train_ensemble
        result = train_recipe(self, out=out, arrays=arrays, progress=progress)
        members = [Path(member["directory"]) for member in result.members]
        for member in members:
            write_report([member])
        write_report([Path(result.directory), *members])
        if raises and result.status == "failed":
            raise TrainingFailed(f"{result.reason} See {result.directory}.")
        return result

    def fit(
        self,
        model: "keras.Model",
        x: Any,
        y: Any,
        *,
        validation_data: tuple[Any, Any] | None = None,
        progress: bool = True,
    ) -> "keras.callbacks.History":
        """Train a model of your own the way this recipe trains.

        The recipe's optimizer, schedule, clipping, decay, loss, metrics, batch size, epochs and
        callbacks are used; its data and layers are not. The weights of `model` are trained in
        place; the compiled model around it is `history.model`.

        Args:
            model: a built Keras model.
            x: training rows, first axis counts them.
            y: their targets: class numbers, or numbers to predict.
            validation_data: `(x, y)` to validate on after each epoch.
            progress: show a progress bar.

        Returns:
            The history of the fit.

        Raises:
            RequestError: the recipe does not fit the model or the arrays.
        """
        from .run.fit import fit as fit_model

        return fit_model(self, model, x, y, validation_data=validation_data, progress=progress)


def load(source: Source, overrides: Overrides = (), *, plugins: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe, without importing TensorFlow.

    Args:
        source: path of a YAML file, name of a recipe that ships, or the recipe as a mapping.
        overrides: `["key.path=value", ...]` or `{"key.path": value}`, applied before the check.
        plugins: importable modules whose classes the recipe may name.

    Returns:
        The recipe, frozen.

    Raises:
        RecipeError: with every mistake in it, each with its place.
    """
    return spec.load(source, overrides, plugins=plugins, into=Recipe)


def train(
    recipe: Source | Recipe,
    overrides: Overrides = (),
    *,
    out: str | os.PathLike | None = None,
    progress: bool = True,
) -> "Result":
    """Load a recipe, unless it is loaded, and train it; see `Recipe.train`."""
    if isinstance(recipe, Recipe):
        if overrides:
            raise TypeError(
                "overrides apply while a recipe is loaded; give them to `load`, or give "
                "`train` the path or name of the recipe."
            )
        return recipe.train(out=out, progress=progress)
    return load(recipe, overrides).train(out=out, progress=progress)
