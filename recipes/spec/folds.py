"""What must hold between `data.folds` and the other keys of a recipe."""

from collections.abc import Iterator

from .choices import Choice
from .nodes import Path
from .schema import Recipe


def folds_fit(recipe: Recipe) -> Iterator[tuple[Path, str]]:
    """Folds are of one source, take the place of its validation split, and are networks of one."""
    section = recipe.data
    count, place = section.folds, ("data", "folds")
    if section.fold is not None and (count is None or section.fold > count):
        has = "no `folds`" if count is None else f"{count} folds"
        yield ("data", "fold"), f"the recipe has {has}. Received {section.fold}."
    if count is None:
        return
    if isinstance(section.validation, Choice):
        yield (
            place,
            "each fold validates on its own rows, and `validation` is another source. Set one of "
            "them to null.",
        )
    if section.split_by is not None and "column" in section.split_by:
        yield (
            place,
            "`split_by: {column: ...}` names the part of each row itself. Use `group` or `time`, "
            "or leave `folds` out.",
        )
    if section.limit is not None and section.limit < count:
        yield place, f"{count} folds need as many rows, and `limit` keeps {section.limit}."
    if section.window is not None:
        yield place, "windows are cut by time; leave `folds` out, or `window`."
    if recipe.ensemble is not None:
        yield (
            place,
            "the networks of all folds are averaged already; a recipe has `folds` or `ensemble`. "
            "Set one of them to null.",
        )


def each_fold(recipe: Recipe) -> list[Recipe]:
    """The recipe of each fold: the same network, seed and test rows, other validation rows."""
    count = recipe.data.folds or 0
    return [with_fold(recipe, index) for index in range(1, count + 1)]


def with_fold(recipe: Recipe, index: int | None) -> Recipe:
    """The recipe of one fold, from 1; of all of them for None."""
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"fold": index})})
