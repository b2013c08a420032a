"""Overfitting, underfitting and divergence, from the curves of training and validation loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .findings import Finding

# The final loss is the median of the last epochs, because one of them may be an outlier; of no more
# than a third of all epochs.
LAST = 3
# A validation loss near 0 may rise by a large fraction of itself, which means nothing: it must also
# rise by this fraction of the baseline.
MIN_RISE = 0.02
REMEDIES = {
    "diverged": "Lower the learning rate, warm it up, or clip the gradient; check the data for "
    "NaN.",
    "overfitting": "More data or augmentation, dropout, weight decay, a smaller network, or early "
    "stopping helps.",
    "underfitting": "More units or layers, a higher learning rate, less dropout or weight decay "
    "helps; if gradients vanish, mend that first.",
    "unfinished": "Train for more epochs, or at a higher learning rate.",
}


@dataclass(frozen=True)
class Thresholds:
    """Bounds between the verdicts.

    Attributes:
        learned: fraction of the baseline by which the training loss must have fallen.
        gap: fraction of the baseline by which the validation loss may exceed the training loss.
        rise: fraction of its lowest by which the final validation loss may exceed it.
        explosion: a loss above this multiple of its lowest, and above its first, has diverged.
    """

    learned: float = 0.5
    gap: float = 0.25
    rise: float = 0.1
    explosion: float = 10.0


@dataclass(frozen=True)
class ConstantPredictor:
    """Loss and accuracy of a network that predicts the same for every row.

    Attributes:
        description: what it predicts, as in "no better than the majority class (91 %)".
        loss: its loss, or None where that is not known.
        accuracy: its accuracy, or None where there are no classes.
        remedy: what helps against predicting only that.
        scale: what is wrong with the scale of the targets and what to do, or an empty string.
    """

    description: str
    loss: float | None = None
    accuracy: float | None = None
    remedy: str = ""
    scale: str = ""


# A network that is better than a constant by less than these has learned nothing useful.
BETTER_LOSS, BETTER_ACCURACY = 0.02, 0.005


def diagnose(
    training: Sequence[float],
    validation: Sequence[float] | None,
    baseline: float,
    thresholds: Thresholds | None = None,
    *,
    constant: ConstantPredictor | None = None,
    accuracy: Sequence[float] = (),
) -> Finding:
    """Call a fit diverged, overfitting, no better than a constant, underfitting or healthy.

    The first of these that holds is the verdict.

    Args:
        training: training loss of each epoch.
        validation: validation loss of each epoch, NaN where there was none; None without any.
        baseline: loss of a network that has learned nothing.
        thresholds: bounds between the verdicts.
        constant: loss and accuracy of predicting the same for every row, or None.
        accuracy: accuracy of each epoch, on validation rows if there are any.

    >>> diagnose([0.7, 0.4, 0.2, 0.1, 0.1], [0.7, 0.5, 0.6, 0.7, 0.8], baseline=0.7).message
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


def _final(values: Sequence[float]) -> float:
    """The median of the last few epochs."""
    finite = [value for value in values if math.isfinite(value)]
    return float(np.median(finite[-_few(finite) :])) if finite else float(values[-1])


def _few(values: Sequence[float]) -> int:
    """How many of the last epochs a median is taken of."""
    return max(1, min(LAST, len(values) // 3))


def _remedy(kind: str, constant: ConstantPredictor | None) -> str:
    """The remedy of a kind, after what is wrong with the scale of the targets."""
    scale = constant.scale if constant is not None else ""
    return f"{scale} {REMEDIES[kind]}".strip()


def _constant(
    training: Sequence[float],
    baseline: float,
    limits: Thresholds,
    constant: ConstantPredictor | None,
    accuracy: Sequence[float],
) -> Finding | None:
    """No better than predicting the same for every row."""
    if constant is None:
        return None
    final, known = _final(training), [value for value in accuracy if math.isfinite(value)]
    if constant.accuracy is not None and known:
        right = _final(known)
        if right > constant.accuracy + BETTER_ACCURACY or final <= (1 - limits.learned) * baseline:
            return None
        result = f"the accuracy is {100 * right:.1f} %"
    elif constant.loss is not None and final > (1 - BETTER_LOSS) * constant.loss:
        result = f"the training loss is {final:.4g}; predicting only that has {constant.loss:.4g}"
    else:
        return None
    epochs = len(training)
    message = f"No better than {constant.description}: after {epochs} epochs {result}."
    advice = f"{constant.scale} {constant.remedy}".strip()
    return Finding("constant", epochs, None, final / baseline, message, advice)


def _diverged(
    training: Sequence[float], limits: Thresholds, constant: ConstantPredictor | None
) -> Finding | None:
    first, last, epoch = training[0], training[-1], len(training)
    lowest = min((value for value in training if not math.isnan(value)), default=last)
    if not math.isfinite(last):
        message = f"Diverged: the training loss became {last} in epoch {epoch}."
    elif lowest >= 0 and last > max(first, limits.explosion * lowest):
        message = (
            f"Diverged: the training loss is {last:.4g} in epoch {epoch}; it started at "
            f"{first:.4g}, and its lowest was {lowest:.4g}."
        )
    else:
        return None
    return Finding("diverged", epoch, None, last, message, _remedy("diverged", constant))


def _risen(
    training: Sequence[float], validation: Sequence[float], baseline: float, limits: Thresholds
) -> Finding | None:
    """Overfitting: the validation loss has risen while the training loss fell further."""
    at = int(np.nanargmin(validation))
    known = [epoch for epoch, loss in enumerate(validation) if math.isfinite(loss)]
    if at in known[-_few(known) :]:
        return None  # the median of the last epochs is partly of those before the lowest
    lowest, final = validation[at], _final(validation)
    rise, before, after = final - lowest, training[at], _final(training)
    if rise <= max(limits.rise * abs(lowest), MIN_RISE * baseline) or after > before:
        return None
    percent = f" (+{100 * rise / abs(lowest):.0f} %)" if lowest else ""
    message = (
        f"Overfitting since epoch {at + 1}: the validation loss was lowest there, {lowest:.4g}, "
        f"and is {final:.4g} now{percent}, while the training loss went from {before:.4g} to "
        f"{after:.4g}."
    )
    return Finding("overfitting", at + 1, None, rise, message, REMEDIES["overfitting"])


def _apart(
    training: Sequence[float], validation: Sequence[float], baseline: float, limits: Thresholds
) -> Finding | None:
    """Overfitting: the validation loss stays far above the training loss."""
    gap, most = _final(validation) - _final(training), limits.gap * baseline
    if gap <= most:
        return None
    pairs = zip(training, validation, strict=True)
    close = [epoch for epoch, (t, v) in enumerate(pairs, start=1) if v - t <= most]
    since = min((close[-1] if close else 0) + 1, len(training))
    message = (
        f"Overfitting since epoch {since}: the validation loss, {_final(validation):.4g}, stays "
        f"{gap:.4g} above the training loss, {_final(training):.4g}; more than {most:.4g} is too "
        f"much where a network that has learned nothing has {baseline:.4g}."
    )
    return Finding("overfitting", since, None, gap, message, REMEDIES["overfitting"])


def _underfitting(
    training: Sequence[float],
    baseline: float,
    limits: Thresholds,
    constant: ConstantPredictor | None,
) -> Finding | None:
    final = _final(training)
    if final <= (1 - limits.learned) * baseline:
        return None
    earlier = _final(training[: max(1, len(training) * 3 // 4)])
    falling = earlier - final > 0.05 * baseline
    last = "It is still falling." if falling else "It has stopped falling."
    message = (
        f"Underfitting: after {len(training)} epochs the training loss is {final:.4g}, "
        f"{100 * final / baseline:.0f} % of the {baseline:.4g} of a network that has learned "
        f"nothing; it should be at most {100 * (1 - limits.learned):.0f} %. {last}"
    )
    remedy = _remedy("unfinished" if falling else "underfitting", constant)
    return Finding("underfitting", len(training), None, final / baseline, message, remedy)


def _healthy(training: Sequence[float], validation: Sequence[float] | None) -> Finding:
    final = _final(training)
    if validation is None or not np.isfinite(validation).any():
        message = (
            f"Healthy as far as the training loss, {final:.4g}, shows; without validation data "
            "overfitting cannot be seen."
        )
    else:
        message = (
            f"Healthy: training loss {final:.4g}, validation loss {_final(validation):.4g}, "
            f"lowest in epoch {int(np.nanargmin(validation)) + 1}."
        )
    return Finding("healthy", len(training), None, final, message)
