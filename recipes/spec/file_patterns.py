"""Several files by one path: `part-*.csv`. Standard library alone."""

import glob
import itertools
import os
from pathlib import Path

from ..errors import DataError
from .wording import shown

MOST_FILES = 10_000


def is_pattern(path: str | Path) -> bool:
    """Whether a path stands for the files that match it: it has wildcards, and is no file."""
    return glob.has_magic(str(path)) and not os.path.lexists(path)


def matched(path: str | Path) -> list[Path]:
    """The files that a path stands for, in the order of their names: itself, or those that match.

    `*` is any part of a name, `?` any character, `[ab]` one of these.

    Raises:
        DataError: none matches, or more than 10,000 do.
    """
    found, problem = _found(path)
    if problem:
        raise DataError(f"{path}: {problem}")
    return found


def pattern_problem(path: str | Path) -> str:
    """What is wrong with a pattern, such as that no file matches; empty where nothing is."""
    return _found(path)[1]


def _found(path: str | Path) -> tuple[list[Path], str]:
    if not is_pattern(path):
        return [Path(path)], ""
    try:
        found = list(itertools.islice(glob.iglob(str(path)), MOST_FILES + 1))
    except ValueError as error:  # a name that no file can have
        return [], f"cannot be read: {error}."
    if len(found) > MOST_FILES:
        return [], f"more than {MOST_FILES:,} files match. Join some of them."
    return sorted(map(Path, found)), "" if found else "no file matches."


def columns_problem(names: list[str], path: Path, first: list[str], first_path: Path) -> str | None:
    """What is wrong where one of several files has other columns than the first; or None.

    Args:
        names: columns of the file at `path`.
        first: columns of the file at `first_path`.
    """
    own, others = set(names), set(first)
    extra = next((name for name in names if name not in others), None)
    if extra is not None:
        return f"{path}: has a column `{_short(extra)}`, which {first_path} does not have."
    missing = next((name for name in first if name not in own), None)
    if missing is not None:
        return f"{path}: has no column `{_short(missing)}`, which {first_path} has."
    return None


def _short(name: str) -> str:
    return shown(name)[1:-1]
