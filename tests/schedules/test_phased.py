"""The rate of a training in phases: the schedules one after the other, and edges that move."""

import copy
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_recipes.schedules import Cosine, Linear, Phased, Sequential

STEPS = np.arange(30)


def made():
    return Phased(Cosine(0.3, 30), [None, Linear(0.2, 5), 0.05], [0, 10, 18])


def test_schedules_of_phases_begin_at_their_step_0_and_the_common_one_continues():
    rates = np.asarray(made()(STEPS))
    np.testing.assert_array_equal(rates[:10], np.asarray(Cosine(0.3, 30)(STEPS[:10])))
    np.testing.assert_allclose(rates[10:18], [0.2, 0.16, 0.12, 0.08, 0.04, 0, 0, 0], atol=1e-8)
    np.testing.assert_allclose(rates[18:], 0.05)
    later = np.asarray(Phased(Cosine(0.3, 30), [0.1, None], [0, 10])(STEPS))
    np.testing.assert_array_equal(later[10:], np.asarray(Cosine(0.3, 30)(STEPS[10:])))


def test_with_a_schedule_for_each_phase_it_is_the_sequence():
    phases = Phased(0.1, [0.2, Linear(0.3, 7), Cosine(0.4, 9)], [0, 5, 12])
    sequence = Sequential([0.2, Linear(0.3, 7), Cosine(0.4, 9)], [5, 12])
    np.testing.assert_array_equal(np.asarray(phases(STEPS)), np.asarray(sequence(STEPS)))
    assert phases.phases() == [(5, "phase 2"), (12, "phase 3")]


def test_an_early_edge_moves_the_next_schedule_in_a_compiled_step():
    schedule = Phased(0.1, [0.2, Linear(0.3, 10)], [0, 8])
    compiled = tf.function(lambda step: schedule(step))
    assert float(compiled(tf.constant(5, tf.int64))) == pytest.approx(0.2)
    schedule.begin(1, 4)
    rates = [float(compiled(tf.constant(step, tf.int64))) for step in (3, 4, 5)]
    np.testing.assert_allclose(rates, [0.2, 0.3, 0.27], rtol=1e-6)


def test_a_count_that_begins_anew_does_not_change_the_curve():
    schedule, whole = made(), np.asarray(made()(STEPS))
    schedule.begin(1, 10, restarted=True)
    np.testing.assert_array_equal(np.asarray(schedule(STEPS[:20])), whole[10:])
    schedule.begin(2, 8, restarted=True)
    np.testing.assert_array_equal(np.asarray(schedule(STEPS[:12])), whole[18:])


def test_it_is_saved_copied_and_pickled_with_its_edges():
    schedule = made()
    schedule.begin(1, 4, restarted=True)
    saved = keras.saving.serialize_keras_object(schedule)
    for again in (
        keras.saving.deserialize_keras_object(saved),
        copy.deepcopy(schedule),
        pickle.loads(pickle.dumps(schedule)),
    ):
        assert again.get_config() == schedule.get_config()
        np.testing.assert_array_equal(np.asarray(again(STEPS)), np.asarray(schedule(STEPS)))


@pytest.mark.parametrize("starts", [[0], [1, 2], [0, 5, 3], [0, -1]])
def test_starts_are_one_a_phase_and_rise(starts):
    with pytest.raises(ValueError, match="starts"):
        Phased(0.1, [0.1, None] if len(starts) < 3 else [0.1] * 3, starts)
