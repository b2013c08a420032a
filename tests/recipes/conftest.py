"""Set-up that the tests of recipes share."""

import pytest
import tensorflow as tf


def _eager():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


# Steps without compilation, which takes most of the time of a tiny run.
eager = pytest.fixture(_eager)
eager_module = pytest.fixture(scope="module", name="eager_module")(_eager)
