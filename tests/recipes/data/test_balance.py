"""Weights as scikit-learn's, and epochs in which all classes are equally frequent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from keras_recipes.recipes.data import Split
from keras_recipes.recipes.data.balance import (
    Balance,
    class_weights,
    focal_label_weights,
    resampling,
    row_weights,
)
from keras_recipes.recipes.data.order import training_dataset
from keras_recipes.recipes.data.resample import resampled_order

RNG = np.random.default_rng(0)
Y = np.repeat([0, 1, 2], [60, 30, 7])


def test_weights_are_those_of_scikit_learn():
    expected = compute_class_weight("balanced", classes=np.arange(3), y=Y)
    np.testing.assert_allclose(class_weights(Y, 3), expected)
    np.testing.assert_allclose(row_weights(Y, 3), compute_sample_weight("balanced", Y), rtol=1e-6)
    # A class that no training row has does not count.
    np.testing.assert_allclose(class_weights(Y, 5), [*expected, 0, 0])


def test_each_label_is_weighed_by_itself():
    labels = (RNG.random((50, 3)) < [0.1, 0.5, 0.8]).astype("uint8")
    expected = [compute_sample_weight("balanced", labels[:, i]) for i in range(3)]
    np.testing.assert_allclose(row_weights(labels, 2), np.stack(expected, axis=1), rtol=1e-6)
    focal = focal_label_weights(labels)
    for i in range(3):
        rare = labels[:, i].mean()
        np.testing.assert_allclose(focal[labels[:, i] == 1, i], 1 - rare, rtol=1e-5)
        np.testing.assert_allclose(focal[labels[:, i] == 0, i], rare, rtol=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=60), st.integers(0, 3))
def test_classes_are_equally_frequent_and_so_are_the_rows_of_a_class(y, epoch):
    y = np.array(y)
    drawn = resampled_order(resampling(y), 1, epoch).numpy()
    assert len(drawn) == len(y)
    present = np.unique(y)
    counts = [np.count_nonzero(y[drawn] == label) for label in present]
    assert max(counts) - min(counts) <= 1
    for label in present:
        rows = np.flatnonzero(y == label)
        often = np.bincount(drawn[y[drawn] == label], minlength=len(y))[rows]
        assert often.max() - often.min() <= 1


def test_the_draw_is_a_function_of_seed_and_epoch():
    plan = resampling(Y)
    found = {
        (seed, epoch): tuple(resampled_order(plan, seed, epoch).numpy())
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert len(set(found.values())) == 4
    assert tuple(resampled_order(plan, 1, 1).numpy()) == found[1, 1]
    # Rows of the large class differ from epoch to epoch, and are mixed with the others.
    assert set(found[0, 0]) != set(found[0, 1])
    assert len({Y[row] for row in found[0, 0][:20]}) == 3


def batches(training, epoch):
    training.epoch.assign(epoch)
    return [[part.numpy().tolist() for part in batch] for batch in training.dataset]


@pytest.mark.parametrize(
    "balance", [Balance(weights=row_weights(Y, 3)), Balance(resampling=resampling(Y))]
)
def test_an_epoch_is_resumed_in_its_middle(balance):
    rows = Split(np.arange(len(Y), dtype="int32")[:, None], Y)
    options = {"batch_size": 10, "seed": 3, "balance": balance}
    whole = batches(training_dataset(rows, **options), 2)
    rest = batches(training_dataset(rows, **options, start_step=4), 2)
    assert whole[4:] == rest
    if balance.weights is not None:
        for _, y, weights in whole:
            np.testing.assert_allclose(weights, class_weights(Y, 3)[y], rtol=1e-6)
