"""Bootstrap intervals against the formulas that they approach."""

import numpy as np
import pytest

from keras_recipes.recipes.record.bootstrap import interval, paired, recall_and_precision


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(1).normal(5, 2, 2000)
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    assert interval(values) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.15 * half
    )


def test_it_is_the_same_each_time():
    values = np.random.default_rng(1).random(50)
    assert interval(values) == interval(values)


def test_paired_rows_have_a_narrower_interval_than_rows_that_are_not():
    rng = np.random.default_rng(2)
    hard = rng.random(1000)
    first, second = hard + 0.01 * rng.random(1000), hard + 0.01 * rng.random(1000) + 0.02
    ((mean, low, high),) = paired(first, second[None])
    assert mean == pytest.approx((second - first).mean())
    assert 0 < low < mean < high
    assert high - low < 0.1 * np.ptp(interval(second))


def test_classes_have_the_intervals_of_their_rows():
    """Drawing cells of the table is drawing rows."""
    counts = [[70, 30], [10, 390]]
    true = np.repeat([0, 0, 1, 1], [70, 30, 10, 390])
    said = np.repeat([0, 1, 0, 1], [70, 30, 10, 390])
    rng = np.random.default_rng(3)
    drawn = rng.integers(0, 500, (2000, 500))
    recalls = [((said[d] == 0) & (true[d] == 0)).sum() / (true[d] == 0).sum() for d in drawn]
    mean, low, high = recall_and_precision(counts)[0]["recall"]
    assert mean == pytest.approx(0.7)
    assert (low, high) == pytest.approx(np.percentile(recalls, (2.5, 97.5)), abs=0.01)


def test_a_class_without_rows_has_none():
    assert recall_and_precision([[0, 0], [1, 2]])[0]["recall"] is None
    assert recall_and_precision([[0, 0], [0, 0]])[1] == {"recall": None, "precision": None}
