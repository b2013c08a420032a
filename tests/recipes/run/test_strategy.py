"""A recipe under a strategy of two devices trains what one device does."""

import json
import subprocess
import sys

import numpy as np
import pytest

# Virtual devices must be made before TensorFlow starts: hence a process of its own.
SCRIPT = """
import json
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
import keras_recipes

SMALL = {
    "name": "small",
    # 104 rows are trained on, so that each batch has four rows for each device.
    "data": {"source": "iris", "validation": 22, "test": 24, "batch_size": 8},
    "model": {"layers": [{"dense": {"units": 4, "activation": "tanh"}}]},
    "optimizer": {"sgd": {"momentum": 0.9}},
    "learning_rate": 0.1,
    "epochs": 3,
}
# Rows that no two devices can share equally, at the end of an epoch and in both evaluations.
UNEVEN = {"data": {"source": "iris", "validation": 21, "test": 25, "batch_size": 15}}
PLATEAU = {"reduce_on_plateau": {"patience": 1, "monitor": "loss", "mode": "max"}}
CASES = {
    "plain": {},
    "all": {
        "learning_rate": {"plateau": {"schedule": 0.1}},
        "gradient_clipping": {"global_norm": 1.0},
        "gradient_accumulation": 2,
        "weight_averaging": {"decay": 0.5},
        "callbacks": [PLATEAU, {"early_stopping": {"patience": 3}}, "divergence_guard"],
    },
    "uneven": UNEVEN,
}

def trained(strategy, name):
    with strategy.scope():
        recipe = keras_recipes.load({**SMALL, **CASES[name]})
        place = f"{type(strategy).__name__}-{name}"
        result = recipe.train(out=place, progress=False)
    lines = [json.loads(line) for line in open(f"{place}/metrics.jsonl")]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines], result.test

two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
strategies = {"one": tf.distribute.get_strategy(), "two": two}
found = {n: {key: trained(s, n) for key, s in strategies.items()} for n in CASES}
try:
    with two.scope():
        keras_recipes.load({**SMALL, "steps_per_execution": 4}).train(out="refused")
except keras_recipes.recipes.RecipeError as error:
    found["refused"] = str(error)
print(json.dumps(found))
"""


@pytest.mark.slow
def test_two_devices_train_a_recipe_as_one_does():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert "steps_per_execution: 1" in found.pop("refused")
    for name, of_devices in found.items():
        (one, test), (two, other) = of_devices["one"], of_devices["two"]
        assert len(one) == len(two) == 3
        assert all(line["update_ratio"] > 0 for line in [*one, *two])
        if name == "uneven":
            continue  # Keras weighs the halves of a short batch alike
        for ours, theirs in zip([*one, test], [*two, other], strict=True):
            assert ours.keys() == theirs.keys()
            for key in ours:
                np.testing.assert_allclose(theirs[key], ours[key], rtol=1e-3, err_msg=key)
