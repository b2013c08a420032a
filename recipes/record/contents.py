"""The types of what the JSON files of a run hold."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

# An object of a JSON file whose keys are read one by one, each where it is used.
JSONObject = Mapping[str, Any]


class ReliabilityBin(TypedDict):
    """A bin of a reliability diagram: its rows, mean probability, and fraction of positives."""

    rows: int
    predicted: float
    observed: float


class Confusion(TypedDict):
    """Rows by their class (first axis) and the class that was decided on."""

    classes: list[str]
    rows: list[list[int]]


class Quality(TypedDict):
    """What `quality.json` holds of one split of one output.

    Attributes:
        figures: metrics by name; None where one is not finite.
        reliability: the bins that have rows.
        confusion: of classes, if they are few.
        labels: metrics of each label, with its name as `label`.
    """

    figures: dict[str, float]
    reliability: list[ReliabilityBin]
    confusion: NotRequired[Confusion]
    labels: NotRequired[list[dict[str, str | float]]]


class RankingCurve(TypedDict):
    """The curves of one class or label against the rest, each as its x and its y."""

    name: str
    roc: Sequence[Sequence[float | None]]
    precision_recall: Sequence[Sequence[float | None]]
    fraction: float


class CategoryScore(TypedDict):
    """The mean score of the rows of one category, with its 95 % interval."""

    column: str
    value: str
    rows: int
    mean: float
    low: float
    high: float


class ShownInputs(TypedDict):
    """The inputs of one row: its number, and its cells or its pixels."""

    row: int
    cells: NotRequired[dict[str, str]]
    shape: NotRequired[list[int]]
    pixels: NotRequired[str]


class ShownRow(ShownInputs):
    """One row with its target and its prediction, and the probability or the error of that."""

    true: str
    decided: str
    probability: NotRequired[float | None]
    error: NotRequired[float | None]


class Residuals(TypedDict):
    """Predicted numbers beside their targets, for `rows` rows or some of them."""

    true: Sequence[float]
    predicted: Sequence[float]
    rows: int


class ForecastWindow(TypedDict):
    """A forecast from one row: the values before it, the true ones after it, and those forecast."""

    row: int
    before: Sequence[float | None]
    actual: Sequence[float | None]
    forecast: Sequence[float | None]
    naive: Sequence[float | None]


class SplitEvidence(TypedDict):
    """What `evidence.json` holds of one split of one output.

    Attributes:
        digest: hash of the targets; two runs with the same one have the same rows.
        score: name of the number of each row that is averaged.
    """

    digest: str
    score: str


class RowEvidence(SplitEvidence):
    """The evidence of predictions of single rows.

    Attributes:
        mean: of the score, and the ends of its 95 % interval.
        slices: the score by category.
        worst: the rows with the worst score.
        curves: of probabilities.
        residuals: of predicted numbers.
    """

    mean: list[float]
    slices: list[CategoryScore]
    worst: list[ShownRow]
    curves: NotRequired[list[RankingCurve]]
    residuals: NotRequired[Residuals]


class ForecastEvidence(SplitEvidence):
    """The evidence of forecasts: some of their windows."""

    windows: list[ForecastWindow]


class PretrainedLayer(TypedDict):
    """What `pretraining.json` holds of one RBM.

    Attributes:
        key: of the layer in the cache.
        history: values by name, one per epoch; None where one is not finite.
        cached: whether it was not trained in this run but taken from the cache.
    """

    name: str
    units: int
    key: str
    seconds: float
    cached: bool
    history: dict[str, list[float]]


class PretrainingRecord(TypedDict):
    """What `pretraining.json` holds; `handed` says which variable came from where."""

    layers: list[PretrainedLayer]
    handed: list[str]
