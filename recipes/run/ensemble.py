"""An ensemble: several trainings of one recipe that differ by seed or by the rows they draw."""

from collections.abc import Sequence
from dataclasses import replace

import keras

from ..build.datasets import evaluation
from ..build.heads import ends_of
from ..data import Data
from ..record import directory as files
from ..record.directory import RunDirectory
from ..spec import Recipe
from .assess import Assessment, assess
from .reload import as_given, measured
from .several import Several


class Ensemble(Several):
    """The members of an ensemble, which have the same splits."""

    word, folder = "member", files.MEMBERS

    def recipes(self) -> list[Recipe]:
        """The recipe of each member."""
        return members_of(self.recipe)

    def measure(self, models: Sequence[keras.Model], data: Data) -> None:
        """Measure the average on the validation and the test split."""
        assessment = assessed(self.recipe, data, models[-1], self.directory)
        self.result = replace(
            self.result,
            validation=measured(self.recipe, data, models[-1], "validation"),
            test=measured(self.recipe, data, models[-1], "test"),
            quality=assessment.quality,
            threshold=assessment.threshold,
        )


def members_of(recipe: Recipe) -> list[Recipe]:
    """The recipe of each member: another seed, or other rows; the same split for all.

    Every member is a plain recipe, so its run can be evaluated and reproduced like any other.
    """
    asked = recipe.ensemble
    if asked is None:
        return [recipe]
    split = recipe.seed if recipe.data.seed is None else recipe.data.seed
    members = []
    for index in range(asked.members):
        data = {"seed": split}
        if asked.vary == "data":
            data["bootstrap_seed"] = (split + 1 + index) % 2**32
        change = {"ensemble": None, "data": recipe.data.model_copy(update=data)}
        members.append(recipe.model_copy(update={**change, "seed": (recipe.seed + index) % 2**32}))
    return members


def assessed(recipe: Recipe, data: Data, model: keras.Model, directory: RunDirectory) -> Assessment:
    """Threshold and quality of an average of networks."""
    ends = ends_of(recipe, data)
    parts = {"validation": data.validation, "test": data.test}
    splits = {
        name: None if split is None else evaluation(as_given(data, split), ends)
        for name, split in parts.items()
    }
    return assess(recipe, data, model, splits, directory)
