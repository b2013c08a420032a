"""What happens before TensorFlow is imported: lock the run directory, check it, load the data."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ..build.inputs import data_of
from ..data import Data
from ..errors import RecipeError
from ..inputs import Arrays
from ..record.contents import JSONObject
from ..record.directory import RunDirectory
from ..record.reserve import reserve
from ..spec import Recipe
from ..spec.extras import missing_extras
from ..spec.missing_files import missing_backbone
from ..spec.schema import PRECISIONS
from .previous_run import PreviousRun, check_data, find_previous_run

# Where a manifest says what layers compute in, and how many rows at once.
PRECISION, BATCH_ROWS = "precision", "batch_rows"


@dataclass(frozen=True)
class PreparedRun:
    """A run whose directory is locked and whose inputs are checked.

    Attributes:
        directory: of the run.
        previous: what was in the directory before.
        data: of the recipe; None if the run is completed already and `previous` has its result.
        arrays: the `(x, y)` that the data was made from, if any.
        resume: whether the run in the directory, if any, is to be continued.
        allow_change: keys of the recipe that may differ from those of that run.
        precision: dtype policy of that run's layers, for `precision: auto`; None if it is not
            known.
        batch_rows: rows that the previous run computes at once, for `data.batch_size: {auto: N}`;
            None if it is not known.
    """

    directory: RunDirectory
    previous: PreviousRun
    data: Data | None
    arrays: Arrays | None
    resume: bool
    allow_change: Sequence[str]
    precision: str | None = None
    batch_rows: int | None = None

    def as_decided(self, manifest: JSONObject) -> "PreparedRun":
        """The same, with what the run of a manifest has chosen by measuring."""
        return replace(
            self, precision=decided_precision(manifest), batch_rows=decided_rows(manifest)
        )


@contextmanager
def prepare_run(
    recipe: Recipe,
    *,
    out: str | os.PathLike | None = None,
    arrays: Arrays | None = None,
    resume: bool = False,
    allow_change: Sequence[str] = (),
) -> Iterator[PreparedRun]:
    """Lock the run directory, and check everything that can be checked before writing.

    Nothing here imports TensorFlow, so that a mistake in the data is reported within a second.

    Args:
        out: the run directory; it must not exist or be empty. Default `runs/NAME-DATE-TIME`.
        arrays: `(x, y)` for a recipe whose data source is `arrays`.
        resume: continue the run in `out`, if there is one.
        allow_change: keys of the recipe that may differ from those of that run.

    Raises:
        RequestError: the recipe, its data or the directory cannot be used; nothing is left behind.
    """
    with reserve(out, recipe.name, again=resume) as directory:
        previous, data = PreviousRun(), None
        if resume:
            previous = find_previous_run(directory, recipe, allow_change)
        if previous.result is None:
            absent = [*missing_extras(recipe), *missing_backbone(recipe)]
            if absent:
                raise RecipeError(absent)
            data = data_of(recipe, arrays)
            check_data(directory, previous, data, allow_change)
        prepared = PreparedRun(directory, previous, data, arrays, resume, allow_change)
        yield prepared.as_decided(previous.manifest)


def decided_precision(manifest: JSONObject) -> str | None:
    """The dtype policy of a run's layers, by its manifest; None where that is not known."""
    settings = manifest.get("settings")
    name = settings.get(PRECISION) if isinstance(settings, dict) else None
    return name if name in PRECISIONS else None


def decided_rows(manifest: JSONObject) -> int | None:
    """The rows that a run computes at once, by its manifest; None where it has not chosen them."""
    settings = manifest.get("settings")
    rows = settings.get(BATCH_ROWS) if isinstance(settings, dict) else None
    return rows if type(rows) is int and rows > 0 else None
