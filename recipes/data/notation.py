"""How a table of text writes numbers and dates, where not as `1.5` and `2013-01-31`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ..errors import DataError
from ..spec.date_formats import date_pattern
from ..spec.wording import shown
from .arrow import compute as pc
from .cell_types import MISSING_NUMBERS, is_text

EXPONENT = r"([eE][+-]?\d+)?"
# `1,5`, and `1.234,5` with points between thousands.
COMMA = rf"^\s*[+-]?(\d+,\d*|,\d+|[1-9]\d?\d?(\.\d\d\d)+,\d*){EXPONENT}\s*$"
POINT = rf"^\s*[+-]?(\d+\.\d*|\.\d+|[1-9]\d?\d?(\.\d\d\d)+){EXPONENT}\s*$"
WHOLE = rf"^\s*[+-]?\d+{EXPONENT}\s*$"
# May be the thousands of a number with a decimal point.
THOUSANDS = r",\d\d\d\s*$"
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
    """

    decimal: str = "."
    date_format: str | None = None

    def usual(self, columns: Mapping[str, pa.Array], path: Path) -> dict[str, pa.Array]:
        """Columns with a point in their numbers and dates as of ISO 8601; words stay as they are.

        Raises:
            DataError: a column has numbers with a comma and numbers with a point.
        """
        found = dict(columns)
        for name, column in columns.items():
            if is_text(column) and self.decimal == ",":
                found[name] = _with_points(column, f"{path}: column `{shown(name)[1:-1]}`")
            if is_text(column) and self.date_format is not None:
                found[name] = _with_iso_dates(found[name], self.date_format)
        return found


USUAL = Notation()


def _with_points(cells: pa.Array, where: str) -> pa.Array:
    found = _matches(cells, COMMA)
    if not pc.any(found).as_py():
        return cells
    pointed = _matches(cells, POINT)
    if pc.any(pointed).as_py():
        comma, point = (pc.filter(cells, mask)[0].as_py().strip() for mask in (found, pointed))
        raise DataError(
            f"{where} has numbers with a decimal comma, such as `{comma}`, and others with a "
            f"point, such as `{point}`. With `decimal: ','` a point may only stand between the "
            "thousands of a number that has a comma too; write them all in one way."
        )
    digits = pc.replace_substring(cells, ".", "")
    return pc.if_else(found, pc.replace_substring(digits, ",", "."), cells)


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
    found = {"decimal": ","} if any(map(_has_comma, known)) else {}
    formats = {name for cells in known for name in _date_format(cells)}
    if len(formats) == 1:
        found["date_format"] = formats.pop()
    return found


def notation_hint(cells: pa.Array) -> str:
    """What to say of words that are numbers or dates in another notation; nothing of others."""
    words = {"decimal": "numbers", "date_format": "dates"}
    found = guessed({"cells": cells})
    return "".join(
        f" (with `{key}: {value!r}` of the source `csv` they are read as {words[key]})"
        for key, value in found.items()
    )


def _known(cells: pa.Array) -> pa.Array:
    words = cells.drop_null()
    return pc.filter(words, pc.invert(pc.is_in(words, pa.array(MISSING_NUMBERS))))


def _has_comma(cells: pa.Array) -> bool:
    """Whether cells are nothing but numbers, some of which have a decimal comma."""
    if not _all_match(cells, rf"{COMMA}|{WHOLE}"):
        return False
    commas = _matches(cells, COMMA)
    decimal = pc.and_(commas, pc.invert(_matches(cells, THOUSANDS)))
    return bool(pc.any(decimal).as_py())


def _date_format(cells: pa.Array) -> tuple[str, ...]:
    """The format of cells that are nothing but dates, if one alone is possible; else nothing."""
    if not len(cells):
        return ()
    possible = tuple(each for each in DATE_FORMATS if _are_dates(cells, each))
    return possible if len(possible) == 1 else ()


def _are_dates(cells: pa.Array, date_format: str) -> bool:
    """Whether all cells have a format, with months and days that exist."""
    pattern = date_pattern(date_format)
    if not _all_match(cells, pattern):
        return False
    parts = pc.extract_regex(cells, pattern)
    month, day = (pc.cast(pc.struct_field(parts, name), pa.int32()) for name in ("month", "day"))
    return pc.max(month).as_py() <= 12 and pc.max(day).as_py() <= 31


def _all_match(cells: pa.Array, pattern: str) -> bool:
    """Whether all cells have a form; most columns of words show in the first that they do not."""
    parts = (cells[:FIRST], cells)
    return all(pc.all(_matches(part, pattern)).as_py() for part in parts)


def _matches(cells: pa.Array, pattern: str) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(cells, pattern), False)
