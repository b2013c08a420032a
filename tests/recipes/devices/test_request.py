"""What is asked of devices and workers is checked before TensorFlow starts."""

import json

import pytest

from keras_recipes.recipes.devices.request import asked
from keras_recipes.recipes.errors import RequestError

TWO = {
    "TF_CONFIG": json.dumps(
        {"cluster": {"worker": ["a:2", "b:2"]}, "task": {"type": "worker", "index": 1}}
    )
}


def test_nothing_is_asked_for_by_default():
    assert asked({}).alone
    assert asked({}, "1").alone
    assert not asked({}, 2).alone
    assert not asked({}, exact_shards=4).alone


def test_a_worker_follows_the_first_one():
    found = asked(TWO, exact_shards=4)
    assert (found.processes, found.follows, found.alone) == (2, True, False)


@pytest.mark.parametrize(
    ("environment", "options", "expected"),
    [
        ({}, {"devices": 0}, "devices: expected a number from 1"),
        ({}, {"devices": "many"}, "devices: expected a number from 1, or `all`"),
        ({}, {"exact_shards": -1}, "exact_shards: expected a number from 1"),
        ({}, {"worker_timeout": 0.0}, "worker_timeout: expected seconds > 0"),
        (TWO, {"devices": 2}, "each of 2 workers uses one device"),
        (TWO, {"exact_shards": 3}, "3 shards cannot be shared equally by 2 workers"),
    ],
    ids=["none", "word", "shards", "timeout", "devices", "multiple"],
)
def test_what_cannot_be_done_is_refused(environment, options, expected):
    with pytest.raises(RequestError, match=expected):
        asked(environment, **options)
