"""What makes two sweeps the same one: a sweep that is continued must not be another."""

import hashlib
import json
from typing import Any

from ...spec.dump import to_plain
from ..spec.load import trial_recipe
from ..spec.records import Sweep

# These may change between two starts: how fast, how long and what for, not what is searched.
FREE = ("jobs", "trials", "epochs", "seconds", "max_consecutive_failures", "retries")
ANSWER = ("evaluate_test", "ensemble", "source", "tree", "recipe", "base", "name")


def identity(sweep: Sweep) -> dict[str, Any]:
    """What is searched, in plain values; two sweeps with the same are continued as one."""
    told = {
        name: getattr(sweep, name)
        for name in type(sweep).__dataclass_fields__
        if name not in (*FREE, *ANSWER, "parameters")
    }
    told["space"] = [
        [parameter.name, parameter.domain, sorted(parameter.when.items())]
        for parameter in sweep.parameters
    ]
    told["recipe"] = to_plain(base_recipe(sweep))
    return json.loads(json.dumps(told, default=_plain, sort_keys=True))


def base_recipe(sweep: Sweep) -> Any:
    """The recipe with none of the space's keys changed."""
    return trial_recipe(sweep, {})


def fingerprint(sweep: Sweep) -> str:
    """SHA-256 of the identity."""
    return hashlib.sha256(json.dumps(identity(sweep), sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields is None:
        return repr(value)
    shown = {name: getattr(value, name) for name in fields}
    return {"type": type(value).__name__, **{k: v for k, v in shown.items() if k not in PLACES}}


PLACES = frozenset({"line", "column", "place"})
