"""Data that recipes beside this file train on and that is not in the repository."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES, COUNT = ("bright", "dark", "red"), 60


def pictures(folder: Path) -> Path:
    """A folder of PNG files of several sizes, a folder for each class.

    Pillow writes them: TensorFlow must not run in the parent of processes that are forked.
    """
    draw = np.random.default_rng(0)
    for number, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for index in range(COUNT):
            height, width = draw.integers(14, 24, 2)
            pixels = draw.integers(0, 160, (height, width, 3), dtype="uint8")
            pixels[..., : 1 if name == "red" else 3] += np.uint8(0 if name == "dark" else 60)
            Image.fromarray(pixels).save(folder / name / f"{number}_{index}.png")
    return folder


WORDS = ("good", "bad", "quiet", "loud", "warm", "cold", "coffee", "service", "table", "window")


def reviews(path: Path) -> Path:
    """A CSV file of sentences of a few words, a number, and whether a cafe was liked."""
    draw = np.random.default_rng(1)
    lines = ["review,stars,liked"]
    for _ in range(240):
        words = draw.choice(WORDS, draw.integers(1, 9))
        liked = (words == "good").sum() + (words == "warm").sum() > (words == "bad").sum()
        lines.append(f"{' '.join(words)},{draw.integers(1, 6)},{'yes' if liked else 'no'}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


NETWORK = {
    "name": "trained",
    "seed": 2,
    "data": {"source": "digits", "scale": "minmax"},
    "model": {
        "layers": [
            {"dense": {"units": 24, "activation": "relu"}},
            "batch_normalization",
            {"dense": {"units": 12, "activation": "relu", "name": "body"}},
        ]
    },
    "optimizer": "adam",
    "epochs": 2,
}


def network(folder: Path) -> Path:
    """The run directory of a small network, trained by the command."""
    recipe = folder.with_suffix(".yaml")
    recipe.write_text(json.dumps(NETWORK), encoding="utf-8")
    words = ["train", str(recipe), "--quiet", "--out", str(folder)]
    subprocess.run([sys.executable, "-m", "keras_recipes", *words], check=True, capture_output=True)
    return folder
