"""The directory of a sweep: made, or taken up again by the same command."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...errors import RequestError
from ...record.directory import RunDirectory
from ...record.lock import locked
from ...record.manifest import manifest
from ..spec.records import Sweep
from ..stored import damaged, read_json
from .identity import fingerprint, identity
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
from .space import patiently

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
    told = manifest(seed=sweep.seed, fingerprints={"sweep": fingerprint(sweep)})
    patiently(lambda: where.write_text(SWEEP, text))
    patiently(lambda: where.write_json(MANIFEST, {**told, "identity": identity(sweep)}))


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
    told = found.get("identity") if isinstance(found, dict) else None
    if not isinstance(told, dict):
        raise damaged(manifest_file, "has no `identity`, which says what is searched", MEND)
    return told


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
