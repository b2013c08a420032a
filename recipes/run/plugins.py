"""The plugins that a run was made with: recorded by name, and loaded only by the user's word."""

import json
from collections.abc import Sequence

from ..errors import RequestError
from ..record import directory as files
from ..record.directory import RunDirectory
from ..spec import Recipe
from ..spec.plugins import is_loaded, load_plugins, plugins_of

HEADING = "# Needs:"


def heading(recipe: Recipe) -> str:
    """A comment for the top of a run's recipe; empty for a recipe without plugins."""
    names = plugins_of(recipe)
    return f"{HEADING}{_options(names)}\n" if names else ""


def require_plugins(run: RunDirectory) -> None:
    """See to it that all plugins of a run are loaded; installed ones are, by this.

    Raises:
        RequestError: the user has to name one of them.
    """
    load_plugins()
    missing = [name for name in recorded(run) if not is_loaded(name)]
    if missing:
        it = "it" if len(missing) == 1 else "them"
        raise RequestError(
            f"{run.path}: this run was made with{_options(missing)}; give {it} again."
        )


def recorded(run: RunDirectory) -> list[str]:
    """Names of the plugins in a run's manifest; none where it has no manifest."""
    try:
        manifest = json.loads((run / files.MANIFEST).read_text(encoding="utf-8"))
        names = manifest.get("plugins", [])
    except (OSError, ValueError, AttributeError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _options(names: Sequence[str]) -> str:
    return "".join(f" --plugin {name}" for name in names)
