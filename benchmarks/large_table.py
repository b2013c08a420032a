"""A table twenty times as large as the memory that is allowed for data, trained for an epoch.

    python benchmarks/large_table.py [--gigabytes 4] [--format parquet] [--folder /tmp]

makes a table of numbers and categories, and trains on it in a process of its own with
`KERAS_RECIPES_MEMORY` set to a twentieth of its size. Prints the peak of the resident memory of
that process (VmHWM), rows a second of an epoch, the same for a part of the table in memory, and how
long it takes to take up an epoch in its middle.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

NUMBERS, CATEGORIES = 90, 6
PIECE = 1 << 16
# Bytes of a row as columns of float64 and short words.
ROW = 8 * NUMBERS + 10 * CATEGORIES


def recipe(path: Path, kind: str) -> dict[str, Any]:
    """A small network over all columns."""
    return {
        "name": "large",
        "data": {
            "source": {kind: {"path": str(path)}},
            "target": "y",
            "task": "regression",
            "validation": 1000,
            "test": 1000,
            "batch_size": 1024,
        },
        "model": {"layers": [{"dense": {"units": 64, "activation": "relu"}}]},
        "optimizer": "adam",
        "learning_rate": 0.001,
        "epochs": 1,
        "steps_per_execution": 16,
    }


def make(path: Path, rows: int, kind: str) -> None:
    """Write the table some rows at a time."""
    rng = np.random.default_rng(0)
    words = pa.array([f"word{index:02}" for index in range(20)])
    writer: Any = None
    for first in range(0, rows, PIECE):
        count = min(PIECE, rows - first)
        numbers = rng.normal(size=(NUMBERS, count)).round(6)
        columns: dict[str, Any] = {f"n{index}": row for index, row in enumerate(numbers)}
        for index in range(CATEGORIES):
            columns[f"c{index}"] = words.take(pa.array(rng.integers(0, 20, count)))
        columns["y"] = numbers[0] - numbers[1] + 0.1 * rng.normal(size=count)
        table = pa.table(columns)
        if writer is None:
            opened = parquet.ParquetWriter if kind == "parquet" else csv.CSVWriter
            writer = opened(str(path), table.schema)
        writer.write_table(table)
    writer.close()


def measured(path: Path, kind: str) -> dict[str, float]:
    """Train an epoch and measure it: run in a process of its own."""
    from keras_recipes.recipes.build.datasets import training_rows
    from keras_recipes.recipes.build.experiment import experiment
    from keras_recipes.recipes.build.inputs import data_of
    from keras_recipes.recipes.build.task import task_of
    from keras_recipes.recipes.data.order import training_dataset
    from keras_recipes.recipes.spec.load import load

    given = load(recipe(path, kind))
    start = time.perf_counter()
    data = data_of(given)
    read = time.perf_counter()
    built = experiment(given, data, Path("."))
    ready = time.perf_counter()
    model: Any = built.model
    model.fit(built.training.dataset, epochs=1, shuffle=False, verbose=0)
    end = time.perf_counter()
    split = built.data.train
    middle = built.training.steps // 2
    sought = time.perf_counter()
    again = training_dataset(split, batch_size=1024, seed=0, start_step=middle)
    again.epoch.assign(7)
    next(iter(again.dataset))
    found = {
        "data_of_s": read - start,
        "encoding_s": ready - read,
        "epoch_s": end - ready,
        "rows_a_second": len(split) / (end - ready),
        "seek_s": time.perf_counter() - sought,
    }
    assert training_rows(given, built.data, task_of(given, data)).steps == built.training.steps
    lines = Path("/proc/self/status").read_text().splitlines()
    for name in ("VmHWM", "VmRSS"):
        line = next(line for line in lines if line.startswith(name))
        found[f"{name}_MiB"] = int(line.split()[1]) / 1024
    return found


def in_a_process(path: Path, kind: str, cache: Path, allowed: int | None) -> dict[str, float]:
    """`measured` with a bound of the memory for data."""
    environment = {**os.environ, "KERAS_RECIPES_CACHE": str(cache), "TF_CPP_MIN_LOG_LEVEL": "3"}
    if allowed is not None:
        environment["KERAS_RECIPES_MEMORY"] = str(allowed)
    command = [sys.executable, __file__, "--measure", str(path), "--format", kind]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=4.0, help="size as columns in memory")
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    parser.add_argument("--folder", help="where the table and its cache are made")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure is not None:
        print(json.dumps(measured(given.measure, given.format)))
        return
    size = int(given.gigabytes * 2**30)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        large, part = Path(folder, f"large.{given.format}"), Path(folder, f"part.{given.format}")
        make(large, size // ROW, given.format)
        make(part, size // ROW // 20, given.format)
        print(f"{size // ROW} rows, {size / 2**30:.2f} GiB as columns, file", end=" ")
        print(f"{large.stat().st_size / 2**30:.2f} GiB")
        cache = Path(folder, "cache")
        for name, path, allowed in (
            ("first time", large, size // 20),
            ("next time", large, size // 20),
            ("a part, in memory", part, None),
        ):
            found = in_a_process(path, given.format, cache, allowed)
            print(f"{name:18}", "  ".join(f"{key} {value:.4g}" for key, value in found.items()))


if __name__ == "__main__":
    main()
