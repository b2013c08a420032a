"""How every run begins: its directory, what was there before, and its data."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..record import directory as files
from ..record.directory import RunDirectory, reserved
from ..spec import Recipe, dump
from ..spec.plugins import plugins_of
from .backend import use_tensorflow
from .moved import FILES, relative_files
from .plugins import heading
from .resume import Earlier, check_data, manifest_of, taken_up

if TYPE_CHECKING:
    from ..build.pretraining import Pretraining
    from ..data import Data


@dataclass(frozen=True)
class Beginning:
    """What a run has before its first step.

    Attributes:
        data: None where the run in the directory is completed, and `earlier` has its result.
    """

    directory: RunDirectory
    earlier: Earlier
    data: "Data | None"


@contextmanager
def begun(
    recipe: Recipe,
    out: str | os.PathLike | None,
    arrays: tuple[Any, Any] | None,
    *,
    resume: bool,
    allow_change: Sequence[str],
) -> Iterator[Beginning]:
    """Hold the run directory, and look at all that can be wrong before anything is written.

    The arguments are those of `train`.

    Raises:
        RequestError: the recipe, its data or the directory cannot be used; nothing is left behind.
    """
    with reserved(out, recipe.name, again=resume) as directory:
        earlier = taken_up(directory, recipe, allow_change) if resume else Earlier()
        if earlier.result is not None:
            yield Beginning(directory, earlier, None)
            return
        # Data first: a mistake in it shows before the seconds that TensorFlow takes to import.
        from ..build.inputs import data_of

        data = data_of(recipe, arrays)
        check_data(directory, earlier, data, allow_change)
        use_tensorflow()
        yield Beginning(directory, earlier, data)


def describe(
    directory: RunDirectory,
    recipe: Recipe,
    data: "Data",
    earlier: Earlier | None = None,
    pretraining: "Pretraining | None" = None,
) -> None:
    """Write what the run is made of, before its first step."""
    from ..record.manifest import manifest

    fingerprints: dict[str, Any] = {"recipe": recipe.fingerprint(), "data": data.fingerprint}
    if pretraining is not None:
        from .pretrain import layer_keys

        fingerprints["pretraining"] = layer_keys(pretraining)
    if recipe.initialize is not None:
        from .initialize import weights_fingerprint

        fingerprints["weights"] = weights_fingerprint(recipe)
    now = manifest(seed=recipe.seed, fingerprints=fingerprints)
    now[FILES] = relative_files(recipe, directory.path)
    now["plugins"] = plugins_of(recipe)
    if earlier is not None and earlier.manifest:
        now = {**manifest_of(earlier, now), FILES: now[FILES], "plugins": now["plugins"]}
    directory.reopen()
    # First of all: it marks the directory as a run's, in which a resumption may remove files.
    directory.write_json(files.MANIFEST, now)
    directory.write_text(files.RECIPE, heading(recipe) + dump(recipe))
    from ..build.task import task_of

    task = task_of(recipe, data)
    learned = {
        "output_function": task.output_function,
        "target_scaling": task.scaling and task.scaling.to_json(),
    }
    directory.write_json(files.DATA, {**data.to_json(), **learned})
