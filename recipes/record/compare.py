"""Compare two runs file by file, bit for bit; the differences as sentences."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeGuard

import numpy as np

from . import directory as files
from .directory import RunDirectory
from .model_file import arrays_of

# What differs between any two runs: times in lines, and keys of the result.
TIMES = frozenset({"seconds"})
NOT_COMPARED = frozenset({"seconds", "process", "directory", "members", "folds", files.FILES})
SURROUNDINGS = ("versions", "machine", "settings", "environment")


def compare(first: RunDirectory, second: RunDirectory) -> list[str]:
    """The differences between two runs, a sentence each; empty if they are the same, bit for bit.

    Compared are the weights of all saved models, every line of metrics and gradients except times,
    and the results. Checkpoints are compared by `compare_states`.
    """
    results = [
        {k: v for k, v in run.read_json(files.RESULT, "status").items() if k not in NOT_COMPARED}
        for run in (first, second)
    ]
    return [
        *_models(first, second),
        *_lines(first, second, files.METRICS),
        *_lines(first, second, files.GRADIENTS),
        *_mappings(files.RESULT, *results),
    ]


def surroundings(first: RunDirectory, second: RunDirectory) -> list[str]:
    """Differences in the versions, machines and settings of two runs."""
    before, after = (run.read_json(files.MANIFEST) for run in (first, second))
    return [
        difference
        for name in SURROUNDINGS
        for difference in _mappings(name, before.get(name, {}), after.get(name, {}))
    ]


def compare_states(
    first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]
) -> Iterator[str]:
    """Differences between the variables of two checkpoints, in their order.

    Keras numbers the names of variables within a process, so only their order tells which is which.
    """
    if len(first) != len(second):
        yield f"state: {len(first)} variables, and {len(second)}"
    for (name, one), other in zip(first.items(), second.values(), strict=False):
        if not same_array(one, other):
            yield f"state: {name} differs"


def _models(first: RunDirectory, second: RunDirectory) -> Iterator[str]:
    names = [
        {str(path.relative_to(run.path)) for path in run.path.rglob("*.keras")}
        for run in (first, second)
    ]
    for name in sorted(names[0] ^ names[1]):
        yield f"{name}: only one of the runs has it"
    for name in sorted(names[0] & names[1]):
        yield from _mappings(name, *(arrays_of(_verified(run, name)) for run in (first, second)))


def _verified(run: RunDirectory, name: str) -> Path:
    """A file of a run, or of the part of a run that it belongs to."""
    parts = Path(name).parts
    if parts[0] in files.PARTS and len(parts) > 2:
        return _verified(RunDirectory(run / parts[0] / parts[1]), str(Path(*parts[2:])))
    return run.verified(name)


def _lines(first: RunDirectory, second: RunDirectory, name: str) -> Iterator[str]:
    one, other = (
        [{k: v for k, v in line.items() if k not in TIMES} for line in run.read_lines(name)]
        for run in (first, second)
    )
    if len(one) != len(other):
        yield f"{name}: {len(one)} lines, and {len(other)}"
    for number, (a, b) in enumerate(zip(one, other, strict=False), start=1):
        differences = list(_mappings(f"{name} line {number}", a, b))
        if differences:
            yield differences[0]
            return


def _mappings(
    name: str, first: Mapping[str, object], second: Mapping[str, object]
) -> Iterator[str]:
    """A sentence for each key whose values differ."""
    for key in sorted(set(first) | set(second)):
        if key not in first or key not in second:
            yield f"{name}: only one of the runs has {key}"
            continue
        one, other = first[key], second[key]
        if is_array(one) and is_array(other):
            if not same_array(one, other):
                yield f"{name}: {key} differs{_amount(one, other)}"
        elif one != other:
            yield f"{name}: {key} was {one!r}, is {other!r}"


def is_array(value: object) -> TypeGuard[np.ndarray]:
    """Whether a value is an array, for type checkers too."""
    return isinstance(value, np.ndarray)


def same_array(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two arrays are equal bit for bit, including NaN and the sign of zero."""
    return (
        first.dtype == second.dtype
        and first.shape == second.shape
        and first.tobytes() == second.tobytes()
    )


def _amount(first: np.ndarray, second: np.ndarray) -> str:
    if first.shape != second.shape or first.dtype.kind not in "fiu":
        return ""
    gap = np.abs(first.astype("float64") - second.astype("float64"))
    return f" in {int((gap > 0).sum())} of {gap.size} numbers, by {gap.max():.3g}"
