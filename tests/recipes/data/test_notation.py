"""Numbers with a decimal comma and dates of any order: the same table as in the usual notation."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from keras_recipes.recipes.data.dates import different_dates
from keras_recipes.recipes.data.delimited import read_delimited, stream_delimited
from keras_recipes.recipes.data.notation import Notation, guessed, notation_arguments
from keras_recipes.recipes.data.table_files import guessed_dialect, open_delimited, read_typed
from keras_recipes.recipes.errors import DataError

COMMA = Notation(",")
WORDS = ("1,5 kg", "a,b", "1.2.3", "13.02", "", "x", "2024-01-01", "1,2,3")


def written(path, decimal=",", date_format="%d.%m.%Y", rows=300):
    """A table in a notation and in the usual one, with a semicolon between cells."""
    draw = np.random.default_rng(4)
    lines = [["x", "whole", "day", "word"]], [["x", "whole", "day", "word"]]
    for row in range(rows):
        x = "NA" if row % 7 == 0 else repr(float(draw.normal() * 10.0 ** draw.integers(-3, 6)))
        day = datetime(1999, 1, 1) + timedelta(minutes=int(draw.integers(2 * 10**7)))
        iso = "%Y-%m-%d %H:%M" if "%H" in date_format else "%Y-%m-%d"
        rest = [str(draw.integers(9)), WORDS[row % len(WORDS)]]
        for of, mark, form in zip(lines, (".", decimal), (iso, date_format), strict=True):
            of.append([x.replace(".", mark), rest[0], day.strftime(form), rest[1]])
    for of, name in zip(lines, ("usual.csv", "other.csv"), strict=True):
        (path / name).write_text("".join(";".join(cells) + "\n" for cells in of))
    return path / "usual.csv", path / "other.csv"


@pytest.mark.parametrize(
    ("decimal", "date_format"),
    [(",", "%d.%m.%Y"), (".", "%m/%d/%Y"), (",", "%d-%m-%y"), (",", "%Y.%m.%d %H:%M")],
)
def test_a_table_is_the_same_in_any_notation(decimal, date_format, tmp_path):
    usual, other = written(tmp_path, decimal, date_format)
    notation = Notation(decimal, date_format)
    expected = read_delimited(usual, ";").typed().columns
    names = list(expected)
    assert [pa.types.is_string(expected[name].type) for name in names] == [False, False, True, True]
    stream = [*stream_delimited(other, ";", "utf-8", names, notation)]
    read = read_delimited(other, ";", notation=notation)
    for found in (
        read.typed(),
        open_delimited(other, ";", "utf-8", notation).typed(),
        read_typed(other, ";", "utf-8", names, [], notation),
    ):
        assert all(found[name].equals(expected[name]) for name in names)
    for name in names:
        whole = pa.chunked_array([piece[name] for piece in stream])
        assert whole.to_pylist() == read[name].to_pylist()


def column(path, *cells, notation=COMMA):
    path = path / "t.csv"
    path.write_text("\n".join(["a;b", *(f"{cell};1" for cell in cells)]) + "\n")
    return read_delimited(path, ";", notation=notation).typed()["a"].to_pylist()


def test_points_between_thousands(tmp_path):
    cells = ("1.234,50", "-12.345.678,9", "+,5", " 7, ", "3", "1,5e3")
    assert column(tmp_path, *cells) == [1234.5, -12345678.9, 0.5, 7.0, 3.0, 1500.0]


@pytest.mark.parametrize(
    ("notation", "cells", "numbers"),
    [
        (Notation(thousands=","), ("1,234.5", "-12,345,678", "1.5"), [1234.5, -12345678, 1.5]),
        (Notation(thousands="'"), ("1'234.5", "1\u2019234", "7"), [1234.5, 1234, 7]),
        (Notation(",", thousands=" "), ("1 234,5", "1\u00a0234", "1\u202f234", ",5"),
         [1234.5, 1234, 1234, 0.5]),
        (Notation(",", thousands="."), ("1.234", "1.234,5", "1,5"), [1234, 1234.5, 1.5]),
        (Notation(thousands=","), ("1,234", "12"), [1234, 12]),
    ],
)  # fmt: skip
def test_marks_between_thousands(notation, cells, numbers, tmp_path):
    assert column(tmp_path, *cells, notation=notation) == numbers


@pytest.mark.parametrize("cell", ["1,23", "0,123", "1,2345", "1,234,5", "1.5,234", ",234"])
def test_other_commas_make_no_thousands(cell, tmp_path):
    assert column(tmp_path, cell, "1,234", notation=Notation(thousands=",")) == [cell, "1234"]


@pytest.mark.parametrize("cell", WORDS)
def test_words_stay_as_they_are(cell, tmp_path):
    assert column(tmp_path, cell, "word", notation=Notation(",", "%d.%m.%Y"))[0] == (cell or None)


@pytest.mark.parametrize("other", ["1.5", ".5", "1.234", "1.5e3"])
def test_a_comma_and_a_point_in_one_column_are_refused(other, tmp_path):
    with pytest.raises(DataError, match=rf"column `a` has .* such as `2,5`, .* `{other}`"):
        column(tmp_path, "2,5", other)
    path = tmp_path / "t.csv"
    for read in (
        lambda: read_typed(path, ";", "utf-8", ["a"], [], COMMA),
        lambda: [*stream_delimited(path, ";", "utf-8", ["a"], COMMA)],
    ):
        with pytest.raises(DataError, match="`decimal: ','` a point may only"):
            read()


def test_two_digits_of_a_year_are_those_of_strptime(tmp_path):
    cells = [f"03.02.{year:02}" for year in range(100)]
    found = column(tmp_path, *cells, notation=Notation(date_format="%d.%m.%y"))
    assert found == [datetime.strptime(cell, "%d.%m.%y").strftime("%Y-%m-%d") for cell in cells]


def test_numbers_that_are_no_dates_stay_numbers(tmp_path):
    notation = Notation(date_format="%Y%m%d")
    assert column(tmp_path, "12345678", "20241301", notation=notation) == [12345678, 20241301]
    assert column(tmp_path, "20241101", notation=notation) == ["2024-11-01"]
    # Also where the first rows of a long table are none, and later ones are.
    cells = ["12345678"] * 60_000 + ["20241101"]
    expected = column(tmp_path, *cells, notation=notation)
    found = read_typed(tmp_path / "t.csv", ";", "utf-8", ["a"], [], notation)
    assert found["a"].to_pylist() == expected


@pytest.mark.parametrize("cell", ["31.02.2024", "12.13.2024", "2.1.24"])
def test_days_that_do_not_exist_are_no_dates(cell, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"day\n01.12.2023\n{cell}\n")
    rows = read_delimited(path, notation=Notation(date_format="%d.%m.%Y"))
    with pytest.raises(DataError, match="day"):
        different_dates(rows, "day")


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["1,5", "2", ""], {"decimal": ","}),
        (["1.234,5", "NA"], {"decimal": ","}),
        (["1,234.5", "5", "1.5"], {"thousands": ","}),
        (["1,234,567", "1,234"], {"thousands": ","}),
        (["1'234.5", "5"], {"thousands": "'"}),
        (["1 234", "5"], {"thousands": " "}),
        # A decimal comma, or one between thousands.
        (["1,234", "5"], {}),
        (["1,5", "x"], {}),
        (["1,5", "1.5"], {}),
        (["3", "4"], {}),
        (["01.02.2024", "", "3.4.2024"], {"date_format": "%d.%m.%Y"}),
        (["01/02/2024", "13/02/2024"], {"date_format": "%d/%m/%Y"}),
        (["01/02/2024", "02/13/2024"], {"date_format": "%m/%d/%Y"}),
        (["01-31-2024"], {"date_format": "%m-%d-%Y"}),
        (["2024/1/31"], {"date_format": "%Y/%m/%d"}),
        (["31.1.2024 7:05"], {"date_format": "%d.%m.%Y %H:%M"}),
        (["1/31/2024 07:05:09"], {"date_format": "%m/%d/%Y %H:%M:%S"}),
        (["1/31/2024", "1/31/2024 07:05"], {}),
        # Both orders are possible, or neither is.
        (["01/02/2024"], {}),
        (["13/02/2024", "02/13/2024"], {}),
        (["32.01.2024"], {}),
        (["2024-01-31"], {}),
        (["", "NA"], {}),
    ],
)
def test_a_notation_is_guessed_only_where_nothing_else_is_possible(cells, found):
    column = pa.array([*cells, None])
    assert guessed({"a": column, "b": pa.array(["x", "y"])}) == found
    hint = notation_arguments(column)
    assert all(f"`{name}: {value!r}`" in hint for name, value in found.items())
    assert bool(hint) == bool(found)


def test_two_meanings_of_a_comma_in_one_table_are_not_guessed():
    columns = {"a": ["1,5", "2"], "b": ["1,234.50", "3"], "c": ["31.01.2024", "NA"]}
    found = guessed({name: pa.array(cells) for name, cells in columns.items()})
    assert found == {"date_format": "%d.%m.%Y"}


def test_two_formats_in_one_table_are_not_guessed():
    assert guessed({"a": pa.array(["31.01.2024"]), "b": pa.array(["31/01/2024"])}) == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a;b\n1,5;2\n", {"delimiter": ";", "decimal": ","}),
        ("a\tb\n1.5\t2\n", {"delimiter": "\t"}),
        ("a|b\n31.01.2024|2\n", {"delimiter": "|", "date_format": "%d.%m.%Y"}),
        ('"a","b;c"\n1,2\n', {}),
        ('"a";"b,c"\n1;2\n', {"delimiter": ";"}),
        # Between quotation marks a comma is as likely one between thousands, or in a place.
        ('a,b\n"1,5",2\n', {}),
        ('a,b\n"1,234.50",2\n', {"thousands": ","}),
        ("a\n1\n", {}),
    ],
)
def test_the_dialect_of_a_table_is_guessed_from_its_beginning(text, found, tmp_path):
    path = tmp_path / "t.csv"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path.write_text(text, encoding=encoding)
        assert guessed_dialect(path) == found
