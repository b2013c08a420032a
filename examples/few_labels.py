"""Pretraining against random weights, by how many labels there are.

Run:    python examples/few_labels.py [--labels 100 1000] [--seeds 1 2 3] [--split validation]

Each cell is the recipe `mnist_few_labels` with another `data.num_labeled` and seed, once as it is
and once with `pretraining=null`. The RBM of a seed is trained once, and kept for its other
cells. Printed are mean accuracies over the seeds, their spread, and the gain.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import keras_recipes

EVERY_ROW = "all"
LABELS = ("100", "1000", "10000", EVERY_ROW)
# What differs from the recipe, which is for 1,000 labels. The fewer there are, the more passes and
# the smaller batches: some thousand updates. Many labels allow a higher rate.
HIGHER_RATE = "learning_rate.polynomial.initial_learning_rate=0.1"
NO_DROPOUT = ["model.layers[1].dropout.rate=0.0", "model.layers[3].dropout.rate=0.0"]
SETTINGS = {
    "100": ["epochs=400", "data.batch_size=10"],
    "10000": ["epochs=15", HIGHER_RATE, *NO_DROPOUT],
    EVERY_ROW: ["epochs=20", HIGHER_RATE],
}


def overrides(labels: str, seed: int, pretrained: bool) -> list[str]:
    """What a cell changes in the recipe."""
    count = "null" if labels == EVERY_ROW else labels
    found = [f"data.num_labeled={count}", f"seed={seed}"]
    found += SETTINGS.get(labels, [])
    return found if pretrained else [*found, "pretraining=null"]


def accuracy(recipe: str, labels: str, seed: int, pretrained: bool, out: Path) -> dict[str, float]:
    """Validation and test accuracy of one cell, in per cent."""
    name = f"{labels}-{seed}-{'pretrained' if pretrained else 'random'}"
    loaded = keras_recipes.load(recipe, overrides(labels, seed, pretrained))
    result = loaded.train(out=out / name, progress=False)
    if result.status == "interrupted":
        raise SystemExit(result.reason)
    found = {"validation": result.validation["accuracy"], "test": result.test["accuracy"]}
    print(f"{name}: {100 * found['validation']:.2f} % {100 * found['test']:.2f} %", flush=True)
    return {split: 100 * value for split, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="mnist_few_labels")
    parser.add_argument("--labels", nargs="+", default=list(LABELS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--split", choices=["validation", "test"], default="test")
    given = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for labels in given.labels:
            cells = {
                kind: [
                    accuracy(given.recipe, labels, seed, kind == "pretrained", Path(folder))
                    for seed in given.seeds
                ]
                for kind in ("pretrained", "random")
            }
            own = {kind: [cell[given.split] for cell in found] for kind, found in cells.items()}
            means = {kind: statistics.mean(values) for kind, values in own.items()}
            spread = {kind: max(values) - min(values) for kind, values in own.items()}
            lines.append(
                f"{labels:>8}  {means['pretrained']:6.2f} ({spread['pretrained']:.2f})"
                f"  {means['random']:6.2f} ({spread['random']:.2f})"
                f"  {means['pretrained'] - means['random']:+.2f}"
            )
    print(f"{given.split} accuracy in per cent, mean over {len(given.seeds)} seeds (range)")
    print("  labels      pretrained          random   gain")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
