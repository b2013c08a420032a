"""`keras-recipes train digits_mlp`, from process start to exit, against the shortest plain script.

Run:    python benchmarks/whole_run.py [--rounds 7]

The script does the same work with Keras alone: the same data, divided as the recipe divides it, the
same network, schedule, epochs and batches, the best weights by validation, a test, a saved model.
It has no run directory, no checkpoints, no exact resume, no report. The sides take turns; printed
are medians, their ratio, and where a recipe's time goes beside importing TensorFlow and training.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPT = """
import sys
import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

EPOCHS = int(sys.argv[1])
keras.utils.set_random_seed(1)
x, y = load_digits(return_X_y=True)
x, x_test, y, y_test = train_test_split(x / 16, y, test_size=0.15, stratify=y, random_state=1)
x, x_val, y, y_val = train_test_split(x, y, test_size=0.176, stratify=y, random_state=1)
model = keras.Sequential([
    keras.Input((64,)),
    keras.layers.Dense(128, "relu", kernel_initializer="he_normal"),
    keras.layers.BatchNormalization(),
    keras.layers.Dropout(0.3),
    keras.layers.Dense(64, "relu", kernel_initializer="he_normal"),
    keras.layers.Dense(10, "softmax"),
])
rate = keras.optimizers.schedules.PolynomialDecay(0.1, EPOCHS * -(-len(x) // 64), 0.0)
optimizer = keras.optimizers.SGD(rate, momentum=0.9, global_clipnorm=1.0, weight_decay=1e-4)
model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
best = keras.callbacks.ModelCheckpoint("best.keras", save_best_only=True)
model.fit(
    x, y, batch_size=64, epochs=EPOCHS, validation_data=(x_val, y_val), callbacks=[best], verbose=2
)
print(model.evaluate(x_test, y_test, verbose=0))
model.save("model.keras")
"""
RECIPE = "digits_mlp"


def seconds(command: list[str], folder: str) -> float:
    """Wall-clock time of one process."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, *command],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return time.perf_counter() - began


def main() -> None:
    """Let the sides take turns."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    found: dict[str, list[float]] = {"recipe": [], "script": [], "import keras": []}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "script.py").write_text(SCRIPT)
        train = ["-m", "keras_recipes", "train", RECIPE, "--out"]
        seconds([*train, "first"], folder)
        # The recipe may stop early; the script trains as many epochs.
        epochs = len((Path(folder) / "first/metrics.jsonl").read_text().splitlines())
        for turn in range(rounds):
            sides = {
                "recipe": [*train, f"run{turn}"],
                "script": ["script.py", str(epochs)],
                "import keras": ["-c", "import keras"],
            }
            for name in list(sides)[:: 1 if turn % 2 else -1]:
                found[name].append(seconds(sides[name], folder))
        results = [json.loads(p.read_text()) for p in Path(folder).glob("run*/result.json")]
    medians = {name: statistics.median(values) for name, values in found.items()}
    for name, value in medians.items():
        print(f"{name}: {value:.2f} s")
    print(f"recipe beside script: {medians['recipe'] / medians['script']:.2f}, bar 1.5")
    training = statistics.median(result["seconds"] for result in results)
    rest = medians["recipe"] - medians["import keras"] - training
    print(
        f"{epochs} epochs, {training:.2f} s of them training; beside it and the import {rest:.2f} s"
    )


if __name__ == "__main__":
    main()
