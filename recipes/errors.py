"""What a user reads when a request cannot be carried out."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from .. import disk

# A path or a name that a message quotes may be of any length, and a file may have any number of
# mistakes.
LONGEST_LINE = 2000
MOST_LINES = 20


class RequestError(Exception):
    """The request was wrong: nothing was trained and nothing was written. Exit status 2."""

    def __str__(self) -> str:
        return legible(super().__str__())


class DataError(RequestError):
    """The data cannot be used as the recipe asks."""


class TrainingFailed(Exception):
    """Training began and could not be finished. Exit status 1."""


class ProblemCode(Enum):
    """What kind of mistake a problem is, for programs; `VALUE` is any that has no code."""

    VALUE = "value"
    MISSING_KEY = "missing"
    UNKNOWN_KEY = "unknown_key"
    UNKNOWN_NAME = "name"
    REFUSED = "refused"
    NO_PLACE = "no_place"
    KERAS_VERSION = "keras_version"

    @classmethod
    def _missing_(cls, value: object) -> "ProblemCode":
        return cls.VALUE


@dataclass(frozen=True)
class Problem:
    """One mistake in a recipe and the place where it stands.

    Attributes:
        file: the file, or the origin of a value that comes from none, such as an override.
        line: of the file, from 1; None where the value comes from no file.
        column: as `line`.
        path: the key, such as `model.layers[0].dense.units`; empty for the file itself.
        wrong: what was expected, or what is wrong.
        code: the kind of mistake.
        received: the value in the recipe, as YAML would have it; None where `wrong` says enough.
        hint: what may have been meant.
    """

    file: str
    line: int | None
    column: int | None
    path: str
    wrong: str
    code: ProblemCode = ProblemCode.VALUE
    received: str | None = None
    hint: str = ""

    @property
    def message(self) -> str:
        """What is wrong, what was received, and what may have been meant."""
        received = "" if self.received is None else f"Received {self.received}."
        return " ".join(part for part in (self.wrong, received, self.hint) if part)

    def __str__(self) -> str:
        if self.line is None and not self.path:
            return f"{self.file}: {self.message}"
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        return f"{place} {self.path}: {self.message}" if self.path else f"{place} {self.message}"


class RecipeError(RequestError):
    """A recipe with one or more mistakes, all of them found in one pass."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def legible(text: str) -> str:
    """Text that may quote anything, fit for a terminal.

    Characters that would move its cursor become question marks, a line without end is cut in its
    middle, and of very many lines the first are shown.

    >>> legible("no column `a\\x1b[2Jb`")
    'no column `a?[2Jb`'
    """
    lines = text.split("\n")
    shown = [_legible_line(line) for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        shown.append(f"and {len(lines) - MOST_LINES} more.")
    return "\n".join(shown)


def _legible_line(line: str) -> str:
    half = LONGEST_LINE // 2 - 2
    line = line if len(line) <= LONGEST_LINE else f"{line[:half]}...{line[-half:]}"
    return printable(line)


def printable(text: str) -> str:
    """Text without control characters, which would move the cursor of a terminal.

    >>> printable("a\\x1b[2J")
    'a?[2J'
    """
    return "".join(char if char.isprintable() else "?" for char in text)


def first_line(error: BaseException, most: int = 300) -> str:
    """The first line of what an error says; the name of its class if it says nothing.

    >>> first_line(ValueError("no such column\\nat all")), first_line(KeyError())
    ('no such column', 'KeyError')
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:most]


# What values raise that make no sense together.
SENSELESS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@contextmanager
def consistent(where: str) -> Iterator[None]:
    """Turn what a description raises that makes no sense into an error about its file.

    What a file says of its data may be of any type, and may contradict the model beside it: a check
    of each value would not find the second.

    Args:
        where: the file.
    """
    try:
        yield
    except SENSELESS as error:
        raise RequestError(
            f"{where}: what it says of its data does not fit the model or these rows "
            f"({type(error).__name__}: {first_line(error, 120)}). Was it changed by hand? If not, "
            "please report it as a bug."
        ) from error


def system_failure(error: BaseException) -> str | None:
    """What to say of an error of the system, such as a full disk; None of any other error.

    >>> system_failure(OSError(28, "No space left on device", "runs/a/model.keras"))
    'runs/a/model.keras: the disk is full. Free some space, or write to another disk.'
    """
    if not isinstance(error, OSError):
        return None
    remedy = disk.remedy(error)
    return legible(f"{disk.explained(error)} {remedy}") if remedy else None
