"""How many planted faults `check-data` finds, and how often it is wrong about sound data.

    python benchmarks/check_data.py --data FOLDER

Faults of random kind, place and strength are planted, one at a time, into 2,000 random rows of four
public tables (credit.csv, titanic.csv, diamonds.csv, movies.csv in FOLDER). A fault counts as found
where the check names its kind and its place; what it says of the same rows without the fault does
not count. Of that, what is true of the public tables is told apart from false alarms: `budget` and
`mpaa` of movies.csv are missing in nine of ten rows.
"""

import argparse
import csv
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_recipes.recipes.data import Splits, load_data
from keras_recipes.recipes.data.check import check_data
from keras_recipes.recipes.data.split import SplitBy
from keras_recipes.recipes.data.table import TableOptions
from keras_recipes.recipes.spec.tasks import Task

ROWS = 2000
TARGETS = {"credit": "Status", "titanic": "survived", "diamonds": "price", "movies": "rating"}
CLASSES = ("Status", "survived")
# What is so in the public tables, whatever rows are drawn of them: no false alarm.
TRUE = {
    ("movies", "missing cells", "column `budget`"),
    ("movies", "missing cells", "column `mpaa`"),
}
Table = dict[str, np.ndarray]


@dataclass(frozen=True)
class Fault:
    """A fault that was planted: what the check should call it, and where it is."""

    kind: str
    place: str
    by_order: bool = False


def constant(table: Table, target: str, draw: np.random.Generator) -> Fault:
    """A column with one value."""
    table["planted"] = np.full(len(table[target]), draw.choice(["0", "yes", "2013-01-01"]))
    return Fault("no information", "planted")


def missing(table: Table, target: str, draw: np.random.Generator) -> Fault:
    """A column that lost 60 to 95 % of its cells."""
    name = str(draw.choice([name for name in table if name != target]))
    lost = draw.random(len(table[name])) < draw.uniform(0.6, 0.95)
    table["planted"] = np.where(lost, "", table[name])
    return Fault("missing cells", "planted")


def identifier(table: Table, target: str, draw: np.random.Generator) -> Fault:
    """A column that names the rows."""
    rows = len(table[target])
    numbers = draw.permutation(rows) + int(draw.integers(0, 10**6))
    text = [f"id-{number:07d}" for number in numbers]
    table["planted"] = np.array(text if draw.random() < 0.5 else numbers.astype(str))
    return Fault("no information", "planted")


def duplicate(table: Table, target: str, draw: np.random.Generator) -> Fault:
    """A copy of a column under another name."""
    name = str(draw.choice([name for name in table if name != target]))
    table["planted"] = table[name].copy()
    return Fault("equal columns", "planted")


def leakage(table: Table, target: str, draw: np.random.Generator) -> Fault:
    """A column known only after the target, which gives it away."""
    y = table[target]
    try:
        numbers = y.astype(float)
    except ValueError:
        names = {name: f"code-{index}" for index, name in enumerate(np.unique(y))}
        table["planted"] = np.array([names[value] for value in y])
    else:
        noise = draw.normal(size=len(y)) * numbers.std() * draw.uniform(0, 0.05)
        table["planted"] = (draw.uniform(0.5, 3) * numbers + noise).astype(str)
    return Fault("leakage", "planted")


def drift(table: Table, target: str, draw: np.random.Generator) -> Fault:
    """A column that moves with time, where the latest rows test."""
    rows = len(table[target])
    moved = np.arange(rows) / rows * draw.uniform(1.5, 4) * draw.choice([-1, 1])
    table["planted"] = np.round(moved + draw.normal(size=rows), 4).astype(str)
    return Fault("drift", "planted", by_order=True)


def repeated(table: Table, target: str, draw: np.random.Generator) -> Fault:
    """Rows that were entered twice: 5 to 30 % of them."""
    rows = len(table[target])
    count = int(rows * draw.uniform(0.05, 0.3))
    places = np.concatenate([np.arange(rows - count), draw.integers(0, rows - count, count)])
    for name in table:
        table[name] = table[name][places]
    return Fault("repeated rows", "split")


def grouped(table: Table, target: str, draw: np.random.Generator) -> Fault:
    """Several rows of each customer, patient or the like."""
    rows = len(table[target])
    groups = draw.integers(0, int(rows / draw.uniform(2, 15)), rows)
    name = str(draw.choice(["customer", "PatientId", "user_id", "household", "subject"]))
    table[name] = np.array([f"g{group}" for group in groups] if draw.random() < 0.5 else groups)
    return Fault("group overlap", "split")


def rare(table: Table, target: str, draw: np.random.Generator) -> Fault:
    """A class with a handful of rows."""
    y = table[target].astype(object)
    y[draw.permutation(len(y))[: int(draw.integers(5, 11))]] = "planted"
    table[target] = y.astype(str)
    return Fault("rare class", "planted")


FAULTS: tuple[Callable[[Table, str, np.random.Generator], Fault], ...] = (
    constant, missing, identifier, duplicate, leakage, drift, repeated, rare, grouped,
)  # fmt: skip


def read(path: Path, draw: np.random.Generator) -> Table:
    """Random rows of a table, without those that stand in it twice."""
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    unique = list(dict.fromkeys(map(tuple, rows)))
    chosen = draw.choice(len(unique), min(ROWS, len(unique)), replace=False)
    cells = np.array([unique[index] for index in chosen])
    return {name: cells[:, index] for index, name in enumerate(header)}


def found(table: Table, target: str, *, by_order: bool) -> set[tuple[str, str]]:
    """Kind and place of all that the check finds."""
    columns = {**table, "order": np.arange(len(table[target])).astype(str)}
    options = TableOptions(
        target=(target,),
        features={"*": "auto", "order": "drop"},
        split_by=SplitBy("time", "order") if by_order else None,
    )
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *zip(*columns.values(), strict=True)])
        file.flush()
        task: Task = "classification" if target in CLASSES else "regression"
        data = load_data(
            "csv", {"path": file.name}, splits=Splits(0.15, 0.15), task=task, table=options
        )
    # That the order counts the rows is no fault.
    every = {(finding.kind, finding.place) for finding in check_data(data, data)}
    return {(kind, place) for kind, place in every if "`order`" not in place}


def main() -> None:
    """Plant, check, and print a line for each kind."""
    parser = argparse.ArgumentParser(description="Plant faults, and count those that are found.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    draw = np.random.default_rng(arguments.seed)
    planted, seen = Counter[str](), Counter[str]()
    alarms: Counter[tuple[str, str, str]] = Counter()
    for number in range(arguments.faults):
        plant = FAULTS[number % len(FAULTS)]
        names = [name for name in TARGETS if plant is not rare or name in ("credit", "titanic")]
        name = str(draw.choice(names))
        target, table = TARGETS[name], read(arguments.data / f"{name}.csv", draw)
        before = found(dict(table), target, by_order=plant is drift)
        alarms.update((name, kind, place) for kind, place in before)
        fault = plant(table, target, draw)
        after = found(table, target, by_order=fault.by_order) - before
        planted[plant.__name__] += 1
        hit = any(kind == fault.kind and fault.place in place for kind, place in after)
        seen[plant.__name__] += hit
        if not hit:
            print(f"missed: {plant.__name__} in {name}; found {sorted(after)}")
    for kind, count in planted.items():
        print(f"{kind:<12} {seen[kind]} of {count}")
    print(f"{'all':<12} {seen.total()} of {planted.total()}")
    for alarm, count in alarms.most_common():
        what = "true without a fault" if alarm in TRUE else "FALSE ALARM"
        print(f"{what}, in {count} of {arguments.faults} samples: {', '.join(alarm)}")
    print(f"false alarms: {sum(count for alarm, count in alarms.items() if alarm not in TRUE)}")


if __name__ == "__main__":
    main()
