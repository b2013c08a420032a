"""`data.json` of a run as an exported file carries it: what was learned of each column."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypedDict

# Read from JSON. Its keys are those of `Data.to_json`, and what `run.describe` adds to them.
Described: TypeAlias = Mapping[str, Any]


class NumericColumn(TypedDict):
    """A column of numbers, as `FittedNumeric` describes it."""

    kind: Literal["numeric"]
    name: str
    fill: float
    indicator: bool
    offset: float
    divisor: float
    log: bool
    boundaries: list[float]
    double: bool


class CategoryColumn(TypedDict):
    """A column of categories, as `FittedCategory` describes it."""

    kind: Literal["category"]
    name: str
    vocabulary: list[str]
    unseen: bool
    output: Literal["one_hot", "embedding", "hashing"]


class DateColumn(TypedDict):
    """A column of dates, as `FittedDate` describes it."""

    kind: Literal["date"]
    name: str
    parts: list[str]
    first_year: float
    years: float


class TextColumn(TypedDict):
    """A column of text, as `FittedText` describes it."""

    kind: Literal["text"]
    name: str
    vocabulary: list[str]
    output: str
    length: int


class ImageColumn(TypedDict):
    """A column of pictures, as `FittedImage` describes it."""

    kind: Literal["image"]
    name: str


class ArrayColumn(TypedDict):
    """A column of arrays, as `FittedArray` describes it."""

    kind: Literal["array"]
    name: str
    shape: list[int]
    offset: list[float]
    divisor: list[float]


Feature: TypeAlias = (
    NumericColumn | CategoryColumn | DateColumn | TextColumn | ImageColumn | ArrayColumn
)


class Window(TypedDict):
    """Of a network of windows: their lengths, and the columns that say where a row belongs."""

    inputs: int
    horizon: int
    time: str | None
    by: str | None
