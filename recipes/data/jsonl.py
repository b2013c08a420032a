"""Files of JSON objects, one a line, plain or compressed by gzip.

Python's own parser reads them: Arrow's ends the process on a line with `null`, and names no line.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..spec.csv_header import opened, readable, refuse_device
from ..spec.wording import shown
from .delimited import Bounded
from .frame import Frame, plain
from .python_columns import from_columns

# Bytes that are split into lines at a time.
PART = 1 << 20
# One object may take this much of a file.
LONGEST_LINE = 1 << 24


def read_jsonl(path: Path) -> Frame:
    """The rows of a file with one JSON object a line, whose keys name the columns.

    A key that a line lacks is a missing cell, as `null` is.

    Raises:
        DataError: a line is no JSON object, or a value of it is none that a column can hold.
    """
    columns: dict[str, list[object]] = {}
    numbers: list[int] = []
    with readable(path):
        refuse_device(path)
        with opened(path) as stream:
            for number, line in _lines(path, Bounded(path, stream)):
                row = _object(path, number, line)
                for name in row:
                    if name not in columns:
                        columns[name] = [None] * len(numbers)
                for name, values in columns.items():
                    values.append(row.get(name))
                numbers.append(number)
    if not columns:
        raise DataError(f"{path}: has no rows.")
    frame = from_columns({name: _cells(values) for name, values in columns.items()}, str(path))
    place = partial(_place, np.array(numbers))
    return Frame(frame.columns, str(path), place, folder=str(path.parent))


def _place(numbers: np.ndarray, row: int) -> str:
    return f"line {numbers[row]}"


def _lines(path: Path, stream: Bounded) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers from 1."""
    number, rest = 0, b""
    while True:
        part = stream.read(PART)
        *complete, rest = (rest + part).split(b"\n")
        if not part and rest:
            complete, rest = [*complete, rest], b""
        for line in complete:
            number += 1
            if line.strip(b" \t\r\xef\xbb\xbf"):
                yield number, line
        if len(rest) > LONGEST_LINE:
            raise DataError(f"{path}: line {number + 1} is longer than {LONGEST_LINE} bytes.")
        if not part:
            return


def _object(path: Path, number: int, line: bytes) -> dict[str, object]:
    try:
        # A byte order mark may begin the file.
        found = json.loads(line.decode("utf-8-sig"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: line {number} is no JSON object: {reason}.") from None
    if not isinstance(found, dict):
        raise DataError(f"{path}: line {number}: expected an object. Received {shown(found)}.")
    # Most lines have nothing in them that could be wrong here.
    odd = b"\\u" in line or line.count(b"{") > 1
    for name, value in found.items() if odd else ():
        if isinstance(value, dict) or not _is_encodable(name, value):
            raise DataError(
                f"{path}: line {number}, column `{plain(name)}`: expected a number, words, or a "
                f"list of numbers. Received {shown(value)}."
            )
    return found


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _is_encodable(name: str, value: object) -> bool:
    """Whether words are text: JSON can escape halves of characters."""
    try:
        name.encode()
        return not isinstance(value, str) or value.encode() is not None
    except UnicodeEncodeError:
        return False


def _cells(values: list[object]) -> list[object]:
    """Numbers, words or lists; true and false as the words that a table of text would have."""
    if {type(value) for value in values} <= {bool, int, float, type(None)}:
        return [int(value) if isinstance(value, bool) else value for value in values]
    return [str(value).lower() if isinstance(value, bool) else value for value in values]
