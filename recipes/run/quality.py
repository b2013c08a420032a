"""How good probabilities are, besides the metrics of training: ranking, calibration, decisions.

All of it is computed from the same predictions, which are sorted a few times.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from ..record.contents import Confusion, Quality, ReliabilityBin
from ..spec.targets import ClassName
from .decisions import decided

BINS = 15
# Classes up to which one is ranked against the rest, and up to which a page shows their confusion.
MOST_RANKED, MOST_SHOWN = 100, 20
# Tolerance for sums of probabilities that are rounded to 32 bits.
ROUNDING = 1e-3


@dataclass(frozen=True)
class Answers:
    """Targets and probabilities of the same rows.

    Attributes:
        y: class numbers (rows,), or labels of 0 and 1 (rows, labels).
        probabilities: of the classes (rows, classes), or of the labels (rows, labels).
        names: of the classes or labels.
        thresholds: above which the second of two classes, or each label, is decided on; None for
            0.5.
        ordered: whether the classes have an order.
    """

    y: np.ndarray
    probabilities: np.ndarray
    names: Sequence[ClassName]
    thresholds: Sequence[float] | None = None
    ordered: bool = False

    @property
    def columns(self) -> tuple[np.ndarray, np.ndarray]:
        """Targets of 0 and 1 with probabilities, a column each: both (rows, columns).

        Of two classes the second is the one to detect; of several each is against the rest.
        """
        if self.y.ndim == 2:
            return self.y, self.probabilities
        if self.probabilities.shape[1] == 2:
            return self.y[:, None], self.probabilities[:, 1:]
        return self.y[:, None] == np.arange(self.probabilities.shape[1]), self.probabilities

    def decisions(self, thresholds: Sequence[float] | None = None) -> np.ndarray:
        """Class numbers (rows,), or labels of 0 and 1 (rows, labels)."""
        return decided(self.probabilities, self.y.ndim == 2, thresholds, ordered=self.ordered)


def are_probabilities(outputs: np.ndarray, *, labels: bool) -> bool:
    """Whether outputs (rows, columns) can be read as probabilities of classes or labels."""
    finite = bool(np.isfinite(outputs).all())
    if not finite or outputs.min() < -ROUNDING or outputs.max() > 1 + ROUNDING:
        return False
    return labels or bool(np.abs(outputs.sum(axis=1) - 1).max() < ROUNDING)


def quality(answers: Answers) -> Quality:
    """All of it as plain JSON values: `figures`, `reliability`, and `confusion` or `labels`."""
    content: Quality = {
        "figures": {**ranking(answers), **calibration(answers), **decision_figures(answers)},
        "reliability": reliability(*_confidences(answers)),
    }
    if answers.y.ndim == 2:
        content["labels"] = label_rows(answers)
    elif len(answers.names) <= MOST_SHOWN:
        content["confusion"] = {
            "classes": [str(name) for name in answers.names],
            "rows": confusion(answers.y, answers.decisions(answers.thresholds), answers.names),
        }
    return content


def ranking(answers: Answers) -> dict[str, float]:
    """Average precision (the area under the precision-recall curve) and the area under the ROC.

    The mean over labels, or over classes against the rest, that have positive and negative rows.
    """
    if answers.probabilities.shape[1] > MOST_RANKED:
        return {}
    truth, scores = answers.columns
    known = np.flatnonzero((truth.min(axis=0) == 0) & (truth.max(axis=0) == 1))
    if not len(known):
        return {}
    pairs = [(truth[:, column], scores[:, column]) for column in known]
    return {
        "pr_auc": float(np.mean([average_precision_score(*pair) for pair in pairs])),
        "roc_auc": float(np.mean([roc_auc_score(*pair) for pair in pairs])),
    }


def calibration(answers: Answers) -> dict[str, float]:
    """Brier score and expected calibration error.

    The Brier score (Brier 1950) is the mean squared difference of a probability to 0 or 1: of the
    second of two classes, of each label; of several classes the sum over them.
    """
    y, p = answers.y, answers.probabilities
    if y.ndim == 2:
        brier = np.square(p.astype("float64") - y).mean()
        pairs = zip(p.T, y.T, strict=True)
        error = np.mean([calibration_error(reliability(*pair)) for pair in pairs])
    else:
        error = calibration_error(reliability(*_confidences(answers)))
        # The sum of (p_k - o_k)^2 over the classes, of which o is 1 for one.
        squares = np.einsum("ij,ij->i", p, p, dtype="float64")
        brier = (squares - 2.0 * p[np.arange(len(y)), y] + 1).mean()
        brier = brier / 2 if p.shape[1] == 2 else brier
    return {"brier": float(brier), "ece": float(error)}


def _confidences(answers: Answers) -> tuple[np.ndarray, np.ndarray]:
    """Predicted probabilities, and whether each came true: of the second of two classes, of each
    label, or of the most probable of several classes.
    """
    p = answers.probabilities
    if answers.y.ndim == 2 or p.shape[1] == 2:
        truth, scores = answers.columns
        return scores.reshape(-1), truth.reshape(-1)
    return p.max(axis=1), p.argmax(axis=1) == answers.y


def reliability(probabilities: np.ndarray, truth: np.ndarray) -> list[ReliabilityBin]:
    """The bins of a reliability diagram, 15 equally wide ones; empty ones are left out.

    Each has the number of rows, their mean probability, and the fraction of positives.
    """
    p = np.clip(np.asarray(probabilities, "float64"), 0, 1)
    # A bin holds its upper edge, as that of Guo et al. does.
    bins = np.clip(np.ceil(p * BINS).astype(int) - 1, 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    predicted = np.bincount(bins, p, BINS)
    observed = np.bincount(bins, np.asarray(truth, "float64"), BINS)
    return [
        {
            "rows": int(counts[index]),
            "predicted": float(predicted[index] / counts[index]),
            "observed": float(observed[index] / counts[index]),
        }
        for index in np.flatnonzero(counts)
    ]


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """ECE = sum over bins of n_b / n * |observed_b - predicted_b| (Naeini, Cooper & Hauskrecht
    2015; with 15 equally wide bins as in Guo, Pleiss, Sun & Weinberger 2017).
    """
    rows = sum(each["rows"] for each in bins)
    return float(
        sum(each["rows"] * abs(each["observed"] - each["predicted"]) for each in bins) / rows
    )


def decision_figures(answers: Answers) -> dict[str, float]:
    """Accuracy, balanced accuracy and F1 of the decisions, and of those with chosen thresholds."""
    scores = scores_of(answers, answers.decisions())
    if answers.thresholds is None:
        return scores
    chosen = scores_of(answers, answers.decisions(answers.thresholds))
    return {**scores, **{f"{name}_at_threshold": value for name, value in chosen.items()}}


def scores_of(answers: Answers, decisions: np.ndarray) -> dict[str, float]:
    """Scores of decisions; F1 of the second of two classes, or the mean over more classes."""
    if answers.y.ndim == 2:
        each = [_scores(y, d, 2) for y, d in zip(answers.y.T, decisions.T, strict=True)]
        return {name: float(np.mean([figures[name] for figures in each])) for name in each[0]}
    scores = _scores(answers.y, decisions, len(answers.names))
    if answers.ordered:
        scores["rank_mae"] = float(np.abs(decisions - answers.y).mean())
    return scores


def _scores(y: np.ndarray, decisions: np.ndarray, classes: int) -> dict[str, float]:
    true, said, right = (
        np.bincount(labels.astype("int64"), minlength=classes)
        for labels in (y, decisions, y[y == decisions])
    )
    f1 = 2 * right / np.maximum(true + said, 1)
    return {
        "accuracy": float(right.sum() / len(y)),
        "balanced_accuracy": float((right[true > 0] / true[true > 0]).mean()),
        "f1_score": float(f1[1] if classes == 2 else f1[(true + said) > 0].mean()),
    }


def confusion(y: np.ndarray, decisions: np.ndarray, names: Sequence[ClassName]) -> list[list[int]]:
    """Rows by their class (first axis) and the class that was decided on."""
    count = len(names)
    pairs = y.astype("int64") * count + decisions
    return np.bincount(pairs, minlength=count * count).reshape(count, count).tolist()


def class_rows(confusion: Confusion) -> list[dict[str, str | int | float | None]]:
    """Rows, recall and precision of each class, from the confusion of `quality`; None for no rows.

    >>> class_rows({"classes": ["a", "b"], "rows": [[3, 1], [0, 0]]})[0]
    {'class': 'a', 'rows': 4, 'recall': 0.75, 'precision': 1.0}
    """
    counts = np.array(confusion["rows"])
    true, said, right = counts.sum(axis=1), counts.sum(axis=0), counts.diagonal()
    return [
        {
            "class": name,
            "rows": int(true[index]),
            "recall": float(right[index] / true[index]) if true[index] else None,
            "precision": float(right[index] / said[index]) if said[index] else None,
        }
        for index, name in enumerate(confusion["classes"])
    ]


def label_rows(answers: Answers) -> list[dict[str, str | float]]:
    """Figures of each label."""
    rows: list[dict[str, str | float]] = []
    decisions = answers.decisions(answers.thresholds)
    for index, name in enumerate(answers.names[:MOST_RANKED]):
        y, scores = answers.y[:, index], answers.probabilities[:, index]
        alone = Answers(y, np.stack([1 - scores, scores], axis=1), (0, 1))
        rows.append(
            {
                "label": str(name),
                "threshold": 0.5 if answers.thresholds is None else answers.thresholds[index],
                "fraction": float(y.mean()),
                **ranking(alone),
                **_scores(y, decisions[:, index], 2),
            }
        )
    return rows
