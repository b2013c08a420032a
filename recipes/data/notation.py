"""How a table of text writes numbers and dates, where not as `1.5` and `2013-01-31`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from ..errors import DataError
from ..spec.date_formats import CODE, date_pattern
from ..spec.wording import shown
from .arrow import compute as pc
from .cell_types import MISSING_NUMBERS, is_text

EXPONENT = r"([eE][+-]?\d+)?"
# A number with a decimal point, or one that may have points between its thousands.
POINT = rf"^\s*[+-]?(\d+\.\d*|\.\d+|[1-9]\d?\d?(\.\d\d\d)+){EXPONENT}\s*$"
WHOLE = rf"^\s*[+-]?\d+{EXPONENT}\s*$"
# Two groups of thousands with commas, or one in front of a decimal point.
LARGE = r",\d\d\d[,.]\d"
# A comma that may stand between thousands.
COMMA_THOUSANDS = r",\d\d\d\s*$"
# The mark between thousands -> the characters that it is written with.
THOUSANDS = {",": ",", ".": r"\.", "'": "['\u2019]", " ": "[ \u00a0\u202f]"}
# Cells that are looked at before all others.
FIRST = 10
# Orders of a date's parts, of which all that fit the cells are possible.
ORDERS = ("%d-%m-%Y", "%m-%d-%Y", "%Y-%m-%d")
CLOCKS = ("", " %H:%M", " %H:%M:%S")
# `.` stands between day and month in this order alone.
DATE_FORMATS = tuple(
    (order + clock).replace("-", mark)
    for mark in ".-/"
    for order in ORDERS
    for clock in CLOCKS
    if (mark, order) not in ((".", "%m-%d-%Y"), ("-", "%Y-%m-%d"))
)


@dataclass(frozen=True)
class Notation:
    """How the cells of a table of text are written.

    Attributes:
        decimal: mark in front of the fraction of a number, a point or a comma.
        date_format: of dates, such as `%d.%m.%Y`; None for those of ISO 8601.
        thousands: mark between the thousands of a number, a key of `THOUSANDS`. Without one, a
            number with a decimal comma may have points between its thousands all the same.
    """

    decimal: str = "."
    date_format: str | None = None
    thousands: str | None = None

    def usual(self, columns: Mapping[str, pa.Array], path: Path) -> dict[str, pa.Array]:
        """Columns with a point in their numbers and dates as of ISO 8601; words stay as they are.

        Raises:
            DataError: a column has numbers with a comma and numbers with a point.
        """
        found = dict(columns)
        for name, column in columns.items():
            if is_text(column) and (self.decimal == "," or self.thousands is not None):
                found[name] = self._with_points(column, f"{path}: column `{shown(name)[1:-1]}`")
            if is_text(column) and self.date_format is not None:
                found[name] = _with_iso_dates(found[name], self.date_format)
        return found

    @cached_property
    def pattern(self) -> str:
        """A regular expression for the numbers that are written otherwise than usual."""
        fraction = re.escape(self.decimal) + r"\d*"
        mark = None if self.thousands is None else THOUSANDS[self.thousands]
        grouped = rf"[1-9]\d?\d?({mark or THOUSANDS['.']}\d\d\d)+"
        numbers = [rf"{grouped}{fraction}"]
        if self.decimal == ",":
            numbers += [r"\d+,\d*", r",\d+"]
        if mark is not None:
            numbers.append(grouped)
        return rf"^\s*[+-]?({'|'.join(numbers)}){EXPONENT}\s*$"

    @property
    def has_dates_like_numbers(self) -> bool:
        """Whether a date may look like a number in the usual notation, as with `%Y%m%d`."""
        return self.date_format is not None and len(CODE.sub("", self.date_format)) < 2

    def _with_points(self, cells: pa.Array, where: str) -> pa.Array:
        found = _matches(cells, self.pattern)
        if not pc.any(found).as_py():
            return cells
        if self.decimal == ",":
            _refuse_points(cells, found, where)
        digits = pc.replace_substring_regex(cells, THOUSANDS[self.thousands or "."], "")
        if self.decimal == ",":
            digits = pc.replace_substring(digits, ",", ".")
        return pc.if_else(found, digits, cells)


USUAL = Notation()


def _refuse_points(cells: pa.Array, found: pa.Array, where: str) -> None:
    """Raise where a cell that is not of this notation has a decimal point."""
    pointed = pc.and_(_matches(cells, POINT), pc.invert(found))
    if pc.any(pointed).as_py():
        comma, point = (pc.filter(cells, mask)[0].as_py().strip() for mask in (found, pointed))
        raise DataError(
            f"{where} has numbers with a decimal comma, such as `{comma}`, and others with a "
            f"point, such as `{point}`. With `decimal: ','` a point may only stand between the "
            "thousands of a number that has a comma too, or of any with `thousands: '.'`; write "
            "them all in one way."
        )


def _with_iso_dates(cells: pa.Array, date_format: str) -> pa.Array:
    parts = pc.extract_regex(cells, date_pattern(date_format))
    if parts.null_count == len(parts):
        return cells
    names = [field.name for field in parts.type]
    of = {name: pc.utf8_lpad(pc.struct_field(parts, name), 2, "0") for name in names}
    if "short_year" in of:
        # As `strptime` has it.
        last_century = pc.greater_equal(of["short_year"], "69")
        century = pc.if_else(last_century, "19", "20")
        of["year"] = pc.binary_join_element_wise(century, of["short_year"], "")
    iso = pc.binary_join_element_wise(of["year"], of["month"], of["day"], "-")
    if "hour" in of:
        clock = [of["hour"], of.get("minute", pa.scalar("00"))]
        clock += [of["second"]] if "second" in of else []
        iso = pc.binary_join_element_wise(iso, pc.binary_join_element_wise(*clock, ":"), " ")
    return pc.coalesce(iso, cells)


def guessed(columns: Mapping[str, pa.Array]) -> dict[str, str]:
    """The fields of the notation in which columns of text seem to be, where not the usual one."""
    known = [_known(cells) for cells in filter(is_text, columns.values())]
    found: dict[str, str] = {}
    for name, fitting in (("decimal", _decimal), ("thousands", _thousands), ("date_format", _date)):
        possible = {value for cells in known for value in fitting(cells)}
        if len(possible) == 1:
            found[name] = possible.pop()
    if found.get("decimal") == found.get("thousands"):
        # One column has a comma in front of fractions, and another one between thousands.
        found = {name: value for name, value in found.items() if name == "date_format"}
    return found


def notation_arguments(cells: pa.Array) -> str:
    """The arguments of the source `csv` for cells in another notation, as words; else nothing."""
    found = guessed({"cells": cells})
    return " and ".join(f"`{key}: {value!r}`" for key, value in found.items())


def _known(cells: pa.Array) -> pa.Array:
    words = cells.drop_null()
    return pc.filter(words, pc.invert(pc.is_in(words, pa.array(MISSING_NUMBERS))))


def _decimal(cells: pa.Array) -> tuple[str, ...]:
    """A comma, where cells are nothing but numbers, some of which have a decimal comma."""
    if not _all_match(cells, f"{Notation(',').pattern}|{WHOLE}"):
        return ()
    commas = _matches(cells, Notation(",").pattern)
    decimal = pc.and_(commas, pc.invert(_matches(cells, COMMA_THOUSANDS)))
    return (",",) if pc.any(decimal).as_py() else ()


def _thousands(cells: pa.Array) -> tuple[str, ...]:
    """The mark between thousands, where cells are nothing but numbers, some of which have it."""
    found = []
    for mark in (",", "'", " "):
        pattern = Notation(thousands=mark).pattern
        if _all_match(cells, f"{pattern}|{POINT}|{WHOLE}"):
            sure = LARGE if mark == "," else pattern
            found += [mark] * bool(pc.any(_matches(cells, sure)).as_py())
    return tuple(found)


def _date(cells: pa.Array) -> tuple[str, ...]:
    """The format of cells that are nothing but dates, if one alone is possible; else nothing."""
    if not len(cells):
        return ()
    possible = tuple(each for each in DATE_FORMATS if _all_match(cells, date_pattern(each)))
    return possible if len(possible) == 1 else ()


def _all_match(cells: pa.Array, pattern: str) -> bool:
    """Whether all cells have a form; most columns of words show in the first that they do not."""
    parts = (cells[:FIRST], cells)
    return all(pc.all(_matches(part, pattern)).as_py() for part in parts)


def _matches(cells: pa.Array, pattern: str) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(cells, pattern), False)
