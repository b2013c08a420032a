"""Two replicas train what one does: clipping, decay and accumulation act on the whole batch."""

import json
import subprocess
import sys

import pytest

# Virtual devices must be made before TensorFlow starts: hence a process of its own.
SCRIPT = """
import json, sys
import numpy as np
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
import keras
from keras_recipes.models import *

random = np.random.default_rng(0)
x, y = random.normal(size=(32, 4)).astype("float32"), random.normal(size=(32, 2)).astype("float32")

def trained(strategy, **parts):
    with strategy.scope():
        keras.utils.set_random_seed(3)
        inputs = keras.Input((4,))
        hidden = keras.layers.Dense(5, activation="tanh")(inputs)
        model = TrainingModel(inputs, keras.layers.Dense(2)(hidden), **parts)
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    history = model.fit(data.with_options(options), epochs=2, verbose=0).history
    return [w.tolist() for w in model.get_weights()], history["gradient_norm"]

CASES = {
    "clipping": lambda: dict(gradient_clipping=GradientClipping(global_norm=0.5)),
    "decay": lambda: dict(weight_decay=WeightDecay(0.1), gradient_clipping=GradientClipping(1.0)),
    "accumulation": lambda: dict(gradient_accumulation=2),
    "history": lambda: dict(gradient_clipping=GradientClipping(percentile=50)),
}
one = tf.distribute.OneDeviceStrategy("CPU:0")
two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
print(json.dumps({n: [trained(s, **make()) for s in (one, two)] for n, make in CASES.items()}))
"""


@pytest.mark.slow
def test_replicas_together_are_one():
    import numpy as np

    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    for name, ((one, norms), (two, others)) in json.loads(done.stdout.splitlines()[-1]).items():
        np.testing.assert_allclose(norms, others, rtol=1e-4, err_msg=name)
        for ours, theirs in zip(one, two, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6, err_msg=name)
