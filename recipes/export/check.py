"""An exported file compared with the Keras model: difference, metrics, size, latency."""

import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ..errors import RequestError
from .kinds import WeightPrecision

Outputs = Mapping[str, np.ndarray]
Predict = Callable[[Mapping[str, np.ndarray]], Outputs]
# Largest difference of an output that is allowed, relative to the largest output or to 1.
BOUNDS = {WeightPrecision.FLOAT32: 1e-4, WeightPrecision.FLOAT16: 1e-2, WeightPrecision.INT8: 0.5}
REPEATS, BATCH = 21, 64


@dataclass(frozen=True)
class Check:
    """How a file compares with the model that it was made of.

    Attributes:
        split: where the rows come from.
        rows: how many were compared.
        difference: the largest difference of an output.
        mean_difference: the mean of all differences.
        scale: the largest output of Keras, or 1 if that is larger.
        bound: the largest difference that is allowed, times `scale`.
        metrics: `keras` and `exported` -> metrics of these rows; empty without targets.
        size: `keras` and `exported` -> bytes.
        latency: `one` and `batch` -> `keras` and `exported` -> median seconds.
        batch: rows of the batch.
    """

    split: str
    rows: int
    difference: float
    mean_difference: float
    scale: float
    bound: float
    metrics: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    size: dict[str, int] = field(default_factory=dict[str, int])
    latency: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    batch: int = BATCH

    @property
    def passed(self) -> bool:
        """Whether the difference is within its bound."""
        return self.difference <= self.bound * self.scale

    def refuse(self, where: str) -> None:
        """Raise where the difference is over its bound.

        Raises:
            RequestError: with both.
        """
        if not self.passed:
            raise RequestError(
                f"{where}: its predictions differ from those of Keras by up to "
                f"{self.difference:.3g}, and {self.bound * self.scale:.3g} is allowed. Nothing was "
                "written. `--allow-difference` allows any, `--bound` another one."
            )

    def lines(self) -> list[str]:
        """The comparison for people, a line each."""
        found = [
            f"largest difference {self.difference:.2e}, mean {self.mean_difference:.2e}, on "
            f"{self.rows} {self.split} rows (allowed: {self.bound * self.scale:.2e})"
        ]
        for name, value in self.metrics.get("keras", {}).items():
            found.append(f"{name} Keras {value:.4f}, exported {self.metrics['exported'][name]:.4f}")
        if self.size:
            keras, exported = (self.size[name] / 1024 for name in ("keras", "exported"))
            found.append(f"size Keras {keras:.1f} KiB, exported {exported:.1f} KiB")
        for name, times in self.latency.items():
            rows = "one row" if name == "one" else f"{self.batch} rows"
            keras, exported = (times[each] * 1e3 for each in ("keras", "exported"))
            found.append(f"{rows} in Keras {keras:.3f} ms, exported {exported:.3f} ms (median)")
        return found

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


def compared(keras: Outputs, exported: Outputs) -> tuple[float, float, float]:
    """The largest and the mean difference of outputs, and the largest one of Keras, at least 1."""
    largest, total, count, scale = 0.0, 0.0, 0, 1.0
    for name, expected in keras.items():
        reference, found = np.asarray(expected, "float64"), np.asarray(exported[name], "float64")
        if reference.shape != found.shape:
            return float("inf"), float("inf"), scale
        same = (reference == found) | (np.isnan(reference) & np.isnan(found))
        with np.errstate(invalid="ignore"):
            apart = np.where(same, 0.0, np.abs(reference - found))
        apart = np.where(np.isnan(apart), np.inf, apart)
        largest = max(largest, float(apart.max(initial=0.0)))
        total, count = total + float(apart.sum()), count + apart.size
        finite = np.abs(reference[np.isfinite(reference)])
        scale = max(scale, float(finite.max(initial=0.0)))
    return largest, total / max(count, 1), scale


def latency(
    keras: Predict, exported: Predict, columns: Mapping[str, np.ndarray], batch: int
) -> dict[str, dict[str, float]]:
    """Median seconds of one row and of a batch, the two taking turns."""
    rows = len(next(iter(columns.values())))
    found: dict[str, dict[str, float]] = {}
    for name, size in (("one", 1), ("batch", batch)):
        chosen = np.arange(size) % rows
        given = {key: array[chosen] for key, array in columns.items()}
        times: dict[str, list[float]] = {"keras": [], "exported": []}
        for _ in range(REPEATS):
            for which, predict in (("keras", keras), ("exported", exported)):
                started = time.perf_counter()
                predict(given)
                times[which].append(time.perf_counter() - started)
        # The first calls trace and allocate.
        found[name] = {which: statistics.median(each[3:]) for which, each in times.items()}
    return found


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    if path.is_file():
        return os.path.getsize(path)
    return sum(os.path.getsize(Path(f, name)) for f, _, names in os.walk(path) for name in names)
