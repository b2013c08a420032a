"""A metric behind a change of form: what it compares, and that it is saved."""

import keras
import numpy as np
import pytest

from keras_recipes.models import EncodedMetric

NUMBERS = np.array([0, 1, 1, 0, 1], "int32")
SECOND = np.array([0.2, 0.9, 0.4, 0.6, 0.7], "float32")[:, None]
BOTH = np.concatenate([1 - SECOND, SECOND], axis=1)
TARGETS = {"class_numbers": NUMBERS, "columns": np.eye(2)[NUMBERS], "one_column": NUMBERS[:, None]}
OUTPUTS = {"class_numbers": BOTH, "columns": BOTH, "one_column": SECOND}
MADE = {
    "class_numbers": keras.metrics.SparseCategoricalAccuracy,
    "columns": keras.metrics.CategoricalAccuracy,
    "one_column": keras.metrics.BinaryAccuracy,
}


@pytest.mark.parametrize("given", TARGETS)
@pytest.mark.parametrize("wanted", TARGETS)
def test_every_form_becomes_every_other(given, wanted):
    metric = EncodedMetric(MADE[wanted](name="right"), 2, form=given, metric_form=wanted)
    metric.update_state(TARGETS[given], OUTPUTS[given])
    assert float(metric.result()) == pytest.approx(3 / 5)
    again = EncodedMetric.from_config(metric.get_config())
    again.update_state(TARGETS[given], OUTPUTS[given], sample_weight=[1.0, 1.0, 0.0, 0.0, 1.0])
    assert (again.name, float(again.result())) == ("right", pytest.approx(1.0))
    again.reset_state()
    assert float(again.result()) == 0.0


def test_logits_become_probabilities():
    logits = np.log(SECOND / (1 - SECOND))
    metric = EncodedMetric(
        keras.metrics.MeanSquaredError(),
        2,
        form="one_column",
        metric_form="one_column",
        outputs="logits",
    )
    metric.update_state(NUMBERS[:, None], logits)
    expected = np.square(SECOND[:, 0] - NUMBERS).mean()
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
