"""What goes into a network from each column, as learned from the training rows.

`Numeric`, `Category`, `Date`, `Text`, `Image` and `Array` are what a recipe says of a column; their
`fit` learns the rest from the training rows and from no other: means, vocabularies, ranges.
`recipes/build/column_layers.py` makes Keras layers of what they learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from ...arguments import check_int, check_number, invalid
from ..errors import DataError
from .array_feature import Array
from .arrays import lost_in_float32, moments
from .arrow import compute as pc
from .cell_types import floats, words
from .cells import counts_of, numbers_of, scalar
from .coded import coded
from .dates import different_dates, differing_parts
from .fitted import FittedCategory, FittedDate, FittedNumeric, FittedText
from .frame import Frame, plain
from .image_feature import Image

# A larger or smaller range is one whose reciprocal is no 32-bit float.
SMALLEST, LARGEST = 1e-37, 1e37
# Words that a category is written in, at most.
MOST_CATEGORIES = 100_000


@dataclass(frozen=True)
class Numeric:
    """A column of numbers.

    Args:
        scale: `standardize` to mean 0 and deviation 1, `minmax` to [0, 1], `log` for
            `sign(x) log(1 + |x|)` standardized, `quantile` for one column of 0 and 1 for each of
            `bins` equally full bins, or `none`.
        missing: what takes the place of a missing number: `median`, `mean`, or a number.
        indicator: whether one more column says that the number was missing; by default it does
            where training rows miss it.
        bins: for the scale `quantile`.
    """

    scale: Literal["standardize", "minmax", "log", "quantile", "none"] = "standardize"
    missing: Literal["median", "mean"] | float = "median"
    indicator: bool | None = None
    bins: int = 10

    def __post_init__(self) -> None:
        if not isinstance(self.missing, str):
            check_number("missing", self.missing, ge=-LARGEST, le=LARGEST)
        check_int("bins", self.bins, ge=2, le=1000)

    def describe(self) -> str:
        """A phrase for people."""
        return f"numeric, {self.scale}"

    def fit(self, name: str, rows: Frame) -> FittedNumeric:
        """Learn from the training rows.

        Raises:
            DataError: the column holds words, or too large a range.
        """
        column = numbers_of(rows, name)
        values = floats(column)
        known = values[~np.isnan(values)]
        if not len(known):
            raise DataError(
                f"{rows.where}: column `{plain(name)}` has no number in the training rows."
            )
        indicator = column.null_count > 0 if self.indicator is None else self.indicator
        fill = self._fill(known)
        if self.scale == "quantile":
            inner = np.linspace(0, 1, self.bins + 1)[1:-1]
            boundaries = tuple(np.unique(np.quantile(known, inner)).tolist())
            return FittedNumeric(name, fill, indicator, boundaries=boundaries)
        filled = np.where(np.isnan(values), fill, values)
        if self.scale == "log":
            filled = np.sign(filled) * np.log1p(np.abs(filled))
        offset, divisor = self._range(filled)
        if divisor > LARGEST:
            raise DataError(
                f"{rows.where}: column `{plain(name)}` has a range of {divisor:.3g}, too large to "
                "scale."
            )
        double = self.scale != "none" and bool(lost_in_float32(known))
        divisor = divisor if divisor > SMALLEST else 1.0
        return FittedNumeric(
            name, fill, indicator, offset, divisor, self.scale == "log", double=double
        )

    def _fill(self, known: np.ndarray) -> float:
        if self.missing == "median":
            found = np.median(known)
        else:
            found = known.mean() if self.missing == "mean" else self.missing
        # Never -0.0, which TensorFlow takes for the 0.0 of another constant.
        return float(found) + 0.0

    def _range(self, values: np.ndarray) -> tuple[float, float]:
        if self.scale == "none":
            return 0.0, 1.0
        if self.scale == "minmax":
            return float(values.min()), float(values.max() - values.min())
        mean, deviation = moments(values, pixels=False)
        return float(mean), float(deviation)


@dataclass(frozen=True)
class Category:
    """A column of categories: words, or whole numbers that name something.

    Args:
        output: `one_hot` for a column of 0 and 1 for each category, `embedding` for vectors that
            are learned, `hashing` for one-hot bins of a hash, which needs no vocabulary; `auto` is
            one-hot up to 32 categories, else an embedding.
        min_count: categories with fewer training rows are grouped with those that were never seen.
        dimensions: of the embedding, by default `min(32, 1.6 categories ** 0.56)`; or the number
            of hash bins, by default 64.
    """

    output: Literal["auto", "one_hot", "embedding", "hashing"] = "auto"
    min_count: int = 1
    dimensions: int | None = None

    def __post_init__(self) -> None:
        check_int("min_count", self.min_count, ge=1)
        if self.dimensions is not None:
            check_int("dimensions", self.dimensions, ge=1)

    def describe(self) -> str:
        """A phrase for people."""
        return "category" if self.output == "auto" else f"category, {self.output}"

    def fit(self, name: str, rows: Frame) -> FittedCategory:
        """Learn the vocabulary from the training rows."""
        if self.output == "hashing":
            return FittedCategory(name, (), True, "hashing", self.dimensions or 64)
        scalar(rows, name)
        found = counts_of(rows.coded(name))
        kept = tuple(sorted(word for word, count in found.items() if count >= self.min_count))
        if len(kept) > MOST_CATEGORIES or not kept:
            raise DataError(
                f"{rows.where}: column `{plain(name)}` has {len(kept)} categories with "
                f"{self.min_count} rows or more; expected 1 to {MOST_CATEGORIES}. Change "
                "`min_count`, or use `output: hashing`."
            )
        output = self.output
        if output == "auto":
            output = "one_hot" if len(kept) <= 32 else "embedding"
        width = self.dimensions or min(32, round(1.6 * len(kept) ** 0.56))
        return FittedCategory(
            name, kept, len(kept) < len(found), output, width if output == "embedding" else 0
        )


@dataclass(frozen=True)
class Date:
    """A column of dates in the form of ISO 8601: `2013-01-31`, `2013-01-31 05:00:00`.

    Args:
        parts: which of `year`, `month`, `weekday` and `hour` enter; by default those that differ
            between training rows. All but the year are cosine and sine of an angle, so that
            December is beside January.
    """

    parts: Sequence[Literal["year", "month", "weekday", "hour"]] | None = None

    def __post_init__(self) -> None:
        if self.parts is not None and len({*self.parts}) != max(len(self.parts), 1):
            raise invalid("parts", "different parts of a date, at least one", list(self.parts))

    def describe(self) -> str:
        """A phrase for people."""
        return "date"

    def fit(self, name: str, rows: Frame) -> FittedDate:
        """Learn the range of the years from the training rows.

        Raises:
            DataError: a cell is no date, or no part of the dates differs.
        """
        times = different_dates(rows, name)[1]
        parts = differing_parts(times) if self.parts is None else self.parts
        if not parts or times.null_count == len(times):
            raise DataError(
                f"{rows.where}: the dates of column `{plain(name)}` have nothing that differs "
                "between training rows. Leave it out: "
                f"`features: {{'*': auto, {plain(name)}: drop}}`."
            )
        years = floats(pc.year(times))
        first, last = np.nanmin(years), np.nanmax(years)
        return FittedDate(name, tuple(parts), float(first), float(max(last - first, 1)))


@dataclass(frozen=True)
class Text:
    """A column of text.

    Args:
        output: `embedding` for the mean of the embeddings of its words, `multi_hot` or `tf_idf`
            for a column for each word of the vocabulary, `int` for the numbers of its words in
            their order, as an `embedding` layer of the network takes them, `tokens` for those of
            the tokenizer of the backbone, a text preset.
        vocabulary: the number of words that are known, the most frequent of the training rows.
        length: words, or tokens, that are read of a text.
        dimensions: of the embedding.
    """

    output: Literal["embedding", "multi_hot", "tf_idf", "int", "tokens"] = "multi_hot"
    vocabulary: int = 2000
    length: int = 64
    dimensions: int = 32

    def __post_init__(self) -> None:
        for name in ("vocabulary", "length", "dimensions"):
            check_int(name, getattr(self, name), ge=1)
        if self.output == "tokens":
            check_int("length", self.length, ge=3)  # the first, the last, and one between

    def describe(self) -> str:
        """A phrase for people."""
        return f"text, {self.output}"

    def fit(self, name: str, rows: Frame) -> FittedText:
        """Learn the vocabulary from the training rows.

        Texts are split as Keras's `TextVectorization` splits them.
        """
        texts = words(scalar(rows, name))
        if self.output == "tokens":
            return FittedText(name, (), "tokens", self.length)
        split = pc.ascii_split_whitespace(standardized(pa.array(texts, pa.string())))
        flat, owner = pc.list_flatten(split), pc.list_parent_indices(split)
        found = counts_of(coded(flat))
        found.pop("", None)
        if not found:
            raise DataError(
                f"{rows.where}: column `{plain(name)}` has no word in the training rows."
            )
        kept = sorted(found, key=lambda word: (-found[word], word))[: self.vocabulary]
        known = tuple(kept)
        if self.output != "tf_idf":
            width = self.dimensions if self.output == "embedding" else 0
            return FittedText(name, known, self.output, self.length, width)
        pairs = pa.table({"word": flat, "row": owner}).group_by(["word", "row"]).aggregate([])
        documents = pairs.group_by("word").aggregate([("row", "count")]).to_pydict()
        of = dict(zip(documents["word"], documents["row_count"], strict=True))
        idf = tuple(float(np.log(1 + len(texts) / (1 + of[word]))) for word in kept)
        return FittedText(name, known, "tf_idf", self.length, idf=idf)


PUNCTUATION = r"""[!"#$%&()\*\+,\-\./:;<=>?@\[\\\]^_`{|}~']"""


def standardized(texts: pa.Array) -> pa.Array:
    """Lower case without punctuation, as Keras's `lower_and_strip_punctuation`."""
    return pc.replace_substring_regex(pc.ascii_lower(texts), PUNCTUATION, "")


Feature = Numeric | Category | Date | Text | Image | Array
FEATURES: dict[str, type[Feature]] = {
    "numeric": Numeric,
    "category": Category,
    "date": Date,
    "text": Text,
    "image": Image,
    "array": Array,
}
