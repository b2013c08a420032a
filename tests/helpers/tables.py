"""Made-up tables with the columns of those that shipped recipes name and that do not ship."""

import csv
import random
from collections.abc import Callable
from pathlib import Path

Cells = Callable[[random.Random], str]

WORDS = ("the", "last", "night", "of", "a", "city", "love", "war", "days", "in", "paris", "street")


def words(*values: str) -> Cells:
    """A category."""
    return lambda draw: draw.choice(values)


def whole(low: int, high: int) -> Cells:
    """A whole number from low to high."""
    return lambda draw: str(draw.randint(low, high))


def real(low: float, high: float) -> Cells:
    """A number with a fraction."""
    return lambda draw: f"{draw.uniform(low, high):.2f}"


def holes(cells: Cells, fraction: float = 0.2) -> Cells:
    """The same, with empty cells."""
    return lambda draw: "" if draw.random() < fraction else cells(draw)


def title(draw: random.Random) -> str:
    """A few words."""
    return " ".join(draw.choices(WORDS, k=draw.randint(1, 5)))


LABELS = ("Action", "Animation", "Comedy", "Drama", "Documentary", "Romance", "Short")
COLUMNS: dict[str, dict[str, Cells]] = {
    "credit": {
        "Status": words("good", "good", "good", "bad"),
        "Seniority": whole(0, 48),
        "Home": holes(words("rent", "owner", "parents"), 0.01),
        "Time": whole(6, 72),
        "Age": whole(18, 68),
        "Marital": words("married", "single", "widow"),
        "Records": words("no", "yes"),
        "Job": holes(words("fixed", "freelance", "partime"), 0.01),
        "Expenses": whole(35, 180),
        "Income": holes(real(6, 905)),
        "Assets": holes(real(0, 300_000)),
        "Debt": holes(real(0, 30_000)),
        "Amount": whole(100, 4500),
        "Price": whole(125, 11_140),
    },
    "titanic": {
        "pclass": words("1st", "2nd", "3rd"),
        "survived": words("died", "survived"),
        "sex": words("female", "male"),
        "age": holes(real(0.2, 80)),
        "sibsp": whole(0, 8),
        "parch": whole(0, 9),
    },
    "diamonds": {
        "carat": real(0.2, 5),
        "cut": words("Fair", "Good", "Ideal"),
        "color": words("D", "E", "J"),
        "clarity": words("I1", "VS1", "IF"),
        "depth": real(43, 79),
        "table": real(43, 95),
        "price": whole(326, 18_823),
        **{axis: real(0, 10) for axis in "xyz"},
    },
    "movies": {
        "title": title,
        "year": whole(1893, 2005),
        "length": whole(1, 300),
        "budget": holes(whole(0, 2 * 10**8), 0.9),
        "rating": real(1, 10),
        "votes": whole(5, 150_000),
        "mpaa": holes(words("PG", "PG-13", "R"), 0.9),
        **{label: whole(0, 1) for label in LABELS},
    },
    "elecdemand": {
        "Demand": real(2.8, 9.4),
        "WorkDay": whole(0, 1),
        "Temperature": real(1.5, 43.2),
    },
    "flights": {
        "year": words("2013"),
        "month": whole(1, 12),
        "day": whole(1, 28),
        "dep_time": holes(whole(1, 2400), 0.03),
        "sched_dep_time": whole(500, 2359),
        "dep_delay": holes(whole(-40, 1300), 0.03),
        "arr_time": holes(whole(1, 2400), 0.03),
        "sched_arr_time": whole(1, 2359),
        "arr_delay": holes(whole(-80, 1270), 0.03),
        "carrier": words("UA", "AA", "B6"),
        "flight": whole(1, 8500),
        "tailnum": holes(words(*(f"N{number}" for number in range(14_000, 14_090))), 0.01),
        "origin": words("EWR", "JFK", "LGA"),
        "dest": words("IAH", "MIA", "ORD"),
        "air_time": holes(whole(20, 695), 0.03),
        "distance": whole(80, 4983),
        "hour": whole(5, 23),
        "minute": whole(0, 59),
        "time_hour": lambda draw: (
            f"2013-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"
            f"T{draw.randint(5, 23):02d}:00:00Z"
        ),
    },
}


# Recipes that read the table of another one, with cells that they name.
COLUMNS["movies_graph"] = {**COLUMNS["movies"]}
CUTS = ("Fair", "Good", "Very Good", "Premium", "Ideal")
COLUMNS["two_heads"] = {**COLUMNS["diamonds"], "cut": words(*CUTS)}
for network in ("convolution", "gru", "transformer"):
    COLUMNS[f"elecdemand_{network}"] = {**COLUMNS["elecdemand"]}


def write_table(name: str, folder: Path, rows: int = 300) -> Path:
    """Write the table that the recipe of a name reads, with random cells."""
    draw, path = random.Random(1), folder / f"{name}.csv"
    columns = COLUMNS[name]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([cells(draw) for cells in columns.values()] for _ in range(rows))
    return path
