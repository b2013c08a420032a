"""The lines of `metrics.jsonl`: one reader for reports, results and sweeps."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from .contents import JSONObject

METRICS = "metrics.jsonl"
# Epochs (from 1) and the value in each of them.
Curve = tuple[list[int], list[float]]


def read_metrics(run: Path) -> list[JSONObject]:
    """What a run has logged so far, one mapping per epoch.

    The run may still be writing, so reading stops at a line that is cut off; nothing is verified.
    """
    try:
        text = (run / METRICS).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return []
    lines: list[JSONObject] = []
    for line in text.splitlines():
        try:
            found: object = json.loads(line)
        except ValueError:
            break
        if not isinstance(found, dict):
            break
        lines.append(cast("JSONObject", found))
    return lines


def history(lines: Iterable[JSONObject]) -> dict[str, list[float | None]]:
    """Logged values by name, one per epoch; None where an epoch did not log that name.

    >>> history([{"epoch": 1, "loss": 2.0}, {"epoch": 2}])
    {'epoch': [1, 2], 'loss': [2.0, None]}
    """
    lines = list(lines)
    names = dict.fromkeys(name for line in lines for name in line)
    return {name: [line.get(name) for line in lines] for name in names}


def curves(lines: Iterable[Mapping[str, object]]) -> dict[str, Curve]:
    """The curve of each metric: its finite values and their epochs.

    >>> curves([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": None}])["loss"]
    ([1], [2.0])
    """
    found: dict[str, Curve] = {}
    for line in lines:
        epoch = line.get("epoch")
        if not isinstance(epoch, int):
            continue
        for name, value in line.items():
            if isinstance(value, (int, float)) and math.isfinite(value):
                epochs, values = found.setdefault(name, ([], []))
                epochs.append(epoch)
                values.append(float(value))
    return found
