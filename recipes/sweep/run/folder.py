"""The directory of a sweep: made, or taken up again by the same command."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ....disk import when_there_is_space
from ...errors import RequestError
from ...record.directory import RunDirectory
from ...record.lock import locked
from ...run.describe import keras_manifest
from ...spec import Recipe
from ...spec.dump import to_plain
from ..spec.load import trial_recipe
from ..spec.records import Sweep
from ..stored import damaged, read_json
from .layout import (
    ENSEMBLE,
    EVENTS,
    LOGS,
    MANIFEST,
    ORACLE,
    SWEEP,
    TENSORBOARD,
    TOKEN,
    TRIALS,
)

# These may change between two starts: how fast, how long and what for, not what is searched.
FREE = ("jobs", "trials", "epochs", "seconds", "max_consecutive_failures", "retries")
ANSWER = ("evaluate_test", "ensemble", "source", "tree", "recipe", "base", "name")
PLACES = frozenset({"line", "column", "place"})
ROOT = "sweeps"
MEND = "Put a copy of it back, or search again in another directory with --out."


def directory_of(sweep: Sweep, out: str | os.PathLike | None) -> Path:
    """Where a sweep is kept: always the same place, so that the same command continues it."""
    return Path(out) if out is not None else Path(ROOT) / sweep.name


@contextmanager
def held(sweep: Sweep, directory: Path) -> Iterator[RunDirectory]:
    """Make or take up the directory of a sweep, and hold it against a second chief.

    Raises:
        RequestError: another process holds it, or it is the directory of another sweep.
    """
    # Unlike a `Path`, `os.path` takes a name that no file can have for one that is not there.
    there = os.path.isdir(directory) and any(directory.iterdir())
    if there and not os.path.isdir(directory / ORACLE):
        raise RequestError(
            f"{directory}: is not empty and holds no sweep. Name another with --out."
        )
    check_links(directory)
    try:
        (directory / ORACLE).mkdir(parents=True, exist_ok=True)
        (directory / TRIALS).mkdir(exist_ok=True)
    except OSError as error:
        raise RequestError(f"{directory}: cannot be written: {error.strerror}.") from None
    with locked(directory):
        where = RunDirectory(directory)
        _check(sweep, where)
        yield where


def describe(sweep: Sweep, where: RunDirectory) -> None:
    """Write what the sweep is made of, before its first trial; TensorFlow is imported by now."""
    if (where / MANIFEST).exists():
        return
    text = f"# {sweep.name}: given from Python; {MANIFEST} tells what is searched\n"
    if sweep.source is not None:
        text = Path(sweep.source).read_text(encoding="utf-8")
    content = keras_manifest(seed=sweep.seed, fingerprints={"sweep": fingerprint(sweep)})
    when_there_is_space(lambda: where.write_text(SWEEP, text))
    when_there_is_space(
        lambda: where.write_json(MANIFEST, {**content, "identity": identity(sweep)})
    )


def _check(sweep: Sweep, where: RunDirectory) -> None:
    """Refuse to continue another sweep, and say what differs."""
    if not (where / MANIFEST).exists():
        return
    before = identity_of(where / MANIFEST)
    now = identity(sweep)
    changed = [name for name in now if now[name] != before.get(name)]
    if changed:
        raise RequestError(
            f"{where.path}: holds another sweep; what differs: {', '.join(sorted(changed))}. "
            "Undo the change to continue it, or name another directory with --out."
        )


def identity_of(manifest_file: Path) -> dict[str, Any]:
    """What is searched in the directory of a sweep, as its manifest says.

    Raises:
        RequestError: the manifest is damaged.
    """
    found = read_json(manifest_file, MEND)
    content = found.get("identity") if isinstance(found, dict) else None
    if not isinstance(content, dict):
        raise damaged(manifest_file, "has no `identity`, which says what is searched", MEND)
    return content


def check_links(directory: Path) -> None:
    """Refuse a directory in which one of our names leads to another place.

    Raises:
        RequestError: there is one; whatever is written there would change files elsewhere.
    """
    for name in (ORACLE, TRIALS, TENSORBOARD, ENSEMBLE, LOGS, EVENTS, TOKEN):
        if os.path.islink(directory / name):
            raise RequestError(
                f"{directory / name}: is a link, and nothing is written through one. Replace it by "
                "what it leads to, or name another directory with --out."
            )


def identity(sweep: Sweep) -> dict[str, Any]:
    """What is searched, in plain values; two sweeps with the same are continued as one."""
    content = {
        name: getattr(sweep, name)
        for name in type(sweep).__dataclass_fields__
        if name not in (*FREE, *ANSWER, "parameters")
    }
    content["space"] = [
        [parameter.name, parameter.domain, sorted(parameter.when.items())]
        for parameter in sweep.parameters
    ]
    content["recipe"] = to_plain(base_recipe(sweep))
    return json.loads(json.dumps(content, default=_plain, sort_keys=True))


def base_recipe(sweep: Sweep) -> Recipe:
    """The recipe with none of the space's keys changed."""
    return trial_recipe(sweep, {})


def fingerprint(sweep: Sweep) -> str:
    """SHA-256 of the identity."""
    return hashlib.sha256(json.dumps(identity(sweep), sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is None:
        return repr(value)
    shown = {name: getattr(value, name) for name in fields}
    return {"type": type(value).__name__, **{k: v for k, v in shown.items() if k not in PLACES}}
