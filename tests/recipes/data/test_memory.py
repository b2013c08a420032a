"""How often the training rows lie in memory: once, whatever trains on them."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import sys
import keras
import numpy as np
from keras_recipes.recipes.data import Split, Splits, load_data
from keras_recipes.recipes.data.evaluation import evaluation_dataset
from keras_recipes.recipes.data.order import training_dataset

def status(key):
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1]) * 1024

inputs = keras.Input((784,))
model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Rescaling(1 / 255)(inputs)))
model.compile("sgd", "mse", steps_per_execution=32)

def train(rows):
    data = load_data("npz", {"path": sys.argv[1]}, splits=Splits(200, 200), scale="minmax") if (
        rows is None) else rows
    training = training_dataset(data.train, batch_size=4096, seed=0)
    validation = evaluation_dataset(data.validation)
    for _ in range(2):
        model.fit(training.dataset, validation_data=validation, epochs=1, shuffle=False, verbose=0)
    return data

class Small:
    train = Split(np.zeros((8192, 784), "uint8"), np.zeros(8192, "float32"))
    validation = train

train(Small)
before = status("VmRSS")
data = train(None)
print((status("VmRSS") - before) / data.train.x.nbytes)
print((status("VmHWM") - before) / data.train.x.nbytes)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_training_holds_the_rows_once(tmp_path):
    import numpy as np

    path = tmp_path / "large.npz"
    rows = 400 * 2**20 // 784
    np.savez(path, x=np.ones((rows, 784), "uint8"), y=np.linspace(0, 1, rows))
    output = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)], check=True, capture_output=True, text=True
    ).stdout
    held, peak = map(float, output.split())
    assert held < 1.25, f"while training {held:.2f} times the rows are held"
    # Drawing the splits needs the source beside them for a moment.
    assert peak < 2.4, f"at most {peak:.2f} times the rows were held"
