"""The order of an epoch in which all classes are equally frequent."""

import tensorflow as tf

from .balance import Resampling


def resampled_order(plan: Resampling, seed: int, epoch: tf.Tensor) -> tf.Tensor:
    """The rows of an epoch (rows,), some of them several times: a function of seed and epoch."""
    entries, places = len(plan.rows), len(plan.chosen)
    pair = tf.stack([tf.constant(seed, tf.int64), tf.cast(epoch, tf.int64)])
    random = tf.random.stateless_uniform((entries + places,), pair, dtype=tf.float64)
    shuffled = tf.argsort(random[:entries])
    # A stable sort by copy and class keeps the random order inside of each.
    by_group = tf.argsort(tf.gather(plan.groups, shuffled), stable=True)
    drawn = tf.gather(plan.rows, tf.gather(tf.gather(shuffled, by_group), plan.chosen))
    return tf.gather(drawn, tf.argsort(random[entries:]))
