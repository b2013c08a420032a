"""`data.batch_size: {auto: N}`: a batch that does not fit into memory is computed in parts.

The parts of a batch have the same rows together, and their gradients are accumulated, so that every
update is that of the whole batch, but for batch normalization, which normalizes each part.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..build.capacity import LayerTooLarge, available, copies
from ..build.experiment import experiment
from ..data import Data
from ..errors import RecipeError, RequestError
from ..spec import Recipe
from .failure import is_out_of_memory
from .summary import batch_bytes


@dataclass(frozen=True)
class Parts:
    """How a recipe's batches are computed.

    Attributes:
        recipe: with the rows of a part as `data.batch_size`.
        rows: of a part; None where the recipe asks for no decision.
        count: parts of a batch.
    """

    recipe: Recipe
    rows: int | None = None
    count: int = 1

    def __str__(self) -> str:
        return (
            f"data.batch_size: {self.rows} rows at once, {self.count} times an update, since more "
            "do not fit into memory"
        )


def fitting(recipe: Recipe, data: Data, *, rows: int | None = None, shared: bool = False) -> Parts:
    """The recipe with batches that fit into memory: whole ones, or halves, quarters and so on.

    Each size is tried by a training step of a network that is then discarded.

    Args:
        rows: of a part, where a run has decided it before.
        shared: whether devices or processes share each batch, which is then not divided further.

    Raises:
        RequestError: no part of the batch fits, or a run in parts continues on several devices.
    """
    asked = recipe.data.batch_size
    if not isinstance(asked, dict):
        return Parts(recipe)
    if shared:
        if rows is not None and rows < asked["auto"]:
            raise RequestError(
                f"data.batch_size: the run computes {rows} rows at once, {asked['auto'] // rows} "
                "times an update, and devices that share a batch do not: continue it on one device."
            )
        return Parts(recipe)
    if rows is not None:
        return in_parts(recipe, rows)
    whole = asked["auto"]
    for count in _counts(whole):
        parts = in_parts(recipe, whole // count)
        if _fits(parts.recipe, whole // count, data):
            return parts
    raise RecipeError(
        [
            recipe.problem(
                ("data", "batch_size"),
                f"out of memory, whether {whole} rows are computed at once or in equal parts down "
                f"to {whole // list(_counts(whole))[-1]}.",
            )
        ]
    )


def _counts(whole: int) -> Iterator[int]:
    """Into how many equal parts a batch is halved, again and again.

    >>> list(_counts(12))
    [1, 2, 4]
    """
    count = 1
    while whole % count == 0:
        yield count
        count *= 2


def in_parts(recipe: Recipe, rows: int | None) -> Parts:
    """A recipe whose batches are computed in parts of some rows; None leaves it as it is."""
    asked = recipe.data.batch_size
    if rows is None or not isinstance(asked, dict):
        return Parts(recipe)
    count = max(1, asked["auto"] // rows)
    section = recipe.data.model_copy(update={"batch_size": rows})
    every = recipe.gradient_accumulation * count
    changed = recipe.model_copy(update={"data": section, "gradient_accumulation": every})
    return Parts(changed, rows, count)


def _fits(recipe: Recipe, rows: int, data: Data) -> bool:
    """Whether a training step with batches of this many rows fits into memory."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            decided = "float32" if recipe.precision == "auto" else None
            built = experiment(recipe, data, Path(folder), decided=decided)
        model = built.model
        # On a CPU no error tells that memory has run out: the system promises more than it has, and
        # kills a process that uses too much. So the memory is estimated first.
        weights = 4 * copies(recipe) * model.count_params()
        if weights + 2 * batch_bytes(model, rows) > available():
            return False
        model.train_on_batch(*next(iter(built.training.dataset)))
    except Exception as error:
        if is_out_of_memory(error) or isinstance(error.__cause__, LayerTooLarge):
            return False
        raise
    return True
