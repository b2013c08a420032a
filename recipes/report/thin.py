"""Curves with no more points than a chart shows."""

from collections.abc import Iterable, Mapping

from ..record.metrics import Curve, curves

# A chart is about 600 pixels wide: more points than this would not be visible.
MOST_POINTS = 600


def thinned_curves(lines: Iterable[Mapping[str, object]]) -> dict[str, Curve]:
    """The curve of each metric of a run, with no more points than a chart shows."""
    return {name: thinned(*curve) for name, curve in curves(lines).items()}


def thinned(epochs: list[int], values: list[float], most: int = MOST_POINTS) -> Curve:
    """At most `most` of the points: first, last, and the extremes of equally long stretches.

    >>> thinned([1, 2, 3, 4, 5, 6], [0.0, 9.0, 1.0, 1.0, -9.0, 0.0], most=4)
    ([1, 2, 5, 6], [0.0, 9.0, -9.0, 0.0])
    """
    count = len(values)
    if count <= most:
        return epochs, values
    stretch = -(-count // ((most - 2) // 2))
    kept = {0, count - 1}
    for begin in range(0, count, stretch):
        places = range(begin, min(begin + stretch, count))
        kept.add(min(places, key=values.__getitem__))
        kept.add(max(places, key=values.__getitem__))
    chosen = sorted(kept)
    return [epochs[place] for place in chosen], [values[place] for place in chosen]
