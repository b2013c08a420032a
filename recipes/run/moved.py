"""The files that a run was made from, found again where a project was moved.

A run's `recipe.yaml` has their absolute paths. Its manifest also has them relative to the run
directory, which stay right while both are moved together.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...messages import logger
from ..errors import RequestError
from ..record import directory as files
from ..record.directory import RunDirectory
from ..spec import Choice, Recipe, load
from ..spec.plugins import load_plugins
from .plugins import require_plugins

# The key of the manifest.
FILES = "files"
Overrides = Sequence[str] | Mapping[str, Any]


def files_of(recipe: Recipe) -> dict[str, str]:
    """The files that a recipe names, by the keys that name them."""
    return dict(_files(recipe))


def _files(recipe: Recipe) -> Iterator[tuple[str, str]]:
    for part in ("source", "validation", "test"):
        choice = getattr(recipe.data, part)
        if isinstance(choice, Choice) and isinstance(choice.arguments.get("path"), str):
            yield f"data.{part}.{choice.name}.path", choice.arguments["path"]
    if recipe.initialize is not None:
        yield "initialize.weights", recipe.initialize.weights


def relative_files(recipe: Recipe, run: Path) -> dict[str, str]:
    """The files of a recipe relative to a run directory, for its manifest."""
    found = {}
    for key, path in files_of(recipe).items():
        try:
            found[key] = Path(os.path.relpath(path, run)).as_posix()
        except ValueError:  # on another drive, which no relative path leads to
            continue
    return found


def recipe_of(
    run: RunDirectory,
    overrides: Overrides = (),
    *,
    plugins: Sequence[str] = (),
    into: Any = Recipe,
    quiet: bool = False,
) -> Any:
    """The resolved recipe that a run was made from, its files found again.

    A file that is not at its absolute path is looked for at its path relative to the run
    directory; what is found so is said on stderr.

    Args:
        overrides: changes to the recipe; a path that they name is not looked for.
        plugins: importable modules whose classes the recipe names.
        into: class of the result.
        quiet: say nothing.
    """
    load_plugins(plugins)
    require_plugins(run)
    path = run.verified(files.RECIPE)
    recipe = load(path, overrides, plugins=plugins, into=into)
    found = {
        key: place
        for key, place in _elsewhere(run, recipe).items()
        if not any(key == name or key.startswith(f"{name}.") for name in _keys(overrides))
    }
    if not found:
        return recipe
    if not quiet:
        for key, place in found.items():
            logger.info(f"{run.path}: {files_of(recipe)[key]} is not there; {place} is used.")
    return load(path, _merged(overrides, found), plugins=plugins, into=into)


def _keys(overrides: Overrides) -> list[str]:
    """The keys that overrides change."""
    words = [overrides] if isinstance(overrides, str) else overrides
    return [word.partition("=")[0] for word in words]


def _merged(overrides: Overrides, found: Mapping[str, str]) -> dict[str, Any] | list[str]:
    """The overrides, and the paths found; both in the form of the former."""
    if isinstance(overrides, Mapping):
        return {**overrides, **found}
    words = [overrides] if isinstance(overrides, str) else list(overrides)
    # JSON is YAML, whatever characters a path has.
    return [*words, *(f"{key}={json.dumps(place)}" for key, place in found.items())]


def _elsewhere(run: RunDirectory, recipe: Recipe) -> dict[str, str]:
    """Files of the recipe that are not at their place and are beside the run as they were."""
    try:
        noted = run.read_json(files.MANIFEST).get(FILES, {})
    except RequestError:
        return {}
    found = {}
    for key, path in files_of(recipe).items():
        relative = noted.get(key)
        if os.path.exists(path) or not isinstance(relative, str) or "\0" in relative:
            continue
        place = os.path.abspath(run / relative)
        if os.path.exists(place) and os.path.basename(place) == os.path.basename(path):
            found[key] = place
    return found
