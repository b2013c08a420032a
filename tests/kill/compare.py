"""Two run directories that must be the same run: every bit of them, but for times and places."""

import json
import re
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.util.tensor_util import make_ndarray

# Keys of JSON files that tell of clocks, processes and places rather than of the training.
NOT_THE_RUN = re.compile(
    r"(.*_)?(seconds|time|date|started|began|finished|created|process|pid|directory|path|host)"
    r"|elapsed|resumed?|resumes|interruptions|shared_object_id"
    # Of files that have such keys in them; whether an RBM was trained by an earlier life.
    r"|size|sha256|cached"
)
# Pages and stories for people; who ran it, where and when; what is held while it runs.
FOR_PEOPLE = re.compile(r"report\.html|manifest\.json|.*\.lock|lock|traceback\.txt")
# A life that was cut short leaves whole-state checkpoints of other numbers behind.
STATE = re.compile(r"(|folds/[0-9]+/)checkpoints/state/state-[0-9]+/(.*)")
# TensorFlow seeds its global generator by the clock, and nothing in a recipe draws from it.
UNSEEDED = ("generators", "tensorflow")
# Stands in the JSON of a checkpoint for the array of that number.
ARRAY = "__array__"


def differences(one: Path, other: Path) -> list[str]:
    """What differs between two finished run directories, in a line each.

    Args:
        one: never interrupted.
        other: killed and resumed.
    """
    first, second = contents(one), contents(other)
    found = [f"{name}: only in the run never killed" for name in first.keys() - second.keys()]
    found += [f"{name}: only in the killed run" for name in second.keys() - first.keys()]
    for name in sorted(first.keys() & second.keys()):
        found += [f"{name}: {text}" for text in unlike(read(first[name]), read(second[name]))]
    found += [f"{other.name}: {text}" for text in history_faults(other)]
    return sorted(found)


def contents(run: Path) -> dict[str, Path]:
    """The files that are compared, and the newest whole-state checkpoint by a common name."""
    files = [path for path in sorted(run.rglob("*")) if path.is_file()]
    found = {}
    for path in files:
        name = str(path.relative_to(run))
        part = STATE.fullmatch(name)
        if part and part[2] == "state.json":
            found[f"{part[1]}newest state"] = path.parent
        elif not part and not FOR_PEOPLE.fullmatch(path.name):
            found[name] = path
    return found


def read(path: Path) -> Any:
    """The content of a file, so that what is equal compares as equal."""
    if path.is_dir():
        return state(path)
    if path.suffix == ".keras":
        return model(path)
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    if path.suffix == ".json":
        return timeless(json.loads(path.read_text(encoding="utf-8")))
    if "tfevents" in path.name:
        return events(path)
    if path.suffix == ".jsonl":
        return [timeless(json.loads(line)) for line in path.read_text("utf-8").splitlines()]
    return path.read_bytes()


def events(path: Path) -> dict[str, Any]:
    """What TensorBoard shows of an event file: the last value of each curve at each step.

    TensorFlow must not read it: its threads are not forked, and lives are forks of this process.
    """
    found, content, place = {}, path.read_bytes(), 0
    while place < len(content):
        # Length and its checksum, the record and its checksum.
        (length,) = struct.unpack_from("<Q", content, place)
        event = Event.FromString(content[place + 12 : place + 12 + length])
        place += 12 + length + 4
        for value in event.summary.value:
            if not value.tag.startswith("_hparams_/"):
                found[f"{value.tag} of step {event.step}"] = make_ndarray(value.tensor)
    return found


def state(folder: Path) -> Any:
    """A whole-state checkpoint, each array where the JSON speaks of it."""
    arrays = read(folder / "arrays.npz")

    def placed(value: Any) -> Any:
        if isinstance(value, dict) and ARRAY in value:
            return arrays[f"{value[ARRAY]:06d}"]
        if isinstance(value, dict):
            return {key: placed(item) for key, item in value.items()}
        return [placed(item) for item in value] if isinstance(value, list) else value

    content = placed(read(folder / "state.json"))
    content.get(UNSEEDED[0], {}).pop(UNSEEDED[1], None)
    for callback in content.get("callbacks", []):
        # Weights of the best epoch wait to be written until the clock allows; the file is compared.
        held = callback["state"] or {}
        if not any(isinstance(item, dict) for item in held.get("kept") or []):
            held.pop("kept", None)
    return content


def model(path: Path) -> dict[str, Any]:
    """A saved model: what it is, and every array in it."""
    found: dict[str, Any] = {}
    with zipfile.ZipFile(path) as archive:
        found["config.json"] = timeless(json.loads(archive.read("config.json")))
        with archive.open("model.weights.h5") as stream, h5py.File(stream) as weights:
            weights.visititems(
                lambda name, item: (
                    found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
                )
            )
    return found


def timeless(value: Any) -> Any:
    """JSON without what tells of clocks, processes and places."""
    if isinstance(value, dict):
        return {
            key: timeless(item) for key, item in value.items() if not NOT_THE_RUN.fullmatch(key)
        }
    return [timeless(item) for item in value] if isinstance(value, list) else value


def unlike(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Where two values differ; arrays bit by bit."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            if key not in one or key not in other:
                yield f"{path}/{key} is only in {'the first' if key in one else 'the second'}"
            else:
                yield from unlike(one[key], other[key], f"{path}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from unlike(*pair, f"{path}[{index}]")
    elif isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if (one.dtype, one.shape) != (other.dtype, other.shape):
            yield f"{path} {one.dtype}{one.shape} and {other.dtype}{other.shape}"
        elif one.tobytes() != other.tobytes():
            count = int((one != other).sum())
            yield f"{path} differs in {count} of {one.size} numbers"
    elif type(one) is not type(other) or (one != other and repr(one) != repr(other)):
        yield f"{path} {_short(one)} and {_short(other)}"


def _short(value: Any) -> str:
    text = f"{len(value)} items" if isinstance(value, list) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def history_faults(run: Path) -> list[str]:
    """Epochs that are missing from the metrics, or there twice."""
    found = []
    for path in sorted(run.rglob("metrics.jsonl")):
        lines = path.read_text(encoding="utf-8").splitlines()
        epochs = [json.loads(line)["epoch"] for line in lines]
        expected = list(range(epochs[0], epochs[0] + len(epochs))) if epochs else []
        if epochs != expected:
            found.append(f"{path.relative_to(run)} has the epochs {epochs}")
    return found
