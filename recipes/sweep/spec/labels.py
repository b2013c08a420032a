"""Short words for values, so that a whole part of a recipe fits in a table's cell."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

MOST = 60


def same(one: object, other: object) -> bool:
    """Whether two plain values are equal, with true and 1 different.

    >>> same({"a": [1]}, {"a": [1]}), same(True, 1), same(1, 1.0)
    (True, False, True)
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is not dict and one == other


def index_of(values: Sequence[object], value: object) -> int | None:
    """The index of a value among others; None where it is not one of them."""
    return next((index for index, known in enumerate(values) if same(known, value)), None)


def short(value: object) -> str:
    """A value in a few characters: the name of a choice, the names in a list, or the value.

    >>> short({"adam": {"beta_1": 0.8}}), short([{"dense": {}}, {"dense": {}}, "flatten"])
    ('adam', 'dense x2, flatten')
    >>> short(0.1), short(None)
    ('0.1', 'null')
    """
    if isinstance(value, dict) and len(value) == 1:
        return str(next(iter(value)))
    if isinstance(value, (list, tuple)):
        names = [short(item) for item in value]
        runs = _joined([(word, len(list(run))) for word, run in groupby(names)])
        # A long list by how often each name is in it.
        return (runs if len(runs) <= MOST else _joined(Counter(names).items())[:MOST]) or "[]"
    if isinstance(value, str):
        return value[:MOST]
    return json.dumps(value, ensure_ascii=False, default=str)[:MOST]


def _joined(runs: Iterable[tuple[str, int]]) -> str:
    return ", ".join(word if count == 1 else f"{word} x{count}" for word, count in runs)


def labels(values: Sequence[object]) -> list[str]:
    """A different word for each value; where short words collide, a number is added.

    >>> labels([{"sgd": {"momentum": 0.0}}, {"sgd": {"momentum": 0.9}}, "adam"])
    ['sgd#1', 'sgd#2', 'adam']
    """
    words = [short(value) for value in values]
    return [
        f"{word}#{words[: index + 1].count(word)}" if words.count(word) > 1 else word
        for index, word in enumerate(words)
    ]
