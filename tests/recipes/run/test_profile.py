"""What holds a training up: pipelines and networks made slow on purpose."""

import time

import numpy as np
import pytest
import tensorflow as tf

import keras_recipes
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.run import profile
from keras_recipes.recipes.run.profile import Times, bottleneck, input_bound, launch_bound

SMALL = {
    "name": "small",
    "data": {"source": "iris", "batch_size": 8, "validation": 0.2, "test": 0.2},
    "model": {"layers": [{"dense": {"units": 2}}]},
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "epochs": 1,
}


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(profile, "TIMED", 0.05)


def test_a_slow_pipeline_is_measured_without_training(short):
    def slow(number):
        time.sleep(0.02)
        return np.float32(number)

    dataset = tf.data.Dataset.range(3).map(lambda n: tf.numpy_function(slow, [n], tf.float32))
    assert profile.batch_seconds(dataset) >= 0.02


@pytest.mark.parametrize(("step", "batch", "named"), [(1.0, 0.9, True), (1.0, 0.1, False)])
def test_input_bound_is_said_where_batches_take_most_of_a_step(step, batch, named):
    assert (input_bound(step, batch) is not None) == named


@pytest.mark.parametrize(("quarter", "named"), [(0.95, True), (0.3, False)])
def test_launch_bound_is_said_where_fewer_rows_take_as_long(quarter, named):
    assert (launch_bound(128, 1.0, 32, quarter) is not None) == named


def test_a_network_of_two_units_is_launch_bound(short):
    recipe = keras_recipes.load({**SMALL, "steps_per_execution": 1})
    data = data_of(recipe)
    times = profile.timed(profile.built(recipe, data))
    assert times.step > 0
    # The batch of a quarter is timed only where the pipeline is not what holds the step up.
    found = list(bottleneck(recipe, data, Times(times.compile, 1e-9, 0.0)))
    assert [note.split(":")[0] for note in found] == ["launch-bound"]
    found = list(bottleneck(recipe, data, Times(times.compile, 1.0, 1.0)))
    assert [note.split(":")[0] for note in found] == ["input-bound"]
