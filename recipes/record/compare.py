"""Two runs of one recipe, file by file: what is not the same, in words."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..run.model_file import arrays_of
from . import directory as files
from .directory import RunDirectory, result_of

# What no two runs share, by file.
TIMES = ("seconds",)
OWN = ("seconds", "process", "directory", "members", files.FILES)
SURROUNDINGS = ("versions", "machine", "settings", "environment")


def compare(first: RunDirectory, second: RunDirectory) -> list[str]:
    """A sentence for each thing that differs; none where the runs are the same, bit for bit.

    Compared are the saved models and checkpoints weight by weight, optimizer included, every line
    of the metrics and gradients but for times, and the result.
    """
    found = [
        *_models(first, second),
        *_lines(first, second, files.METRICS),
        *_lines(first, second, files.GRADIENTS),
        *_mappings(files.RESULT, _result(first), _result(second)),
        *_states(first, second),
    ]
    return found


def surroundings(first: RunDirectory, second: RunDirectory) -> list[str]:
    """What two runs were made with that was not the same: versions, machine, settings."""
    before, after = (run.read_json(files.MANIFEST) for run in (first, second))
    return [
        difference
        for name in SURROUNDINGS
        for difference in _mappings(name, before.get(name, {}), after.get(name, {}))
    ]


def _models(first: RunDirectory, second: RunDirectory) -> Iterator[str]:
    """The `.keras` files of both, whole states left out."""
    names = [_model_names(run) for run in (first, second)]
    for name in sorted(names[0] ^ names[1]):
        yield f"{name}: only one of the runs has it"
    for name in sorted(names[0] & names[1]):
        one, other = (arrays_of(_verified(run, name)) for run in (first, second))
        yield from _mappings(name, one, other, _same_array)


def _model_names(run: RunDirectory) -> set[str]:
    return {str(path.relative_to(run.path)) for path in run.path.rglob("*.keras")}


def _verified(run: RunDirectory, name: str) -> Path:
    """A file of a run, or of the member of an ensemble that it belongs to."""
    parts = Path(name).parts
    if parts[0] == files.MEMBERS and len(parts) > 2:
        return _verified(RunDirectory(run / parts[0] / parts[1]), str(Path(*parts[2:])))
    return run.verified(name)


def _states(first: RunDirectory, second: RunDirectory) -> Iterator[str]:
    """The whole states at the end: optimizer, training step and generators of the layers."""
    from ...callbacks.run_state import CheckpointStore, DamagedCheckpoint, check_state

    found = [CheckpointStore(run / files.STATE).search().newest for run in (first, second)]
    if found[0] is None or found[1] is None:
        if found[0] is not found[1]:
            yield "state: only one of the runs has a sound checkpoint"
        return
    rows = []
    for checkpoint in found:
        assert checkpoint is not None
        try:
            check_state(checkpoint)
        except DamagedCheckpoint as error:
            yield f"state: {error}"
            return
        groups = checkpoint.state["variables"]
        # Keras numbers names on within a process, so places tell more than paths.
        values = {
            f"{group} {index} ({row['path']})": checkpoint.arrays[row["value"]["__array__"]]
            for group, variables in groups.items()
            for index, row in enumerate(variables)
        }
        rows.append(values)
    one, other = (list(values.values()) for values in rows)
    wrong = [name for name, a, b in zip(rows[0], one, other, strict=False) if not _same_array(a, b)]
    if len(one) != len(other):
        yield f"state: {len(one)} variables, and {len(other)}"
    for name in wrong:
        yield f"state: {name} differs"


def _lines(first: RunDirectory, second: RunDirectory, name: str) -> Iterator[str]:
    one, other = (_without_times(run.read_lines(name)) for run in (first, second))
    if len(one) != len(other):
        yield f"{name}: {len(one)} lines, and {len(other)}"
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        differences = list(_mappings(f"{name} line {index + 1}", a, b))
        if differences:
            yield differences[0]
            return


def _without_times(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key not in TIMES} for line in lines]


def _result(run: RunDirectory) -> dict[str, Any]:
    return {key: value for key, value in result_of(run).items() if key not in OWN}


def _mappings(
    name: str,
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    same: Callable[[Any, Any], bool] = lambda a, b: a == b,
) -> Iterator[str]:
    """A sentence for each key whose values differ."""
    for key in sorted(set(first) | set(second)):
        if key not in first or key not in second:
            yield f"{name}: only one of the runs has {key}"
        elif not same(first[key], second[key]):
            yield f"{name}: {key} {_told(first[key], second[key])}"


def _same_array(first: Any, second: Any) -> bool:
    """Bit for bit, also where values are no numbers."""
    return (
        first.dtype == second.dtype
        and first.shape == second.shape
        and first.tobytes() == second.tobytes()
    )


def _told(first: Any, second: Any) -> str:
    if hasattr(first, "shape"):
        import numpy as np

        if first.shape != second.shape or first.dtype.kind not in "fiu":
            return "differs"
        gap = np.abs(first.astype("float64") - second.astype("float64"))
        return f"differs in {int((gap > 0).sum())} of {gap.size} numbers, by {gap.max():.3g}"
    return f"was {first!r}, is {second!r}"
