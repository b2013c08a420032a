"""What recipes need of the machine that they are checked on: files, and optional packages."""

from collections.abc import Iterable

from ..errors import Problem, RecipeError
from .extras import missing_extras
from .schema import Recipe
from .source_files import file_problems


def check_files(recipes: Iterable[Recipe]) -> None:
    """Check that the files and packages which recipes name exist, files with their columns.

    Raises:
        RecipeError: with everything that is missing.
    """
    found: dict[tuple[str, str], Problem] = {}
    for recipe in recipes:
        for problem in [*missing_extras(recipe), *file_problems(recipe)]:
            found.setdefault((problem.path, problem.message), problem)
    if found:
        raise RecipeError(found.values())
