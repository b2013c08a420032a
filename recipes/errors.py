"""What a user is told when a request cannot be carried out."""

from collections.abc import Iterable
from dataclasses import dataclass

# A path or a name that a message quotes may be of any length.
LONGEST_LINE = 2000


class RequestError(Exception):
    """The request was wrong: nothing was trained and nothing was written. Exit status 2."""

    def __str__(self) -> str:
        return legible(super().__str__())


class DataError(RequestError):
    """The data cannot be used as the recipe asks."""


class TrainingFailed(Exception):
    """Training began and could not be finished. Exit status 1."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a recipe and the place where it stands.

    `line` and `column` count from 1. They are `None` where the value comes from no file, as an
    override or a Python dictionary does; `file` then names that origin.
    """

    file: str
    line: int | None
    column: int | None
    path: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        return f"{place} {self.path}: {self.message}" if self.path else f"{place} {self.message}"


class RecipeError(RequestError):
    """A recipe with one or more mistakes, all of them found in one pass."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def legible(text: str) -> str:
    """Text that may quote anything, fit for a terminal.

    Characters that would move its cursor become question marks, and a line without end is cut in
    its middle.

    >>> legible("no column `a\\x1b[2Jb`")
    'no column `a?[2Jb`'
    """
    lines = ["".join(c if c.isprintable() else "?" for c in line) for line in text.split("\n")]
    half = LONGEST_LINE // 2 - 2
    return "\n".join(
        line if len(line) <= LONGEST_LINE else f"{line[:half]}...{line[-half:]}" for line in lines
    )
