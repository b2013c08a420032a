"""How long a process takes that answers one row with an exported file, from its start to its end.

Run:    python benchmarks/serving_start.py [--rounds 15]
Expect: medians below 0.5 s on a free core, and neither TensorFlow nor Keras imported
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_recipes

CODE = """
import sys
import keras_recipes
found = keras_recipes.load_predictor(sys.argv[1])([[5.1, 3.5, 1.4, 0.2]])
heavy = {"tensorflow", "keras"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy or len(found) != 1 else 0)
"""


def seconds(path: Path) -> float:
    """Wall-clock time of one process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", CODE, str(path)], check=True)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    layers = [keras.Input((4,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential(layers)
    samples = np.random.default_rng(0).normal(size=(50, 4))
    with tempfile.TemporaryDirectory() as folder:
        for name in ("model.onnx", "model.tflite"):
            path = Path(folder, name)
            keras_recipes.export(model, path, samples=samples)
            seconds(path)
            median = statistics.median(seconds(path) for _ in range(rounds))
            print(f"one row of {name}: {median:.3f} s (bar 0.5 s)")


if __name__ == "__main__":
    main()
