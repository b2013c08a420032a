"""CSV files up to their cells: encoding, lines and records. Standard library alone.

The recipe language reads the first record of a file to check the names of columns, and
`recipes/data/delimited.py` reads all of them.
"""

import codecs
import csv
import gzip
import io
import os
import stat
import unicodedata
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from ..errors import DataError
from .wording import shown

# Characters in a line: a table of a million columns has fewer.
LONGEST_LINE = 1 << 26
GZIP = b"\x1f\x8b"
# What the first column is called where it alone has no name: pandas and R write the index so.
INDEX = "index"
# Codecs of Python that decode to text and are no encoding of a text file.
NO_FILE_ENCODINGS = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)
# Other characters between cells, tried on a first line that has no comma between names.
OTHER_DELIMITERS = (";", "\t", "|")
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Tried, in this order, on a file that is not in the encoding that it should be in.
LIKELY_ENCODINGS = ("utf-8", "cp949", "cp1252", "cp932", "gb18030", "big5", "cp1251")
# Bytes of lines that are not ASCII, to try encodings on.
SAMPLE = 1 << 14


def encoding_problem(encoding: str) -> str | None:
    """What is wrong with the name of an encoding; None where nothing is."""
    expected = "expected the name of a text encoding, such as utf-8, cp949, latin-1 or utf-16."
    try:
        "".encode(encoding)  # refuses codecs that do not decode bytes to text
        known = codecs.lookup(encoding).name.replace("-", "_") not in NO_FILE_ENCODINGS
    except (LookupError, ValueError):
        known = False
    return None if known else f"{expected} Received {shown(encoding)}."


def delimiter_problem(delimiter: str) -> str | None:
    """What is wrong with the character between cells; None where nothing is."""
    if len(delimiter) == 1 and delimiter not in '"\r\n\0':
        return None
    return (
        "`delimiter` must be one character, and neither a quote nor the end of a line. "
        f"Received {shown(delimiter)}."
    )


def delimiter_of(path: Path) -> str:
    """The character between cells by the end of a file's name: a tab in `.tsv`, else a comma."""
    return "\t" if path.name.lower().removesuffix(".gz").endswith(".tsv") else ","


def guessed_delimiter(path: Path, encoding: str = "utf-8") -> str:
    """The character between cells by the first line: another where the usual divides nothing."""
    usual = delimiter_of(path)
    found: dict[str, int] = {}
    for mark in (usual, *OTHER_DELIMITERS):
        with suppress(DataError):  # a quotation mark ends where no cell does, or there is no file
            found[mark] = _cells_of_first(path, mark, encoding)
        if found.get(usual, 0) > 1:
            return usual
    return max(found, key=lambda mark: found[mark], default=usual)


def _cells_of_first(path: Path, delimiter: str, encoding: str) -> int:
    return next((len(cells) for _, cells in records(path, delimiter, encoding)), 0)


def records(
    path: Path, delimiter: str = ",", encoding: str = "utf-8"
) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV file that are not empty, each with the line it begins in.

    Args:
        path: the file.
        delimiter: character between cells.
        encoding: of the file. A byte order mark at its beginning takes precedence.

    Raises:
        DataError: the file cannot be read, or is no CSV file.
    """
    problem = delimiter_problem(delimiter) or encoding_problem(encoding)
    if problem is not None:
        raise DataError(f"{path}: {problem}")
    with readable(path):
        refuse_device(path)
        found = marked_encoding(path) or encoding
        try:
            with opened(path) as stream, io.TextIOWrapper(stream, found, newline="") as file:
                yield from _records(path, file, delimiter)
        except UnicodeError:
            raise DataError(f"{path}: {_not_decoded(path, found)}") from None


def header(path: Path, delimiter: str = ",", encoding: str = "utf-8") -> list[str]:
    """The names of the columns: the first record, of which no more than that is read.

    The first column is called `index` where it alone has no name.

    Raises:
        DataError: the file cannot be read, or a column has no name or that of another one.
    """
    for _, cells in records(path, delimiter, encoding):
        return checked_names(path, cells)
    raise DataError(f"{path}: is empty; its first line must name the columns.")


def checked_names(path: Path, cells: Sequence[str]) -> list[str]:
    """The cells of a first record as names of columns, each its own."""
    names = [cell.strip() for cell in cells]
    if names[0].startswith("sep=") and len(names) < 3:
        raise DataError(
            f"{path}: its first line, `{shown(names[0])[1:-1]}`, is for Excel alone. Remove it: "
            "the first line must name the columns."
        )
    if not names[0] and len(names) > 1 and all(names[1:]) and INDEX not in names:
        names[0] = INDEX
    known: set[str] = set()
    for index, name in enumerate(names):
        if not name:
            raise DataError(
                f"{path}: column {index + 1} has no name in the first line. Write one there, or "
                "remove the column."
            )
        if name in known:
            raise DataError(
                f"{path}: two columns are called `{shown(name)[1:-1]}`. Rename one of them in the "
                "first line, or remove it."
            )
        known.add(name)
    return names


def opened(path: Path) -> BinaryIO:
    """The bytes of a file; those that a gzip file unfolds to."""
    with open(path, "rb") as file:
        compressed = file.read(2) == GZIP
    return cast(BinaryIO, gzip.open(path)) if compressed else open(path, "rb")


def marked_encoding(path: Path) -> str | None:
    """The encoding that a byte order mark at the beginning of a file shows; None without one."""
    with opened(path) as file:
        start = file.read(4)
    # The mark of UTF-32 begins like that of UTF-16, and stands first in the table.
    return next((name for mark, name in BYTE_ORDER_MARKS.items() if start.startswith(mark)), None)


@contextmanager
def readable(path: Path) -> Generator[None, None, None]:
    """Turns what the system says about a file into a `DataError`."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise DataError(f"{path}: is a directory, not a file.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: is a damaged gzip file, or is cut short: {error}.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}.") from None
    except ValueError as error:  # a name that no file can have
        raise DataError(f"{path}: cannot be read: {error}.") from None


def refuse_device(path: Path) -> None:
    """A device has no end, and a pipe may never begin."""
    try:
        mode = os.stat(path).st_mode
    except OSError:  # opening it tells why
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DataError(f"{path}: is a device or a pipe, not a file.")


def _records(path: Path, file: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(_lines(path, file), delimiter=delimiter, strict=True)
    first = 1
    try:
        for cells in reader:
            if cells:
                yield first, cells
            first = reader.line_num + 1
    except csv.Error as error:
        raise DataError(_no_csv(path, first, reader.line_num, error)) from None


def _no_csv(path: Path, first: int, last: int, error: csv.Error) -> str:
    spans = f"; a quoted cell begins there and does not end by line {last}" * (last > first)
    return (
        f"{path}: line {first} is no CSV: {error}{spans}. Is a quotation mark missing? Inside a "
        'quoted cell it is written twice, `""`, and a cell has at most '
        f"{csv.field_size_limit():,} characters."
    )


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    """The lines of a file, none of them too long for memory."""
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise DataError(
                f"{path}: line {number} is longer than {LONGEST_LINE:,} characters; is this a "
                "table?"
            )
        if "\0" in line:
            raise DataError(
                f"{path}: line {number} has a zero byte, which no text has. Is the file in "
                "another encoding, as `encoding: utf-16`, or not a table?"
            )
        yield line


def _not_decoded(path: Path, encoding: str) -> str:
    """That a file is not in an encoding, and which others it may be in."""
    name = encoding.removesuffix("-sig").upper()
    sample = _sample(path)
    likely = [
        f"`encoding: {candidate}` (its text begins `{text}`)"
        for candidate in LIKELY_ENCODINGS
        if (text := _decoded(sample, candidate)) is not None
    ]
    if not likely:
        return f"is not {name} text, nor in another encoding that is tried. Is it a table?"
    choices = " or ".join(likely[:4])
    return f"is not {name} text. The encoding may be {choices}; choose the one that reads well."


def _sample(path: Path) -> bytes:
    """Lines of a file that are not ASCII, as many as there are to try encodings on."""
    found = b""
    with opened(path) as file:
        while len(found) < SAMPLE and (line := file.readline(SAMPLE)):
            if not line.isascii():
                found += line
    return found


def _decoded(sample: bytes, encoding: str) -> str | None:
    """The first words that are not ASCII under an encoding; None where it cannot be that one."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        text = decoder.decode(sample)  # a character that is cut off at the end does no harm
    except UnicodeDecodeError:
        return None
    if any(unicodedata.category(c) in ("Cc", "Cn", "Co") and c not in "\t\r\n" for c in text):
        return None
    cells = [cell.strip(' "\r\n') for cell in text.replace(";", ",").replace("\t", ",").split(",")]
    return next((shown(cell, 22)[1:-1] for cell in cells if not cell.isascii()), None)
