"""Seconds from a file of a table to numbers that are ready to train on, beside other readers.

    python benchmarks/tables_speed.py --data FOLDER [--repeats 5]

reads `flights.csv.gz` (336,776 rows) with the recipe `flights` into encoded blocks, the first time,
without a cache, and the next time, alternating with `read_csv` of pandas by both of its engines
(where it is installed, or in the folder `--pandas`) and of Arrow, all in one process. The bar is
twice pandas's `read_csv` as it comes the first time, and a second the next; the ratio is the median
over rounds.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from pyarrow import csv

from keras_recipes.recipes.build.encoding import encoded
from keras_recipes.recipes.build.inputs import data_of
from keras_recipes.recipes.spec.load import load

CONFIGS = Path(__file__).parents[1] / "configs"
FIRST, NEXT, PANDAS = "ready, first time", "ready, next time", "pandas read_csv"


def sides(file: Path, other: Path | None) -> dict[str, Callable[[], object]]:
    """What is timed, by name, in the order in which it is."""
    recipe = load(CONFIGS / "flights.yaml", [f"data.source.csv.path={file}"])
    found: dict[str, Callable[[], object]] = {}
    if other is not None:
        sys.path.append(str(other))
    try:
        import pandas

        found[PANDAS] = lambda: pandas.read_csv(file)
        found["pandas, its pyarrow"] = lambda: pandas.read_csv(file, engine="pyarrow")
    except ImportError:
        print("pandas is not there")
    found["pyarrow read_csv"] = lambda: csv.read_csv(file)

    def ready() -> object:
        return encoded(data_of(recipe))

    return {**found, FIRST: ready, NEXT: ready}


def main() -> None:
    """Print the seconds and the processor's seconds of each side, and the ratios to pandas."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pandas", type=Path, help="folder in which pandas is installed")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KERAS_RECIPES_CACHE"] = folder
        timed = sides(given.data / "flights.csv.gz", given.pandas)
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in timed}
        timed[FIRST]()  # TensorFlow starts slowly
        for _ in range(given.repeats):
            for name, run in timed.items():
                if name == FIRST:
                    shutil.rmtree(folder)
                start = time.perf_counter(), time.process_time()
                run()
                end = time.perf_counter(), time.process_time()
                seconds[name].append((end[0] - start[0], end[1] - start[1]))
    print(f"{'':20} {'best':>6} {'median':>7} {'processor':>10}")
    for name, found in seconds.items():
        wall, cpu = [row[0] for row in found], [row[1] for row in found]
        print(f"{name:20} {min(wall):6.2f} {median(wall):7.2f} {median(cpu):10.2f}")
    for name in (FIRST, NEXT) if PANDAS in seconds else ():
        rounds = list(zip(seconds[name], seconds[PANDAS], strict=True))
        of_wall, of_cpu = (median(mine[i] / other[i] for mine, other in rounds) for i in (0, 1))
        print(f"{name} / {PANDAS}: {of_wall:.2f}, of the processor {of_cpu:.2f} (bar 2 the first)")


if __name__ == "__main__":
    main()
