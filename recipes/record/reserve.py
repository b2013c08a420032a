"""Create the directory of a run, and remove it again if the run never started."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from ... import disk
from ...disk import waiting
from ..errors import RequestError
from .directory import (
    BEST,
    CHECKPOINTS,
    MANIFEST,
    RESULT,
    RUN_FILES,
    STATE,
    RunDirectory,
    check_run_files,
)
from .lock import LOCK, locked


@contextmanager
def reserve(
    out: str | os.PathLike[str] | None, name: str, *, again: bool = False
) -> Generator[RunDirectory, None, None]:
    """Create and lock the directory of a run.

    If the block fails before it wrote `result.json`, no step was trained, and everything that was
    written is removed.

    Args:
        out: the directory; default `runs/NAME-DATE-TIME`.
        again: whether it may hold a run to resume; else it must not exist or be empty.

    Raises:
        RequestError: it cannot be written, is not empty, or another process is working in it.
    """
    path = Path(out) if out is not None else fresh_directory(name)
    created = _create(path, again)
    if again:
        check_run_files(path)
    try:
        with locked(path):
            if not again:
                _check_empty(path)
            try:
                yield RunDirectory(path, waiting.PATIENCE)
            except BaseException:
                was_there = again and not created
                if not was_there and not os.path.lexists(path / RESULT):
                    remove_run_files(path)
                    disk.remove_file(path / MANIFEST)
                raise
    except BaseException as error:
        _remove_empty(path, created)
        if isinstance(error, OSError) and error.errno is not None:
            raise RequestError(f"{path}: cannot be written: {disk.explained(error)}") from error
        raise


def fresh_directory(name: str) -> Path:
    """Where a run goes by default: a directory in `runs` that does not exist yet."""
    root = Path("runs")
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    path = root / f"{name}-{stamp}"
    number = 2
    while path.exists():
        path = root / f"{name}-{stamp}-{number}"
        number += 1
    return path


def _check_empty(path: Path) -> None:
    if any(entry.name != LOCK for entry in path.iterdir()):
        raise RequestError(
            f"{path}: is not empty. Give `--out` a new directory, or `--resume` to continue the "
            "run in it; runs are never overwritten."
        )


def _create(path: Path, again: bool = False) -> list[Path]:
    """Create `path`, check that it can be written, and return the new folders."""
    # `os.path` and not `Path`, which raises for a name that no file can have.
    if os.path.exists(path) and not os.path.isdir(path):
        raise RequestError(
            f"{path}: is a file. `--out` must name a directory that does not exist yet."
        )
    created: list[Path] = []
    try:
        if os.path.isdir(path) and not again:
            _check_empty(path)
        missing = [folder for folder in (path, *path.parents) if not os.path.exists(folder)]
        path.mkdir(parents=True, exist_ok=True)
        created = missing
        with tempfile.TemporaryFile(dir=path) as probe:
            probe.write(b"x")
            probe.flush()
    except (OSError, ValueError) as error:
        _remove_empty(path, created)
        why = disk.cause(error) if isinstance(error, OSError) else error
        raise RequestError(
            f"{path}: the run directory cannot be written: {why}. Name another with `--out`."
        ) from None
    return created


def remove_run_files(path: Path) -> None:
    """Remove the files that every run writes; its manifest and checkpoints and all else stay."""
    for name in RUN_FILES:
        disk.remove_file(path / name)
    if not (path / CHECKPOINTS).is_symlink():
        disk.remove_file(path / BEST)
        for name in (STATE, CHECKPOINTS):
            with suppress(OSError):
                (path / name).rmdir()


def _remove_empty(path: Path, created: list[Path]) -> None:
    for folder in created:
        with suppress(OSError):
            folder.rmdir()
