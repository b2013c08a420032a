"""Too loose, too tight, right or exploded: the curves by hand, and nets that are so."""

import json
import math

import keras
import numpy as np
import pytest

from keras_recipes.callbacks import FitDiagnosis
from keras_recipes.callbacks.curves import ConstantPredictor, Thresholds, chance_level, diagnose

nan = math.nan


@pytest.mark.parametrize(
    ("training", "validation", "kind", "since"),
    [
        # Baseline 1: at most 0.5 after training, at most 0.25 between the curves.
        ([0.9, 0.5, 0.3, 0.2], [0.9, 0.6, 0.4, 0.35], "healthy", 4),
        ([0.9, 0.5, 0.3, 0.2], None, "healthy", 4),
        ([0.9, 0.5, 0.3, 0.2], [nan, nan, nan, nan], "healthy", 4),
        ([0.9, 0.8, 0.7, 0.7], [0.9, 0.8, 0.7, 0.7], "underfitting", 4),
        ([0.9, 0.8, 0.51, 0.51, 0.51], None, "underfitting", 5),
        ([0.9, 0.8, 0.49, 0.49, 0.49], None, "healthy", 5),
        # Validation turns up after epoch 2.
        ([0.9, 0.5, 0.4, 0.3, 0.2], [0.8, 0.3, 0.35, 0.4, 0.45], "overfitting", 2),
        # Lowest in the last epoch, below two that were higher.
        ([0.9, *[0.5] * 5, 0.2, 0.15, 0.25], [0.9, *[0.4] * 5, 0.45, 0.45, 0.3], "healthy", 9),
        # The same where every second epoch is validated.
        (
            [0.9, *[0.5] * 7, 0.2, 0.15, 0.15, 0.25],
            [0.9, *[nan, 0.4] * 3, 0.4, 0.3, nan, nan, 0.45],
            "healthy",
            12,
        ),
        # By 9 % only.
        ([0.9, 0.5, 0.4, 0.3, 0.3], [0.8, 0.4, 0.43, 0.436, 0.436], "healthy", 5),
        # By a lot, of nearly nothing.
        ([0.9, 0.1, 0.0, 0.0], [0.8, 0.001, 0.005, 0.005], "healthy", 4),
        # Training rose with it: that is no overfitting.
        ([0.9, 0.2, 0.4, 0.4, 0.4], [0.8, 0.3, 0.4, 0.4, 0.4], "healthy", 5),
        # Validation stays high, and the curves part in epoch 3.
        ([0.9, 0.6, 0.3, 0.1, 0.0], [0.9, 0.7, 0.7, 0.7, 0.7], "overfitting", 3),
        ([0.9, 0.6, nan], [0.9, 0.7, nan], "diverged", 3),
        ([0.9, 0.05, 0.95], None, "diverged", 3),
        ([0.9, 0.02, 0.4], None, "healthy", 3),
        # One odd epoch at the end is not the end.
        ([0.9, *[0.2] * 8], [0.9, *[0.3] * 7, 0.9], "healthy", 9),
    ],
)
def test_curves(training, validation, kind, since):
    found = diagnose(training, validation, baseline=1.0)
    assert (found.kind, found.epoch) == (kind, since), found.message


def test_the_words_have_the_numbers():
    found = diagnose([0.9, 0.85, 0.8, 0.7], None, baseline=1.0)
    assert found.message == (
        "Underfitting: after 4 epochs the training loss is 0.7, 70 % of the 1 of a network that "
        "has learned nothing; it should be at most 50 %. It is still falling."
    )
    assert found.remedy.startswith("Train for more epochs")
    still = diagnose([0.7] * 9, None, baseline=1.0)
    assert still.message.endswith("It has stopped falling.")
    assert "More units" in still.remedy


def test_thresholds_are_the_users():
    curves = ([0.9, 0.6, 0.6], [0.9, 0.66, 0.65])
    assert diagnose(*curves, 1.0, Thresholds(learned=0.3)).kind == "healthy"
    assert diagnose(*curves, 1.0, Thresholds(learned=0.3, gap=0.04)).kind == "overfitting"


@pytest.mark.parametrize(
    ("loss", "classes", "level"),
    [
        ("sparse_categorical_crossentropy", 10, math.log(10)),
        ("CategoricalCrossentropy", 3, math.log(3)),
        ("binary_crossentropy", 1, math.log(2)),
        ("mse", 1, None),
    ],
)
def test_knowing_nothing(loss, classes, level):
    assert chance_level(loss, classes) == level


def rings(count, seed):
    """Two rings around the origin, in the plane."""
    rng = np.random.default_rng(seed)
    angle, label = rng.uniform(0, 2 * np.pi, count), rng.integers(0, 2, count)
    radius = 0.6 + label + rng.normal(0, 0.1, count)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return points.astype("float32"), label


def fitted(units, train, *, epochs=20, noise=0, **arguments):
    """The verdict on a net of two hidden layers."""
    keras.utils.set_random_seed(3)
    inputs = hidden = keras.Input((2 + noise,))
    for _ in range(2):
        hidden = keras.layers.Dense(units, activation="relu", **arguments)(hidden)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(hidden))
    model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
    (x, y), (vx, vy) = rings(train, 0), rings(200, 1)
    rng = np.random.default_rng(2)
    x, vx = (np.concatenate([a, rng.normal(size=(len(a), noise))], axis=1) for a in (x, vx))
    diagnosis = FitDiagnosis(verbose=False)
    model.fit(x, y, batch_size=64, epochs=epochs, validation_data=(vx, vy),
              validation_batch_size=256, verbose=0, callbacks=[diagnosis])  # fmt: skip
    return diagnosis.verdict


@pytest.mark.slow
def test_a_tiny_training_set_is_overfitted_and_a_larger_one_is_not():
    tight = fitted(32, train=16, noise=10)
    assert tight.kind == "overfitting", tight
    assert tight.epoch < 20
    mended = fitted(32, train=512, epochs=12)
    assert mended.kind == "healthy", mended


def test_one_unit_is_too_few():
    loose = fitted(1, train=512, epochs=10)
    assert loose.kind == "underfitting", loose
    assert "learned nothing" in loose.message
    assert 0.5 < loose.value <= 1.1


def test_a_rate_of_a_thousand_diverges(products, net):
    x, y = products
    diagnosis = FitDiagnosis(verbose=False)
    model = net(rate=1e3, loss="mse", activation="linear")
    model.fit(x, y, epochs=3, verbose=0, callbacks=[diagnosis])
    assert diagnosis.verdict.kind == "diverged"


def test_says_it_once_while_it_happens(drive, capsys, tmp_path):
    path = tmp_path / "deep" / "fit.jsonl"
    diagnosis = FitDiagnosis(baseline=1.0, path=str(path))
    rows = [(0.9, 0.8), (0.5, 0.3), (0.4, 0.4), (0.3, 0.45), (0.2, 0.5)]
    logs = [{"loss": t, "val_loss": v} for t, v in rows]
    drive(diagnosis, logs, end=False)
    assert capsys.readouterr().err.count("Overfitting since epoch 2") == 1
    diagnosis.on_train_end()
    assert capsys.readouterr().err == ""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["findings"][0]["kind"] for line in lines] == ["overfitting", "overfitting"]


def test_continues_from_its_state(drive):
    rows = [(0.9, nan), (0.5, 0.3), (0.4, 0.4), (0.3, 0.45), (0.2, 0.5)]
    logs = [{"loss": t, "val_loss": v} for t, v in rows]
    whole = FitDiagnosis(baseline=1.0, verbose=False)
    drive(whole, logs)
    first, second = (FitDiagnosis(baseline=1.0, verbose=False) for _ in range(2))
    drive(first, logs[:3], end=False)
    second.set_state(json.loads(json.dumps(first.get_state(), allow_nan=False)))
    drive(second, logs[3:], begin=3)
    assert second.findings == whole.findings


MAJORITY = ConstantPredictor("the majority class (good, 91 %)", 0.3, 0.91, "Watch `auc`.")
MEAN = ConstantPredictor(
    "the mean of the targets", 1.0, None, "Check the rate.", "Standardize them."
)


@pytest.mark.parametrize(
    ("training", "accuracy", "constant", "kind", "words"),
    [
        ([0.35, 0.3, 0.29], [0.91] * 3, MAJORITY, "constant", "than the majority class (good, 91"),
        # The loss may fall without a single row more being right.
        ([0.3, 0.26, 0.22], [0.9, 0.91, 0.91], MAJORITY, "constant", "the accuracy is 91.0 %"),
        ([0.3, 0.26, 0.22], [0.9, 0.92, 0.94], MAJORITY, "underfitting", "has learned nothing"),
        ([0.3, 0.1, 0.05], [0.91, 0.97, 0.99], MAJORITY, "healthy", ""),
        ([1.2, 1.0, 0.99], [nan] * 3, MEAN, "constant", "No better than the mean of the targets"),
        ([1.2, 1.0, 0.8], [nan] * 3, MEAN, "underfitting", "has learned nothing"),
        ([1.2, 0.4, 0.2], [nan] * 3, MEAN, "healthy", ""),
        ([1.2, 30.0, nan], [nan] * 3, MEAN, "diverged", "Diverged"),
    ],
)
def test_no_better_than_a_constant(training, accuracy, constant, kind, words):
    found = diagnose(training, None, constant.loss, constant=constant, accuracy=accuracy)
    assert found.kind == kind, found
    assert words in found.message
    if kind in ("constant", "underfitting", "diverged"):
        # What is wrong with the targets comes before every other remedy.
        assert found.remedy.startswith(constant.scale)
    if kind == "constant":
        assert found.remedy.endswith(constant.remedy)
        assert "units" not in found.remedy


def test_the_accuracy_is_part_of_the_state(drive):
    logs = [{"loss": 0.3, "accuracy": 0.9, "val_accuracy": 0.91}] * 4
    first, second = (FitDiagnosis(verbose=False) for _ in range(2))
    for diagnosis in (first, second):
        diagnosis.constant = MAJORITY
    drive(first, logs[:2], end=False)
    second.set_state(json.loads(json.dumps(first.get_state(), allow_nan=False)))
    drive(second, logs[2:], begin=2)
    assert second.accuracy == [0.91] * 4
    assert second.verdict.kind == "constant"
