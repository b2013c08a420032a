"""What was learned of each column of a table, as a run keeps it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Discriminator, TypeAdapter

from .array_feature import FittedArray
from .image_feature import FittedImage


class FeatureKind(StrEnum):
    """How a column enters the network."""

    NUMERIC = "numeric"
    CATEGORY = "category"
    DATE = "date"
    TEXT = "text"


@dataclass(frozen=True)
class FittedNumeric:
    """A column of numbers: `(f(x) - offset) / divisor`, or which of the bins x falls in.

    Attributes:
        fill: takes the place of a missing number.
        indicator: whether a second number says that it was missing.
        log: whether f(x) is `sign(x) log(1 + |x|)`, else f(x) is x.
        boundaries: between the bins of quantiles; empty where there are none.
        double: whether 32-bit floats cannot tell the numbers apart.
    """

    name: str
    fill: float
    indicator: bool
    offset: float = 0.0
    divisor: float = 1.0
    log: bool = False
    boundaries: tuple[float, ...] = ()
    double: bool = False
    kind: Literal[FeatureKind.NUMERIC] = FeatureKind.NUMERIC

    @property
    def width(self) -> int:
        """Numbers that a cell becomes."""
        return len(self.boundaries) + 1 + self.indicator


@dataclass(frozen=True)
class FittedCategory:
    """A column of categories.

    Attributes:
        vocabulary: the words, in order; the empty one stands for a missing cell.
        unseen: whether training rows have words outside of the vocabulary, the rare ones.
        output: `one_hot` columns, an `embedding` that is learned, or `hashing` into one-hot bins.
        dimensions: of the embedding, or bins of the hashing.
    """

    name: str
    vocabulary: tuple[str, ...]
    unseen: bool
    output: Literal["one_hot", "embedding", "hashing"]
    dimensions: int = 0
    kind: Literal[FeatureKind.CATEGORY] = FeatureKind.CATEGORY

    @property
    def width(self) -> int:
        """Numbers that a cell becomes."""
        if self.output == "embedding":
            return 1
        return self.dimensions if self.output == "hashing" else len(self.vocabulary) + self.unseen


@dataclass(frozen=True)
class FittedDate:
    """A column of dates, `2013-01-31` with or without `05:00:00`.

    Attributes:
        parts: `year` (scaled by its range), and `month`, `weekday`, `hour` as cosine and sine.
        first_year: the year that becomes 0.
        years: the number of years that becomes 1.
    """

    name: str
    parts: tuple[str, ...]
    first_year: float
    years: float
    kind: Literal[FeatureKind.DATE] = FeatureKind.DATE

    @property
    def width(self) -> int:
        """Numbers that a cell becomes."""
        return sum(1 if part == "year" else 2 for part in self.parts)


@dataclass(frozen=True)
class FittedText:
    """A column of text.

    Attributes:
        vocabulary: its words, the most frequent first.
        output: `embedding` of a sequence of words, `multi_hot` or `tf_idf` over the vocabulary,
            `int` for the numbers of the words, of which 0 is none and 1 an unknown one, or
            `tokens` for those of the tokenizer of a text preset, of which -1 is none.
        length: words, or tokens, that are read of a text.
        dimensions: of the embedding.
        idf: inverse document frequency of each word, for `tf_idf`.
    """

    name: str
    vocabulary: tuple[str, ...]
    output: Literal["embedding", "multi_hot", "tf_idf", "int", "tokens"]
    length: int = 0
    dimensions: int = 0
    idf: tuple[float, ...] = ()
    kind: Literal[FeatureKind.TEXT] = FeatureKind.TEXT

    @property
    def width(self) -> int:
        """Numbers that a cell becomes, before the network looks them up."""
        return self.length


Fitted = FittedNumeric | FittedCategory | FittedDate | FittedText | FittedImage | FittedArray
# Reads and writes them as JSON, in `data.json`.
FITTED: TypeAdapter[tuple[Annotated[Fitted, Discriminator("kind")], ...]] = TypeAdapter(
    tuple[Annotated[Fitted, Discriminator("kind")], ...]
)
