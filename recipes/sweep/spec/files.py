"""The files that the trials of a sweep read, looked at before it begins."""

from itertools import islice

from ...errors import Problem, RecipeError
from ...spec import Recipe
from ...spec.source_files import file_problems
from .corners import corners
from .records import Sweep
from .trial import trial_recipe

# Combinations of keys of the data that are looked at.
MOST_COMBINATIONS = 200


def check_files(loaded: Recipe | Sweep) -> None:
    """See that the files which a recipe or a sweep names are there, with the columns it names.

    Raises:
        RecipeError: with every file, column or array that is missing.
    """
    recipes = [loaded] if isinstance(loaded, Recipe) else _recipes(loaded)
    problems: dict[tuple[str, str], Problem] = {}
    for recipe in recipes:
        for problem in file_problems(recipe):
            problems.setdefault((problem.path, problem.message), problem)
    if problems:
        raise RecipeError(problems.values())


def _recipes(sweep: Sweep) -> list[Recipe]:
    """A recipe for each combination of values that the sweep gives to keys of the data."""
    names = [row.name for row in sweep.parameters if row.key and row.key[0] == "data"]
    found: dict[str, Recipe] = {}
    for values in islice(corners(sweep.parameters), 10 * MOST_COMBINATIONS):
        mark = repr([values.get(name) for name in names])
        if mark not in found and len(found) < MOST_COMBINATIONS:
            found[mark] = trial_recipe(sweep, values)
    return list(found.values())
