"""What the curves of training and validation loss say about a fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .findings import Finding

# The loss at the end is the median of so many epochs, for one of them may be an outlier; but of no
# more than a third of all, for the first ones are no end.
LAST = 3
# A validation loss near 0 rises by large shares of itself that mean nothing: it must also rise by
# this share of the baseline.
NOTICED = 0.02
REMEDIES = {
    "diverged": "Lower the learning rate, warm it up, or bound the gradient; look for NaN in the "
    "data.",
    "overfitting": "More data or augmentation, dropout, weight decay, a smaller network, or early "
    "stopping helps.",
    "underfitting": "More units or layers, a higher learning rate, less dropout or weight decay "
    "helps; with gradients that vanish, those first.",
    "unfinished": "Train for more epochs, or at a higher learning rate.",
}


@dataclass(frozen=True)
class Thresholds:
    """From where on a fit is called what.

    Attributes:
        learned: share of the baseline that the training loss must have lost.
        gap: share of the baseline that the validation loss may be above the training loss.
        rise: share of its lowest that the validation loss may be above it in the end.
        explosion: a loss above so many times its lowest, and above its first, has diverged.
    """

    learned: float = 0.5
    gap: float = 0.25
    rise: float = 0.1
    explosion: float = 10.0


@dataclass(frozen=True)
class Constant:
    """What a network reaches that predicts the same for every row.

    Attributes:
        words: what it predicts, as in "no better than the majority class (91 %)".
        loss: its loss, or None where that is not known.
        accuracy: its accuracy, or None where there are no classes.
        remedy: what helps against predicting only that.
        scale: what is wrong with the scale of the targets, and how to mend it; or nothing.
    """

    words: str
    loss: float | None = None
    accuracy: float | None = None
    remedy: str = ""
    scale: str = ""


# A network that is better than a constant by less than these has learned nothing of use.
BETTER_LOSS, BETTER_ACCURACY = 0.02, 0.005


def judge(
    training: Sequence[float],
    validation: Sequence[float] | None,
    baseline: float,
    thresholds: Thresholds | None = None,
    *,
    constant: Constant | None = None,
    accuracy: Sequence[float] = (),
) -> Finding:
    """Call a fit diverged, overfitting, no better than a constant, underfitting or healthy.

    The first of these that holds is the verdict.

    Args:
        training: training loss of each epoch.
        validation: validation loss of each epoch, NaN where there was none; None without any.
        baseline: loss of a network that knows nothing.
        thresholds: from where on it is called what.
        constant: what predicting the same for every row reaches, or None.
        accuracy: accuracy of each epoch, on validation rows where there are such.

    >>> judge([0.7, 0.4, 0.2, 0.1, 0.1], [0.7, 0.5, 0.6, 0.7, 0.8], baseline=0.7).words
    'Overfitting since epoch 2: the validation loss was lowest there, 0.5, and is 0.8 now (+60 %), \
while the training loss went from 0.4 to 0.1.'
    """
    limits = thresholds or Thresholds()
    found = _diverged(training, limits, constant)
    if found is None and validation is not None and np.isfinite(validation).any():
        found = _risen(training, validation, baseline, limits)
        found = found or _apart(training, validation, baseline, limits)
    found = found or _constant(training, baseline, limits, constant, accuracy)
    found = found or _underfitting(training, baseline, limits, constant)
    return found or _healthy(training, validation)


def chance_level(loss: str, classes: int) -> float | None:
    """Cross-entropy of a network that finds all classes equally likely: ln of their number.

    >>> chance_level("sparse_categorical_crossentropy", 10) == math.log(10)
    True
    >>> chance_level("mean_squared_error", 1) is None
    True
    """
    name = loss.replace("_", "").lower()
    if name == "binarycrossentropy":
        return math.log(2)
    if name in ("categoricalcrossentropy", "sparsecategoricalcrossentropy") and classes > 1:
        return math.log(classes)
    return None


def _now(values: Sequence[float]) -> float:
    """The loss in the end."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return float(values[-1])
    return float(np.median(finite[-max(1, min(LAST, len(finite) // 3)) :]))


def _remedy(kind: str, constant: Constant | None) -> str:
    """The remedy of a kind, and first of all the targets' scale if it is wrong."""
    scale = constant.scale if constant is not None else ""
    return f"{scale} {REMEDIES[kind]}".strip()


def _constant(
    training: Sequence[float],
    baseline: float,
    limits: Thresholds,
    constant: Constant | None,
    accuracy: Sequence[float],
) -> Finding | None:
    """No better than predicting the same for every row."""
    if constant is None:
        return None
    now, reached = _now(training), [value for value in accuracy if math.isfinite(value)]
    if constant.accuracy is not None and reached:
        right = _now(reached)
        if right > constant.accuracy + BETTER_ACCURACY or now <= (1 - limits.learned) * baseline:
            return None
        result = f"the accuracy is {100 * right:.1f} %"
    elif constant.loss is not None and now > (1 - BETTER_LOSS) * constant.loss:
        result = f"the training loss is {now:.4g}, and {constant.loss:.4g} for predicting only that"
    else:
        return None
    epochs = len(training)
    words = f"No better than {constant.words}: after {epochs} epochs {result}."
    advice = f"{constant.scale} {constant.remedy}".strip()
    return Finding("constant", epochs, None, now / baseline, words, advice)


def _diverged(
    training: Sequence[float], limits: Thresholds, constant: Constant | None
) -> Finding | None:
    last, epoch = training[-1], len(training)
    remedy = _remedy("diverged", constant)
    if not math.isfinite(last):
        words = f"Diverged: the training loss became {last} in epoch {epoch}."
        return Finding("diverged", epoch, None, last, words, remedy)
    first, lowest = training[0], float(np.nanmin(training))
    if lowest >= 0 and last > max(first, limits.explosion * lowest):
        words = (
            f"Diverged: the training loss is {last:.4g} in epoch {epoch}, from {first:.4g} in the "
            f"beginning and {lowest:.4g} at its lowest."
        )
        return Finding("diverged", epoch, None, last, words, remedy)
    return None


def _risen(
    training: Sequence[float], validation: Sequence[float], baseline: float, limits: Thresholds
) -> Finding | None:
    """Overfitting: validation has turned up while training went on down."""
    at = int(np.nanargmin(validation))
    lowest, now = validation[at], _now(validation)
    rise, then, trained = now - lowest, training[at], _now(training)
    if rise <= max(limits.rise * abs(lowest), NOTICED * baseline) or trained > then:
        return None
    share = f" (+{100 * rise / abs(lowest):.0f} %)" if lowest else ""
    words = (
        f"Overfitting since epoch {at + 1}: the validation loss was lowest there, {lowest:.4g}, "
        f"and is {now:.4g} now{share}, while the training loss went from {then:.4g} to "
        f"{trained:.4g}."
    )
    return Finding("overfitting", at + 1, None, rise, words, REMEDIES["overfitting"])


def _apart(
    training: Sequence[float], validation: Sequence[float], baseline: float, limits: Thresholds
) -> Finding | None:
    """Overfitting: validation stays far above training."""
    gap, most = _now(validation) - _now(training), limits.gap * baseline
    if gap <= most:
        return None
    close = [
        epoch
        for epoch, (t, v) in enumerate(zip(training, validation, strict=True), start=1)
        if v - t <= most
    ]
    since = min((close[-1] if close else 0) + 1, len(training))
    words = (
        f"Overfitting since epoch {since}: the validation loss, {_now(validation):.4g}, stays "
        f"{gap:.4g} above the training loss, {_now(training):.4g}; {most:.4g} is the most that a "
        f"loss of {baseline:.4g} for knowing nothing allows."
    )
    return Finding("overfitting", since, None, gap, words, REMEDIES["overfitting"])


def _underfitting(
    training: Sequence[float], baseline: float, limits: Thresholds, constant: Constant | None
) -> Finding | None:
    now = _now(training)
    if now <= (1 - limits.learned) * baseline:
        return None
    earlier = _now(training[: max(1, len(training) * 3 // 4)])
    falling = earlier - now > 0.05 * baseline
    last = "It still falls." if falling else "It no longer falls."
    words = (
        f"Underfitting: after {len(training)} epochs the training loss is {now:.4g}, "
        f"{100 * now / baseline:.0f} % of the {baseline:.4g} for knowing nothing; "
        f"{100 * (1 - limits.learned):.0f} % is the most. {last}"
    )
    remedy = _remedy("unfinished" if falling else "underfitting", constant)
    return Finding("underfitting", len(training), None, now / baseline, words, remedy)


def _healthy(training: Sequence[float], validation: Sequence[float] | None) -> Finding:
    trained = _now(training)
    if validation is None or not np.isfinite(validation).any():
        words = (
            f"Healthy as far as the training loss tells, {trained:.4g}; without validation nothing "
            "tells of overfitting."
        )
    else:
        words = (
            f"Healthy: training loss {trained:.4g}, validation loss {_now(validation):.4g}, "
            f"lowest in epoch {int(np.nanargmin(validation)) + 1}."
        )
    return Finding("healthy", len(training), None, trained, words)
