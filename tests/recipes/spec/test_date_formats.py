"""Formats of dates in tables of text: what is refused, and what a pattern finds."""

import re
from datetime import datetime, timedelta

import pytest

from keras_recipes.recipes.spec.date_formats import date_format_problem, date_pattern


@pytest.mark.parametrize(
    "date_format", ["%d.%m.%Y", "%m/%d/%y", "(%Y) %m-%d", "%d+%m*%Y %H:%M:%S", "%Y%m%d"]
)
def test_a_pattern_finds_what_strftime_writes(date_format):
    assert date_format_problem(date_format) is None
    for days in range(0, 20_000, 777):
        day = datetime(1980, 1, 1) + timedelta(days=days, seconds=days * 7)
        found = re.match(date_pattern(date_format), day.strftime(date_format))
        parts = {name: int(digits) for name, digits in found.groupdict().items()}
        year = parts.pop("year", None)
        assert parts.pop("short_year", day.year % 100) == day.year % 100
        assert year in (None, day.year)
        assert parts == {name: getattr(day, name) for name in parts}


@pytest.mark.parametrize("cell", ["1.2.2024 ", " 31.12.2024"])
def test_zeros_may_be_left_out_and_spaces_stand_around(cell):
    assert re.match(date_pattern("%d.%m.%Y"), cell)


@pytest.mark.parametrize(
    "cell",
    ["1.2.24", "1.2.20245", "1.13.2024", "32.1.2024", "0.1.2024", "1x2x2024", "x1.2.2024", ""],
)
def test_other_cells_are_not_found(cell):
    assert not re.match(date_pattern("%d.%m.%Y"), cell)


@pytest.mark.parametrize(
    ("date_format", "problem"),
    [
        ("%d.%m", "each once"),
        ("%d.%m.%Y %y", "each once"),
        ("%d.%d.%m.%Y", "each once"),
        ("", "each once"),
        ("%d. %B %Y", "there is no code `%B`"),
        ("%d.%m.%Y%", "there is no code `%`"),
        ("%d.%m.%Y :%M", "no hour"),
    ],
)
def test_a_format_that_gives_no_day_is_refused(date_format, problem):
    assert problem in date_format_problem(date_format)
