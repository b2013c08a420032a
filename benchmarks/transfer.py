"""What a network that learned the digits 0 to 4 is worth for 5 to 9, by the number of pictures.

Run:    python benchmarks/transfer.py [--mnist mnist.npz] [--seeds 3] [--counts 10 50 500]
        python benchmarks/transfer.py --data FOLDER    # only writes the files of the two recipes
Expect: frozen 88.1 %, phases 87.6 %, scratch 83.8 % with 10 pictures a class; 95.7, 95.4 and 94.8 %
        with 50; 98.4, 98.3 and 98.3 % with 500; in 17 minutes on two busy cores

`transfer_pretrain` trains a convolutional network on 0 to 4, once. For each number of pictures a
class and each seed, which draws the pictures and the weights, three networks of one architecture
learn 5 to 9 in as many epochs:

- frozen: `transfer_finetune` with the convolutions frozen throughout
- phases: `transfer_finetune` as it ships, which trains them too in a second phase
- scratch: the same network from random weights, in one phase

The table has the accuracy on MNIST's 4,861 test pictures of 5 to 9, as mean and range of the seeds.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import keras_recipes

# Of 30,596 training pictures of 0 to 4, which are more than the network needs.
LOW_ROWS = 12_000
MODES = ("frozen", "phases", "scratch")
FROZEN = [{"epochs": 20, "freeze": "backbone", "learning_rate": 0.002}]
SCRATCH = {
    "epochs": 20,
    "learning_rate": {"cosine": {"initial_learning_rate": 0.002, "decay_steps": "100%"}},
    "data.validation": None,
}


def write(mnist: Path, folder: Path, counts: list[int], seeds: int) -> None:
    """low.npz of the digits 0 to 4, and high_COUNT_SEED.npz of 5 to 9; high_50.npz is of seed 1."""
    folder.mkdir(parents=True, exist_ok=True)
    with np.load(mnist) as arrays:
        parts = {name: arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    x, y = parts["x_train"], parts["y_train"]
    low, test = parts["y_test"] < 5, parts["y_test"] >= 5
    tested = {"x_test": parts["x_test"][low], "y_test": parts["y_test"][low]}
    first = np.flatnonzero(y < 5)[:LOW_ROWS]
    np.savez_compressed(folder / "low.npz", x=x[first], y=y[first], **tested)
    rest = {"x_test": parts["x_test"][test], "y_test": parts["y_test"][test]}
    for count in counts:
        for seed in range(1, seeds + 1):
            draw = np.random.default_rng(seed)
            rows = np.concatenate(
                [draw.choice(np.flatnonzero(y == digit), count, False) for digit in range(5, 10)]
            )
            names = [f"high_{count}_{seed}.npz"] + [f"high_{count}.npz"] * (seed == 1)
            for name in names:
                np.savez_compressed(folder / name, x=x[rows], y=y[rows], **rest)


def accuracy(mode: str, folder: Path, count: int, seed: int) -> float:
    """Test accuracy of one network."""
    overrides: dict[str, Any] = {
        "seed": seed,
        # From 4 to 40 updates an epoch.
        "data.batch_size": 16 if count < 200 else 64,
        "data.source.npz.path": str(folder / f"high_{count}_{seed}.npz"),
        "model.backbone.saved.path": str(folder / "low"),
    }
    if mode == "frozen":
        overrides["phases"] = FROZEN
    if mode == "scratch":
        del overrides["model.backbone.saved.path"]
        overrides.update(SCRATCH)
    name = "transfer_pretrain" if mode == "scratch" else "transfer_finetune"
    recipe = keras_recipes.load(name, overrides)
    keras.backend.clear_session()
    out = folder / f"{mode}_{count}_{seed}"
    return recipe.train(out=out, progress=False).test["accuracy"]


def main() -> None:
    """Write the data, train, and print the table."""
    parser = argparse.ArgumentParser(description="What pretraining is worth.")
    parser.add_argument("--mnist", type=Path, default=Path("mnist.npz"))
    parser.add_argument("--data", type=Path, help="folder for the files; then nothing is trained")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 50, 500])
    asked = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as made:
        folder = asked.data or Path(made)
        write(asked.mnist, folder, asked.counts, asked.seeds)
        if asked.data is not None:
            return
        low = keras_recipes.load(
            "transfer_pretrain", {"data.source.npz.path": str(folder / "low.npz")}
        ).train(out=folder / "low", progress=False)
        print(f"0 to 4: test accuracy {low.test['accuracy']:.4f}, {low.seconds:.0f} s", flush=True)
        print("| pictures a class | " + " | ".join(MODES) + " |\n|" + "---|" * (len(MODES) + 1))
        for count in asked.counts:
            cells = []
            for mode in MODES:
                found = [
                    100 * accuracy(mode, folder, count, seed) for seed in range(1, asked.seeds + 1)
                ]
                mean = statistics.mean(found)
                cells.append(f"{mean:.1f} % ({min(found):.1f} to {max(found):.1f})")
            print(f"| {count} | " + " | ".join(cells) + " |", flush=True)
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
