"""The gradient check finds a wrong gradient, and no other."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.models import gradient_check


def variable(values, name="w"):
    return keras.Variable(np.asarray(values, "float64"), dtype="float64", name=name)


def test_right_gradients_agree():
    w, b = variable(np.random.default_rng(0).normal(size=(4, 3))), variable([0.1, 0.2, 0.3], "b")
    x = tf.constant(np.random.default_rng(1).normal(size=(5, 4)))

    def loss():
        return tf.reduce_mean(tf.nn.softplus(tf.tanh(x @ w.value + b.value)))

    rows = gradient_check(loss, [w, b], entries=100)
    assert [(row.path, row.entries) for row in rows] == [("w", 12), ("b", 3)]
    assert all(row.error < 1e-8 for row in rows)


@tf.custom_gradient
def twice(x):
    """Doubles, and claims a slope of 3."""
    return 2.0 * x, lambda upstream: 3.0 * upstream


def test_a_wrong_gradient_is_found_where_it_is():
    right, wrong = variable([1.0, 2.0], "right"), variable([[1.0], [2.0]], "wrong")

    def loss():
        return tf.reduce_sum(right.value**2) + tf.reduce_sum(twice(wrong.value))

    rows = {row.path: row for row in gradient_check(loss, [right, wrong])}
    assert rows["right"].error < 1e-6
    assert rows["wrong"].error == pytest.approx(0.2, rel=1e-5)  # |3 - 2| / (3 + 2)
    assert rows["wrong"].automatic == 3.0
    assert rows["wrong"].numerical == pytest.approx(2.0)


@tf.custom_gradient
def wrong_at(x, mask):
    """Doubles, and claims a slope of 3 where the mask is 1."""
    return 2.0 * x, lambda upstream: (upstream * (2.0 + mask), None)


def place(shape, *at):
    """Ones at some places."""
    mask = np.zeros(shape)
    mask[tuple(at)] = 1.0
    return tf.constant(mask)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("shape", "at"),
    [((120, 80), (97, 45)), ((120, 80), (7, slice(None))), ((40, 60), (slice(None), 3))],
    ids=["entry", "row", "column"],
)
def test_one_wrong_entry_or_row_is_found_among_many(shape, at, seed):
    random = np.random.default_rng(seed)
    w, mask = variable(random.normal(size=shape) / 10), place(shape, *at)
    x = tf.constant(random.normal(size=(5, shape[0])))

    def loss():
        return tf.reduce_mean(tf.nn.softplus(tf.tanh(x @ wrong_at(w.value, mask))))

    (row,) = gradient_check(loss, [w], entries=10, seed=seed)
    assert row.error == pytest.approx(0.2, rel=1e-3)  # |3 - 2| / (3 + 2)
    assert mask[row.index] == 1.0
    assert (row.size, row.directions) == (w.value.shape.num_elements(), 3)


def test_a_large_right_gradient_agrees():
    random = np.random.default_rng(5)
    w = variable(random.normal(size=(120, 80)) / 10)
    x = tf.constant(random.normal(size=(5, 120)))
    (row,) = gradient_check(lambda: tf.reduce_mean(tf.nn.relu(x @ w.value) ** 2), [w])
    assert row.error < 1e-6


def test_a_loss_that_is_drawn_anew_is_refused():
    w = variable([1.0, 2.0])
    with pytest.raises(ValueError, match="differs from call to call"):
        gradient_check(lambda: tf.reduce_sum(w.value) * tf.random.uniform((), dtype="float64"), [w])


def test_a_variable_that_the_loss_does_not_reach_has_a_slope_of_zero():
    used, unused = variable([1.0], "used"), variable([1.0], "unused")
    rows = gradient_check(lambda: tf.reduce_sum(used.value), [used, unused])
    assert rows[1].automatic == rows[1].numerical == rows[1].error == 0.0


def test_values_stay_as_they_were():
    w = variable([0.1, 0.7, -3.0])
    before = np.array(w)
    gradient_check(lambda: tf.reduce_sum(tf.sin(w.value)), [w])
    np.testing.assert_array_equal(np.array(w), before)


@pytest.mark.parametrize(
    ("dtype", "arguments", "message"),
    [
        ("float32", {}, "must be computed in float64"),
        ("float64", {"entries": 0}, "`entries` must be a whole number >= 1"),
        ("float64", {"step": 0}, "`step` must be > 0"),
    ],
)
def test_bad_arguments_are_reported(dtype, arguments, message):
    w = keras.Variable([1.0], dtype=dtype)
    with pytest.raises(ValueError, match=message):
        gradient_check(lambda: tf.reduce_sum(w.value), [w], **arguments)
