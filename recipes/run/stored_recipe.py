"""The recipe that a run was trained with: its files, its plugins, and what has changed since.

A run's `recipe.yaml` has absolute paths. Its manifest also has them relative to the run directory,
so that they are found after a project was moved. Plugins are recorded by name, and only
loaded if the user names them again.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from ...messages import logger
from ..errors import RequestError
from ..inputs import Overrides
from ..record import directory as files
from ..record.contents import JSONObject
from ..record.directory import RunDirectory
from ..spec import Choice, Recipe, load
from ..spec.backbones import file_of
from ..spec.dump import to_plain
from ..spec.plugins import is_loaded, load_plugins, plugins_of
from ..spec.wording import shown

# The key of the relative paths in the manifest.
FILES = "files"
PLUGIN_COMMENT = "# Needs:"


R = TypeVar("R", bound=Recipe)


@dataclass(frozen=True)
class Change:
    """A key of the recipe whose value has changed.

    >>> print(Change("epochs", 10, 20))
    epochs: 10 -> 20
    """

    key: str
    before: object
    after: object

    def __str__(self) -> str:
        return f"{self.key}: {shown(self.before)} -> {shown(self.after)}"


def differences(before: Recipe, after: Recipe) -> list[Change]:
    """The keys in which two recipes differ, each with both values."""
    old, new = (dict(flat(to_plain(recipe))) for recipe in (before, after))
    keys = [*old, *(key for key in new if key not in old)]
    missing = "nothing"
    return [
        Change(key, old.get(key, missing), new.get(key, missing))
        for key in keys
        if old.get(key, missing) != new.get(key, missing)
    ]


def resumption(fingerprints: JSONObject, changes: Sequence[Change]) -> dict[str, object]:
    """What a manifest says of a run that is continued here and now."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "argv": sys.argv,
        "process": os.getpid(),
        "fingerprints": fingerprints,
        "changes": [
            {"key": change.key, "before": change.before, "after": change.after}
            for change in changes
        ],
    }


def flat(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """The plain values of a recipe by their dotted paths."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from flat(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from flat(item, f"{path}[{index}]")
    else:
        yield path, value


def files_of(recipe: Recipe) -> dict[str, str]:
    """The files that a recipe names, by the keys that name them."""
    paths = {}
    for part in ("source", "validation", "test"):
        choice = getattr(recipe.data, part)
        for name in ("path", "labels"):
            if isinstance(choice, Choice) and isinstance(choice.arguments.get(name), str):
                paths[f"data.{part}.{choice.name}.{name}"] = choice.arguments[name]
    if recipe.initialize is not None:
        paths["initialize.weights"] = recipe.initialize.weights
    backbone, named = recipe.model.backbone, file_of(recipe.model.backbone)
    if backbone is not None and named is not None:
        paths[f"model.backbone.{backbone.name}.{named[0]}"] = named[1]
    return paths


def is_below(key: str, names: Sequence[str]) -> bool:
    """Whether a key of a recipe, or a key above it, is among some names."""
    return any(key == name or key.startswith((f"{name}.", f"{name}[")) for name in names)


def top_key(key: str) -> str:
    """The key of the recipe that a key is, or is below.

    >>> top_key("model.layers[0].dense.units")
    'model'
    """
    return key.partition(".")[0].partition("[")[0]


def relative_files(recipe: Recipe, run: Path) -> dict[str, str]:
    """The files of a recipe relative to a run directory, for its manifest."""
    paths = {}
    for key, path in files_of(recipe).items():
        try:
            paths[key] = Path(os.path.relpath(path, run)).as_posix()
        except ValueError:  # on another drive, which no relative path leads to
            continue
    return paths


def recipe_of(
    run: RunDirectory,
    overrides: Overrides = (),
    *,
    plugins: Sequence[str] = (),
    into: type[R] = Recipe,
    quiet: bool = False,
) -> R:
    """The resolved recipe that a run was trained with.

    A file that is not at its absolute path is looked for at its path relative to the run
    directory; a message says so if it is found there.

    Args:
        overrides: changes to the recipe; a path that they name is used as it is.
        plugins: importable modules whose classes the recipe names.
        into: class of the result.
        quiet: print no message.
    """
    if isinstance(overrides, str):
        overrides = [overrides]
    load_plugins(plugins)
    require_plugins(run)
    path = run.verified(files.RECIPE)
    recipe = load(path, overrides, plugins=plugins, into=into)
    changed = [word.partition("=")[0] for word in overrides]
    moved = {
        key: place for key, place in _relocated(run, recipe).items() if not is_below(key, changed)
    }
    if not moved:
        return recipe
    if not quiet:
        paths = files_of(recipe)
        for key, place in moved.items():
            logger.info(f"{run.path}: there is no {paths[key]}; {place} is read instead.")
    return load(path, _merged(overrides, moved), plugins=plugins, into=into)


def _merged(overrides: Overrides, moved: Mapping[str, str]) -> Overrides:
    """The overrides together with the relocated paths."""
    if isinstance(overrides, Mapping):
        return {**overrides, **moved}
    # JSON is YAML, whichever characters a path has.
    return [*overrides, *(f"{key}={json.dumps(place)}" for key, place in moved.items())]


def _relocated(run: RunDirectory, recipe: Recipe) -> dict[str, str]:
    """Files that are not at their absolute path, but at their path relative to the run."""
    try:
        recorded = run.read_json(files.MANIFEST).get(FILES, {})
    except RequestError:
        return {}
    moved = {}
    for key, path in files_of(recipe).items():
        relative = recorded.get(key)
        if os.path.exists(path) or not isinstance(relative, str) or "\0" in relative:
            continue
        place = os.path.abspath(run / relative)
        if os.path.exists(place) and os.path.basename(place) == os.path.basename(path):
            moved[key] = place
    return moved


def plugin_comment(recipe: Recipe) -> str:
    """The first line of a run's recipe, which names its plugins; empty if it has none."""
    names = plugins_of(recipe)
    return f"{PLUGIN_COMMENT}{_options(names)}\n" if names else ""


def require_plugins(run: RunDirectory) -> None:
    """Check that all plugins of a run are loaded; installed ones are loaded here.

    Raises:
        RequestError: the user has to name one of them.
    """
    load_plugins()
    missing = [name for name in _recorded(run) if not is_loaded(name)]
    if missing:
        it = "it" if len(missing) == 1 else "them"
        raise RequestError(
            f"{run.path}: this run was made with{_options(missing)}; give {it} again."
        )


def _recorded(run: RunDirectory) -> list[str]:
    """Names of the plugins in a run's manifest; none if it has no manifest."""
    try:
        names = json.loads((run / files.MANIFEST).read_text(encoding="utf-8")).get("plugins")
    except (OSError, ValueError, AttributeError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _options(names: Sequence[str]) -> str:
    return "".join(f" --plugin {name}" for name in names)
