"""One domain of a sweep's file: read, and every mistake in it told."""

import math
from dataclasses import dataclass
from typing import Any

from ...spec.fields import did_you_mean, listed, shown
from ...spec.nodes import Node
from .domains import count
from .records import Domain, Fixed, Int, LogUniform, Uniform
from .space_schema import DOMAINS

DOMAIN_WORDS = frozenset({*DOMAINS, "when"})
MOST_VALUES = 1000
MOST_DEPTH = 100
Problems = list[tuple[Node, str]]


@dataclass(frozen=True)
class Options:
    """The values of a choice, as nodes that may hold domains of their own."""

    nodes: tuple[Node, ...]
    ordered: bool = False


def is_hole(node: Node) -> bool:
    """Whether a node inside a value is a domain rather than a part of a recipe."""
    if not isinstance(node.value, dict) or len(set(node.value) - {"when"}) != 1:
        return False
    word = next(iter(set(node.value) - {"when"}))
    inner = node.value[word].value
    if word == "choice":
        return isinstance(inner, list) or (isinstance(inner, dict) and "values" in inner)
    if word == "stack":
        return isinstance(inner, dict) and "depth" in inner
    return word in ("uniform", "log_uniform", "int") and isinstance(inner, dict) and "min" in inner


def domain_of(node: Node, problems: Problems) -> Domain | Options | None:
    """The domain of a node; None, and problems, where there is none."""
    words = listed(DOMAINS)
    if not isinstance(node.value, dict):
        message = f"expected {words}, as `uniform: {{min: 0, max: 1}}`. "
        problems.append((node, f"{message}Received {shown(node.plain())}."))
        return None
    kinds = [word for word in node.value if word != "when"]
    if len(kinds) != 1 or kinds[0] not in DOMAINS:
        wrong = next((word for word in kinds if word not in DOMAINS), None)
        hint = did_you_mean(wrong, DOMAINS) if wrong else ""
        received = f" Received {listed(kinds)}." if kinds else ""
        problems.append((node, f"expected one of {words}.{hint}{received}"))
        return None
    body = node.value[kinds[0]]
    reader = READERS.get(kinds[0])
    if reader is None:
        return Fixed(body.plain())
    before = len(problems)
    found = reader(body, problems)
    return None if len(problems) > before else found


def _arguments(node: Node, known: dict[str, str], problems: Problems) -> dict[str, Any] | None:
    """The checked arguments of a domain: name -> `number`, `whole`, `flag` or `list`."""
    if not isinstance(node.value, dict):
        needs = ", ".join(f"{key}: ..." for key in ("min", "max") if key in known)
        problems.append((node, f"expected `{{{needs}}}`. Received {shown(node.plain())}."))
        return None
    found: dict[str, Any] = {}
    for key, child in node.value.items():
        if key not in known:
            hint = did_you_mean(key, known) or f" There are {listed(known)}."
            place = Node(None, child.key_place or child.place)
            problems.append((place, f"there is no argument `{key}` here.{hint}"))
            continue
        expected = CHECKS[known[key]](child.value)
        if expected is not None:
            problems.append((child, f"`{key}`: {expected} Received {shown(child.plain())}."))
            continue
        found[key] = child.value
    wrong = {key for key in node.value if key in known and key not in found}
    missing = [key for key in ("min", "max") if key in known and key not in {*found, *wrong}]
    if missing:
        problems.append((node, f"needs {listed(missing)}."))
    return None if missing or wrong else found


def _number(value: Any) -> str | None:
    fine = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300
    return None if fine and math.isfinite(value) else "expected a number."


def _whole(value: Any) -> str | None:
    fine = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    return None if fine else "expected a whole number."


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "expected true or false."


def _list(value: Any) -> str | None:
    return None if isinstance(value, list) else "expected a list."


def _range(value: Any) -> str | None:
    return None if isinstance(value, dict) else "expected `{min: 1, max: 3}`."


CHECKS = {"number": _number, "whole": _whole, "flag": _flag, "list": _list, "range": _range}


def _empty(node: Node, low: Any, high: Any, problems: Problems) -> bool:
    """Whether a range holds nothing, or one value alone."""
    if low < high:
        return False
    what = "is empty" if low > high else "has one value alone; `fixed` says that"
    problems.append((node, f"the range {what}: expected min < max. Received {low} and {high}."))
    return True


def _uniform(node: Node, problems: Problems) -> Uniform | None:
    known = {"min": "number", "max": "number", "step": "number"}
    found = _arguments(node, known, problems)
    if found is None or _empty(node, found["min"], found["max"], problems):
        return None
    low, high, step = float(found["min"]), float(found["max"]), found.get("step")
    if step is not None and not 0 < step <= high - low:
        message = f"`step`: expected more than 0 and at most {high - low:g}. Received {step}."
        problems.append((node.value["step"], message))
        return None
    return Uniform(low, high, None if step is None else float(step))


def _log_uniform(node: Node, problems: Problems) -> LogUniform | None:
    found = _arguments(node, {"min": "number", "max": "number"}, problems)
    if found is None:
        return None
    if found["min"] <= 0:
        message = f"`min`: zero and less have no logarithm. Received {found['min']}."
        problems.append((node.value["min"], message))
        return None
    if _empty(node, found["min"], found["max"], problems):
        return None
    return LogUniform(float(found["min"]), float(found["max"]))


def _int(node: Node, problems: Problems) -> Int | None:
    known = {"min": "whole", "max": "whole", "step": "whole", "log": "flag"}
    found = _arguments(node, known, problems)
    if found is None or _empty(node, found["min"], found["max"], problems):
        return None
    low, high, step = found["min"], found["max"], found.get("step", 1)
    if not 1 <= step <= high - low:
        message = f"`step`: expected 1 to {high - low}. Received {step}."
        problems.append((node.value["step"], message))
        return None
    if found.get("log") and low <= 0:
        message = f"`min`: zero and less have no logarithm. Received {low}."
        problems.append((node.value["min"], message))
        return None
    return Int(low, high, step, bool(found.get("log", False)))


def _choice(node: Node, problems: Problems) -> Options | None:
    ordered = False
    values = node
    if isinstance(node.value, dict):
        found = _arguments(node, {"values": "list", "ordered": "flag"}, problems)
        if found is None or "values" not in found:
            if found is not None:
                problems.append((node, "needs `values`."))
            return None
        ordered, values = bool(found.get("ordered", False)), node.value["values"]
    if not isinstance(values.value, list) or not 1 <= len(values.value) <= MOST_VALUES:
        message = f"expected a list of 1 to {MOST_VALUES} values. Received {shown(values.plain())}."
        problems.append((values, message))
        return None
    for child in values.value:
        if isinstance(child.value, float) and not math.isfinite(child.value):
            problems.append((child, f"expected a finite number. Received {child.value}."))
    return Options(tuple(values.value), ordered)


def _stack(node: Node, problems: Problems) -> Options | None:
    """The same layers `depth` times over each other, as an ordered choice of whole lists."""
    known = {"depth": "range", "layers": "list", "before": "list", "after": "list"}
    found = _arguments(node, known, problems)
    if found is None:
        return None
    lacking = [key for key in ("depth", "layers") if key not in found]
    if lacking:
        problems.append((node, f"needs {listed(lacking)}."))
        return None
    depth = _int(node.value["depth"], problems)
    if depth is None:
        return None
    if depth.min < 0 or depth.max > MOST_DEPTH or not found["layers"]:
        message = f"expected a depth of 0 to {MOST_DEPTH}, and a layer at least."
        problems.append((node, message))
        return None
    size = count(depth)
    assert size is not None
    before, after = found.get("before", []), found.get("after", [])
    return Options(
        tuple(
            Node([*before, *found["layers"] * (depth.min + index * depth.step), *after], node.place)
            for index in range(size)
        ),
        ordered=True,
    )


READERS = {
    "uniform": _uniform,
    "log_uniform": _log_uniform,
    "int": _int,
    "choice": _choice,
    "stack": _stack,
}
