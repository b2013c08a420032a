"""How a file is written, and the error where a format cannot hold a model."""

from dataclasses import dataclass

from ..errors import RequestError
from .kinds import WeightPrecision


@dataclass(frozen=True)
class ExportOptions:
    """How a file is written.

    Attributes:
        precision: of weights; other than float32 for ONNX and LiteRT alone.
        batch: rows that the file takes at a time; None for any number.
        bound: the largest difference from Keras that is allowed, relative to the largest output or
            to 1; None for that of the precision, see `check.BOUNDS`.
        allow_difference: write the file whatever the difference is.
        vectors: rows that the file carries with their predictions.
        timed: whether latency is measured.
    """

    precision: WeightPrecision = WeightPrecision.FLOAT32
    batch: int | None = None
    bound: float | None = None
    allow_difference: bool = False
    vectors: int = 4
    timed: bool = True


class CannotConvert(RequestError):
    """The format cannot hold this part of the model."""
