"""Mutated data files through the sources of files: rows that train, or one `DataError`.

    python tests/fuzz/data_files.py --count 1000 --seed 1

Each case writes a sound archive or table, makes it wrong at random (cut short, bits flipped,
headers that claim a trillion rows, pickles, bombs, ragged rows, strange cells, other encodings),
and loads it as a recipe would. What is loaded must be finite numbers; what is refused must say why;
nothing may last, take memory beyond what the file warrants, or be unpickled. The exit status is 1
if any case failed.
"""

import argparse
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import files
import harness
import numpy as np

from keras_recipes.recipes.data import Data, Splits, load_data
from keras_recipes.recipes.data.features import FEATURES
from keras_recipes.recipes.data.fitted import FITTED
from keras_recipes.recipes.data.frame import Frame
from keras_recipes.recipes.data.table import NO_TABLE, TableOptions
from keras_recipes.recipes.errors import DataError

# Of computing; a case takes some 0.02 s.
SECONDS = 5
# Python itself and the parsers; then so many bytes a byte of the table or of the rows that were
# read, and what a deflated archive can honestly unfold to.
MEBIBYTES, TIMES, UNFOLDS = 48, 40, {"csv": 1, "jsonl": 1, "parquet": 1, "npz": 1100}
# A gzip file, and what it can honestly unfold to.
GZIP = 1100
ADDRESS_SPACE = 8 << 30
# Paths that are no files; reading the first would never end.
NO_FILES = ("/dev/zero", "/dev/null", "/dev", "/proc/self/mem", "absent", "", "x/" * 3000, "a\0b")


class Fuzzer:
    """A folder with one data file in it, made wrong again and again."""

    def __init__(self, folder: Path, seed: int):
        self.folder, self.seed = folder, seed
        self.tally = harness.Tally()

    def case(self, number: int) -> None:
        """Make one file wrong and load it."""
        dice = random.Random(f"{self.seed}/{number}")
        source, packed, content, arguments = dice.choice(files.CASES)(dice)
        path = self.folder / f"file.{source}{packed}"
        path.write_bytes(content)
        where = str(path)
        if dice.random() < 0.01:
            where = dice.choice(NO_FILES)
        splits = Splits(
            validation=dice.choice((None, 0.15, 0.5, 3)), test=dice.choice((None, "auto", 0.2))
        )
        scale = dice.choice(("none", "minmax", "standardize"))
        limit = dice.choice((None, None, None, 5))
        own, task, table = arguments, None, NO_TABLE
        if source != "npz":
            own, task, table = split(arguments)
        resident, began = harness.forget_peak(), time.perf_counter()
        name, size = f"case {number} ({source})", len(content) * UNFOLDS[source] // TIMES
        if packed:
            size = len(content) * GZIP // TIMES
        try:
            with harness.limited(SECONDS), np.errstate(all="ignore"):
                loaded = load_data(
                    source, {"path": where, **own}, splits=splits, scale=scale, limit=limit,
                    task=task, table=table,
                )  # fmt: skip
        except DataError as error:
            outcome, wrong = f"{source}: refused", complaint(str(error))
        except (Exception, harness.Hang) as error:
            outcome, wrong = "", f"{type(error).__name__}: {str(error)[:300]}"
        else:
            outcome, wrong = f"{source}: loaded", unsound(loaded)
            size += len(content) + loaded.train.y.nbytes
            if isinstance(loaded.train.x, np.ndarray):
                size += loaded.train.x.nbytes
        more = harness.peak() - resident
        self.tally.cost(name, time.perf_counter() - began, more)
        if wrong is None and more > MEBIBYTES * 1024 + TIMES * size / 1024:
            wrong = f"took {more / 1024:.0f} MiB for {size} bytes"
        if (self.folder / "unpickled").exists():
            (self.folder / "unpickled").unlink()
            wrong = "unpickled an object"
        if wrong is None:
            self.tally.count(outcome)
        else:
            kept = Path(tempfile.gettempdir()) / f"fuzz-{self.seed}-{number}.{source}{packed}"
            shutil.copy(path, kept)
            self.tally.fail(f"{wrong} ({kept}, {arguments})", name)


def split(
    arguments: dict[str, Any],
) -> tuple[dict[str, Any], Any, TableOptions]:
    """The arguments of the source, the task, and what is said of the columns."""
    named = {"target", "features", "task"}
    own = {name: value for name, value in arguments.items() if name not in named}
    features = arguments.get("features")
    if features is not None:
        features = {name: FEATURES.get(kind, lambda k=kind: k)() for name, kind in features.items()}
    return own, arguments.get("task"), TableOptions((arguments["target"],), features)


def complaint(message: str) -> str | None:
    """What is wrong with a message; None where it is one that a person can read."""
    return harness.complaint(harness.Ended(2, "", message))


def unsound(data: Data) -> str | None:
    """What is wrong with rows that were loaded."""
    if isinstance(data.train.x, Frame):
        learned = FITTED.dump_python(data.features)
        values = [value for each in learned for value in each.values() if isinstance(value, float)]
        return None if np.isfinite(values).all() else "features that are not finite"
    if not np.isfinite(data.train.x.astype("float64")).all():
        return "rows that are not finite"
    if len(data.train.x) != len(data.train.y) or not len(data.train.x):
        return f"{len(data.train.x)} rows and {len(data.train.y)} targets"
    if not np.isfinite(data.scaling.apply(data.train.x)).all():
        return "scaled rows that are not finite"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="a single case, by its number")
    request = parser.parse_args()
    warnings.simplefilter("ignore")  # NumPy's, about odd headers
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    numbers = range(request.count) if request.only is None else [request.only]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        fuzzer = Fuzzer(Path(folder), request.seed)
        for number in numbers:
            fuzzer.case(number)
        os.chdir("/")
    print(fuzzer.tally.table())
    print(f"{len(numbers)} data files, {len(fuzzer.tally.failures)} failed")
    return 1 if fuzzer.tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
