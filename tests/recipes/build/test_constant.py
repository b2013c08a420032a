"""What predicting the same for every row reaches, from the training targets."""

from types import SimpleNamespace

import numpy as np
import pytest

from keras_recipes.recipes.build.constant import constant_guess
from keras_recipes.recipes.build.task import Form, Task
from keras_recipes.recipes.data.scale import Scaling


def guessed(task, y, classes=()):
    data = SimpleNamespace(train=SimpleNamespace(y=y), classes=classes)
    return constant_guess(task, data, 0.5)


def test_unbalanced_classes():
    y = np.repeat([0, 1], [91, 9])
    found = guessed(Task(Form.LABELS, 2), y, ("good", "bad"))
    assert found.description == "the majority class (good, 91 %)"
    assert (found.accuracy, found.loss) == (0.91, 0.5)
    assert "91 rows of good and 9 of bad" in found.remedy
    assert "class_weight" in found.remedy
    assert "auc" in found.remedy


def test_balanced_classes_have_no_imbalance():
    found = guessed(Task(Form.LABELS, 2), np.repeat([0, 1], [52, 48]), (3, 7))
    assert found.description == "the majority class (3, 52 %)"
    assert "unbalanced" not in found.remedy


def test_labels():
    y = np.array([[1, 0], [1, 0], [1, 1], [0, 0]], "uint8")
    assert guessed(Task(Form.MULTILABEL, 2), y).accuracy == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("mean", "deviation", "named"),
    [(0, 1, False), (5, 3, False), (200_000, 30_000, True), (0, 1e-3, True), (300, 1, True)],
)
def test_the_scale_of_the_targets_is_named_where_it_is_far_from_1(mean, deviation, named):
    y = mean + deviation * np.resize([-1.0, 1.0], 40)
    found = guessed(Task(Form.VALUES, 1), y)
    assert ("target_scale: standardize" in found.scale) == named
    assert (f"mean {mean:.4g} and deviation {deviation:.4g}" in found.scale) == named
    scaling = Scaling.fit("standardize", y[:, None])
    assert guessed(Task(Form.VALUES, 1, scaling=scaling), y).scale == ""
