"""Reports, lists and comparisons of runs: their time and size, on made-up run directories.

Run it with `python benchmarks/report_speed.py`. Times are of a whole process of the command line.
"""

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EPOCHS = 100
METRICS = ("loss", "accuracy", "auc", "learning_rate", "gradient_norm", "clipped_norm",
           "update_ratio", "val_loss", "val_accuracy", "val_auc")  # fmt: skip
RECIPE = "name: x\nseed: {seed}\nepochs: 100\noptimizer:\n  sgd:\n    momentum: {momentum}\n"
ROWS = 2000


def write_run(folder: Path, index: int, epochs: int = EPOCHS) -> Path:
    """A run as a training writes it, as far as lists and reports read it."""
    import numpy as np

    folder.mkdir(parents=True)
    metrics = {"loss": 0.5, "accuracy": 0.8}
    result = {
        "status": "completed", "directory": str(folder), "reason": "all epochs were trained",
        "epochs": epochs, "seconds": 10.0, "best_epoch": epochs, "validation": metrics,
        "test": metrics, "findings": ["Healthy."],
    }  # fmt: skip
    with open(folder / "metrics.jsonl", "w") as file:
        for epoch in range(1, epochs + 1):
            values = {name: math.sin(epoch + index) + 2 for name in METRICS}
            file.write(json.dumps({"epoch": epoch, "step": epoch, "seconds": 1.0, **values}) + "\n")
    with open(folder / "gradients.jsonl", "w") as file:
        for epoch in range(1, epochs + 1):
            norms = {f"dense_{layer}/kernel": 1.0 + math.cos(epoch) for layer in range(8)}
            file.write(json.dumps({"epoch": epoch, "gradients": norms, "weights": norms}) + "\n")
    (folder / "result.json").write_text(json.dumps(result))
    (folder / "manifest.json").write_text("{}")
    recipe = RECIPE.format(seed=index % 5, momentum=0.9 - index // 5 * 0.01)
    (folder / "recipe.yaml").write_text(recipe)
    (folder / "evidence.json").write_text(json.dumps({"test": {"digest": "same"}}))
    right = np.random.default_rng(index).random(ROWS) < 0.8
    np.savez(folder / "evidence.npz", **{"test/right": right.astype("float32")})
    return folder


def timed(*words: str) -> tuple[float, float]:
    """Seconds of a command: by the clock, and of the processor, which others do not share."""
    started, before = time.perf_counter(), used()
    command = [sys.executable, "-m", "keras_recipes", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started, used() - before


def used() -> float:
    """Seconds of the processor that commands have taken so far."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = [write_run(folder / "runs" / f"run{index:04d}", index) for index in range(1000)]
        long = write_run(folder / "long", 0, epochs=10_000)
        fifty = list(map(str, runs[:50]))
        page = str(folder / "page.html")

        def line(what: str, seconds: tuple[float, float], *, sized: bool = False) -> None:
            size = f", {os.path.getsize(page) / 1e6:.2f} MB" if sized else ""
            print(f"{what}: {seconds[0]:.2f} s, {seconds[1]:.2f} s of CPU{size}", flush=True)

        timed("--version")  # reads the files of the package once
        line("the command line alone (--version)", timed("--version"))
        line("page of a run of 100 epochs", timed("report", fifty[0], "-o", page), sized=True)
        line("page of a run of 10,000 epochs", timed("report", str(long), "-o", page), sized=True)
        line("page of 50 runs", timed("report", *fifty, "-o", page), sized=True)
        line("list of 1,000 runs of 100 epochs", timed("runs", str(folder / "runs")))
        line("comparison of 50 runs", timed("compare", *fifty, "--markdown"))
        picture = str(folder / "loss.svg")
        line("with a figure", timed("compare", *fifty, "--figure", picture))


if __name__ == "__main__":
    main()
