"""Whether the threshold that a recipe asks for is possible, before anything is trained."""

import numpy as np

from ..data import Data
from ..data.frame import plain
from ..errors import RecipeError
from ..spec import Recipe
from ..spec.target_checks import no_threshold
from ..spec.targets import DEFAULT_THRESHOLD
from .task import Task


def check_threshold(recipe: Recipe, task: Task, data: Data) -> None:
    """Raise a `RecipeError` where no threshold decides, or none can be chosen, with the line."""
    asked, place = recipe.data.threshold, ("data", "threshold")
    if asked == DEFAULT_THRESHOLD:
        return
    why = ""
    if task.kind == "regression":
        why = "the targets are numbers to predict"
    elif task.ordered or (task.kind == "classification" and task.classes != 2):
        why = f"there are {task.classes} {'ordered ' * task.ordered}classes"
    if why:
        raise RecipeError([recipe.problem(place, no_threshold(why))])
    if not isinstance(asked, dict):
        return
    if data.validation is None:
        why = "the threshold is chosen on validation rows, and there are none."
        raise RecipeError([recipe.problem(place, why)])
    columns = data.validation.y.reshape(len(data.validation.y), -1)
    constant = np.flatnonzero(columns.min(axis=0) == columns.max(axis=0)).tolist()
    if constant:
        several = task.kind == "multilabel"
        label = constant[0]
        name = plain(data.target[label]) if len(data.target) > 1 else str(label)
        where = f" for the label {name}" if several else ""
        raise RecipeError(
            [
                recipe.problem(
                    place,
                    f"all validation rows have the same target{where}, so that no threshold can "
                    "be chosen. Use more validation rows, or write the threshold as a number.",
                )
            ]
        )
