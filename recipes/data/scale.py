"""Scaling, fitted on the training rows alone; `build` makes the first layer of the model of it."""

from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from ..errors import DataError
from .arrays import moments

KINDS = ("minmax", "standardize", "none")
# A smaller or larger range is one whose reciprocal is no 32-bit float.
SMALLEST, LARGEST = 1e-37, 1e37


class StoredScaling(TypedDict):
    """A scaling as `data.json` has it."""

    kind: str
    offset: float | list[float]
    divisor: float | list[float]


@dataclass(frozen=True)
class Scaling:
    """`(x - offset) / divisor`, elementwise.

    Attributes:
        kind: `minmax`, `standardize` or `none`.
        offset: what is subtracted: one number, or one a feature.
        divisor: what the difference is divided by; 1 where a feature is constant.
    """

    kind: str
    offset: np.ndarray
    divisor: np.ndarray

    @classmethod
    def none(cls) -> "Scaling":
        """The scaling that changes nothing."""
        return cls("none", np.zeros(()), np.ones(()))

    @classmethod
    def fit(cls, kind: str, x: np.ndarray, *, pixels: bool = False) -> "Scaling":
        """The scaling of training rows.

        Args:
            kind: `minmax` maps the range of the rows to [0, 1]; `standardize` gives each feature
                mean 0 and deviation 1.
            x: training rows.
            pixels: all features share one range (and one mean and deviation).

        Raises:
            DataError: a range too large for 32-bit floats.
        """
        if kind == "none":
            return cls.none()
        axes = None if pixels else 0
        if kind == "minmax":
            low, high = x.min(axis=axes), x.max(axis=axes)
            offset = np.asarray(low, dtype="float64")
            divisor = np.asarray(high, dtype="float64") - offset
        else:
            offset, divisor = moments(x, pixels=pixels)
        if np.max(divisor) > LARGEST:
            raise DataError(f"a feature has a range of {np.max(divisor):.3g}, too large to scale.")
        return cls(kind, offset, np.where(divisor > SMALLEST, divisor, 1.0))

    def apply(self, x: np.ndarray) -> np.ndarray:
        """Scaled rows, float32: what the layer of the model computes."""
        return ((x.astype("float64") - self.offset) / self.divisor).astype("float32")

    def to_json(self) -> StoredScaling:
        """Plain data for `data.json`."""
        return {
            "kind": self.kind,
            "offset": self.offset.tolist(),
            "divisor": self.divisor.tolist(),
        }

    @classmethod
    def from_json(cls, value: StoredScaling) -> "Scaling":
        """The scaling that `to_json` wrote."""
        return cls(value["kind"], np.array(value["offset"]), np.array(value["divisor"]))
