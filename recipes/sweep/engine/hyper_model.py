"""A sweep's space and recipe for your own keras-tuner script."""

import os
from collections.abc import Sequence
from pathlib import Path

import keras
import keras_tuner

from ....callbacks.epoch_order import EpochOrder
from ...build.experiment import Experiment, experiment
from ...build.inputs import data_of
from ...inputs import Arrays, Overrides, Source
from ...run.pretrain import pretrain_without_run
from ...spec import Recipe
from ..spec.load import load_sweep, trial_recipe
from .hyperparameters import active_of, hyperparameters


class HyperModel(keras_tuner.HyperModel):
    """The recipe of a sweep as a hypermodel: any tuner of keras-tuner can search its space.

    `build` gives the compiled model of a setting, `fit` trains it on the recipe's data, in the
    recipe's way: its schedule, clipping, callbacks, batch size and epochs. The test rows are never
    looked at. The algorithm, the budget and the constraints of the sweep are the tuner's business
    then.

    Args:
        source: path of a sweep, name of one that ships, or the sweep as a mapping.
        overrides: changes to keys of the sweep.
        plugins: importable modules whose classes the recipe may name.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.
        directory: where callbacks of the recipe write files.

    >>> import keras_recipes  # doctest: +SKIP
    >>> model = keras_recipes.HyperModel("digits_learning_rate")  # doctest: +SKIP
    >>> tuner = keras_tuner.BayesianOptimization(model, "val_loss", 8)  # doctest: +SKIP
    >>> tuner.search()  # doctest: +SKIP
    """

    def __init__(
        self,
        source: Source,
        overrides: Overrides = (),
        *,
        plugins: Sequence[str] = (),
        arrays: Arrays | None = None,
        directory: str | os.PathLike = ".",
    ):
        self.sweep = load_sweep(source, overrides, plugins=plugins)
        if self.sweep.folds is not None:
            raise ValueError(
                "A keras-tuner tuner trains one model a trial, and the recipe of "
                f"{self.sweep.name!r} has `data.folds`. Use `keras_recipes.sweep`, or set "
                "`data.folds: null` among the overrides."
            )
        super().__init__(name=self.sweep.name)
        self.arrays = arrays
        self.directory = Path(directory)
        self._built: Experiment | None = None

    def recipe(self, hp: keras_tuner.HyperParameters) -> Recipe:
        """The recipe of a setting; the parameters of the sweep are declared in `hp`."""
        hp.merge(hyperparameters(self.sweep), overwrite=False)
        return trial_recipe(self.sweep, active_of(self.sweep, hp.values))

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """The compiled model of a setting."""
        recipe = self.recipe(hp)
        self._built = experiment(recipe, data_of(recipe, self.arrays), self.directory)
        pretrain_without_run(self._built.pretraining, self._built.model)
        return self._built.model

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        *,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **settings: object,
    ) -> keras.callbacks.History:
        """Train a model that `build` gave.

        Args:
            hp: its setting.
            model: the model.
            callbacks: callbacks of the tuner, beside the recipe's own.
            settings: other arguments of `model.fit`, such as the epochs that Hyperband asks for.
        """
        built = self._built
        if built is None or built.model is not model:
            raise ValueError(
                "Argument `model` must be the model that `build` returned last. "
                f"Received: model={model!r}"
            )
        own = [*built.callbacks, EpochOrder(built.training.epoch)]
        given = {**built.fit_arguments, **settings}
        if "validation_data" in settings:
            # The number of its steps is not that of the recipe's.
            given["validation_steps"] = settings.get("validation_steps")
        return model.fit(**given, callbacks=[*own, *callbacks])
