"""Names of parameters for people."""

from collections.abc import Sequence


def shortened(names: Sequence[str]) -> dict[str, str]:
    """The end of each name that tells it from the others, for people.

    >>> shortened(["optimizer.sgd.momentum", "model.layers[0].dense.units", "data.batch_size"])
    {'optimizer.sgd.momentum': 'momentum', 'model.layers[0].dense.units': 'units', \
'data.batch_size': 'batch_size'}
    """
    found = {}
    for name in names:
        parts = name.split(".")
        ends = [".".join(parts[-size:]) for size in range(1, len(parts) + 1)]
        found[name] = next(
            end
            for end in ends
            if end == name
            or not any(("." + other).endswith("." + end) for other in names if other != name)
        )
    return found
