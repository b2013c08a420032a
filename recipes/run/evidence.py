"""What a report draws of a model's predictions: curves, errors, slices and the worst rows.

It goes to `evidence.json`, and a number for each row to `evidence.npz`, by which two runs are
compared row by row.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from ..data import Data, Split
from ..data.fitted import FittedCategory
from ..data.frame import Frame, plain
from ..data.naive import Forecasting
from ..record.bootstrap import interval
from ..record.contents import (
    CategoryScore,
    ForecastEvidence,
    ForecastWindow,
    RankingCurve,
    RowEvidence,
    ShownRow,
)
from .quality import Answers
from .shown_inputs import cells_of, shown_inputs

# The most classes with curves, and points of a curve.
MOST_CURVES, MOST_POINTS = 10, 100
# How many of the worst rows are shown.
WORST = 12
# The most columns whose categories are slices, and categories of each.
MOST_SLICED, MOST_SLICES = 6, 12
# Predictions that are drawn beside their targets, and windows of a forecast.
DRAWN, WINDOWS = 1000, 4
# What an empty cell is called.
MISSING = "(missing)"
# A probability of 0 has no logarithm.
SMALLEST = 1e-7


@dataclass(frozen=True)
class Evidence:
    """The evidence of one split.

    Attributes:
        shown: plain JSON values, for `evidence.json`.
        rows: name -> a number for each row (rows,), float32, or float64 of `squared_error`; the
            larger `right`, and the smaller an error, the better.
    """

    shown: RowEvidence | ForecastEvidence
    rows: dict[str, np.ndarray]


def of_answers(answers: Answers, raw: Split, data: Data) -> Evidence:
    """Evidence for predicted probabilities.

    Args:
        raw: the same rows before they were encoded.
        data: that the rows are from.
    """
    decisions = answers.decisions(answers.thresholds)
    labels = answers.y.ndim == 2
    right = (decisions == answers.y).astype("float32")
    losses = log_losses(answers)
    rows = {"right": right.mean(axis=1) if labels else right, "log_loss": losses}
    order = np.argsort(-losses, kind="stable")[:WORST].tolist()

    def named(y: np.ndarray) -> str:
        if labels:
            return ", ".join(str(answers.names[i]) for i in np.flatnonzero(y).tolist()) or "none"
        return str(answers.names[int(y)])

    worst: list[ShownRow] = []
    for row in order:
        shown: ShownRow = {
            "true": named(answers.y[row]),
            "decided": named(decisions[row]),
            **shown_inputs(raw, row),
        }
        if not labels:
            shown["probability"] = _short(float(answers.probabilities[row, answers.y[row]]))
        worst.append(shown)
    content = _scored(answers.y, rows["right"], raw, data, "right", worst)
    content["curves"] = ranking_curves(answers)
    return Evidence(content, rows)


def of_numbers(y: np.ndarray, predicted: np.ndarray, raw: Split, data: Data) -> Evidence:
    """Evidence for predicted numbers (rows, numbers); errors of several are averaged by row."""
    true = y.reshape(len(y), -1).astype("float64")
    errors = predicted.astype("float64") - true
    size = np.abs(errors).mean(axis=1)
    rows = {
        "absolute_error": size.astype("float32"),
        # In 64 bits: the square of an error of 2e19 is no 32-bit float.
        "squared_error": np.square(errors).mean(axis=1),
    }
    order = np.argsort(-size, kind="stable")[:WORST]
    worst: list[ShownRow] = [
        {
            "true": _numbers(true[row]),
            "decided": _numbers(predicted[row]),
            "error": _short(float(size[row])),
            **shown_inputs(raw, int(row)),
        }
        for row in order
    ]
    chosen = spread(len(y), DRAWN)
    content = _scored(y, size, raw, data, "absolute_error", worst)
    content["residuals"] = {
        "true": _six_digits(true[chosen, 0]),
        "predicted": _six_digits(predicted[chosen, 0]),
        "rows": len(y),
    }
    return Evidence(content, rows)


def of_forecasts(forecasting: Forecasting, starts: np.ndarray, outputs: np.ndarray) -> Evidence:
    """Evidence for forecasts (windows, horizon * targets) of the first target."""
    actual = forecasting.actual(starts)
    forecast = outputs.reshape(actual.shape)
    naive = forecasting.naive(starts)
    error = np.nanmean(np.abs(forecast - actual), axis=(1, 2))
    before = min(forecasting.options.inputs, 2 * forecasting.options.horizon)
    windows: list[ForecastWindow] = []
    for index in spread(len(starts), WINDOWS):
        last = int(starts[index]) + forecasting.options.inputs
        windows.append(
            {
                "row": last,
                "before": _list(forecasting.target[last - before : last, 0]),
                "actual": _list(actual[index, :, 0]),
                "forecast": _list(forecast[index, :, 0]),
                "naive": _list(naive[index, :, 0]),
            }
        )
    known = np.where(np.isnan(error), 0.0, error)
    content: ForecastEvidence = {
        "digest": digest(actual),
        "score": "absolute_error",
        "windows": windows,
    }
    return Evidence(content, {"absolute_error": known.astype("float32")})


def _scored(
    y: np.ndarray, score: np.ndarray, raw: Split, data: Data, name: str, worst: list[ShownRow]
) -> RowEvidence:
    """What all evidence of single rows has."""
    low, high = interval(score)
    return {
        "digest": digest(y),
        "score": name,
        "mean": [float(score.mean()), low, high],
        "slices": slices(raw, data, score),
        "worst": worst,
    }


def digest(y: np.ndarray) -> str:
    """A hash of targets: two runs with the same one have the same rows."""
    return hashlib.sha256(np.ascontiguousarray(y, "float64").tobytes()).hexdigest()


def log_losses(answers: Answers) -> np.ndarray:
    """Negative log of the predicted probability of the truth (rows,); the mean over labels."""
    p = np.clip(answers.probabilities.astype("float64"), SMALLEST, 1 - SMALLEST)
    if answers.y.ndim == 2:
        each = np.where(answers.y > 0, p, 1 - p)
        return -np.log(each).mean(axis=1).astype("float32")
    return -np.log(p[np.arange(len(p)), answers.y]).astype("float32")


def ranking_curves(answers: Answers) -> list[RankingCurve]:
    """ROC and precision-recall curves of the first classes or labels."""
    truth, scores = answers.columns
    names = answers.names[-1:] if scores.shape[1] == 1 else answers.names
    curves: list[RankingCurve] = []
    for index in range(min(scores.shape[1], MOST_CURVES)):
        y, said = truth[:, index], scores[:, index]
        if y.min() == y.max():
            continue
        false, true, _ = roc_curve(y, said)
        precision, recall, _ = precision_recall_curve(y, said, drop_intermediate=True)
        kept, also = spread(len(false), MOST_POINTS), spread(len(recall), MOST_POINTS)
        curves.append(
            {
                "name": str(names[index]),
                "roc": [_list(false[kept]), _list(true[kept])],
                "precision_recall": [_list(recall[also]), _list(precision[also])],
                "fraction": float(y.mean()),
            }
        )
    return curves


def slices(raw: Split, data: Data, score: np.ndarray) -> list[CategoryScore]:
    """The mean score of the rows of each category, for columns with few categories."""
    if not isinstance(raw.x, Frame):
        return []
    sliced = [
        feature.name
        for feature in data.features
        if isinstance(feature, FittedCategory) and 1 < len(feature.vocabulary) <= MOST_SLICES
    ]
    scores: list[CategoryScore] = []
    for name in sliced[:MOST_SLICED]:
        cells = np.array([MISSING if c is None else str(c) for c in cells_of(raw.x, name)])
        for value in np.unique(cells)[:MOST_SLICES]:
            in_category = score[cells == value]
            low, high = interval(in_category)
            scores.append(
                {
                    "column": name,
                    "value": plain(value),
                    "rows": len(in_category),
                    "mean": float(in_category.mean()),
                    "low": low,
                    "high": high,
                }
            )
    return scores


def spread(count: int, most: int) -> np.ndarray:
    """At most `most` indices, spread evenly from the first to the last.

    >>> spread(10, 4).tolist()
    [0, 3, 6, 9]
    """
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype("int64"))


def _short(value: float) -> float | None:
    """A number with six digits; None where it is not finite, which JSON cannot hold."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _list(values: np.ndarray) -> list[float | None]:
    return [_short(value) for value in values.tolist()]


def _six_digits(values: np.ndarray) -> list[float]:
    return [float(f"{value:.6g}") for value in values.tolist()]


def _numbers(values: np.ndarray) -> str:
    return ", ".join(f"{value:.6g}" for value in values[:4])
