"""What a recipe says of the features in TFRecord files."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field as Key

from .strict import Count, Strict

# Types of numbers whose bytes are stored as one string, in the order of a little-endian machine.
RAW_TYPES = frozenset(
    {"uint8", "int8", "uint16", "int16", "int32", "uint32", "float16", "float64"}
)  # fmt: skip


@dataclass(frozen=True)
class RecordFeature:
    """One feature of the records.

    Attributes:
        shape: of its values in a record; empty for one value.
        dtype: as which they are stored: `float32`, `int64` or `string`, as `tf.train.Example` has
            them; any other is an array whose bytes are one string.
    """

    shape: tuple[int, ...] = ()
    dtype: str = "float32"


class FeatureSection(Strict):
    """A feature in a recipe."""

    shape: list[Count] = Key([])
    dtype: Literal[
        "float32", "int64", "string", "uint8", "int8", "uint16", "int16", "int32", "uint32",
        "float16", "float64",
    ] = "float32"  # fmt: skip
