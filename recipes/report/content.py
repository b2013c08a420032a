"""What a page shows of a run directory, read once and checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..record import directory as files
from ..record.boxes import Box
from ..record.contents import JSONObject, PretrainingRecord
from ..record.directory import open_run, read_result
from ..record.metrics import Curve
from .thin import thinned_curves


class RunContent:
    """A run, as its files describe it.

    Raises:
        RequestError: a file is damaged.
    """

    def __init__(self, path: Path):
        run = open_run(path)
        self.run = run
        self.path = run.path
        self.name = run.path.resolve().name
        if run.path.resolve().parent.name == files.FOLDS:
            self.name = f"fold {self.name}"
        self.result = read_result(run)
        self.manifest = run.read_json(files.MANIFEST)
        self.recipe = run.read_text(files.RECIPE)
        self.problems: list[str] = []
        # The lines of a long run take much more memory than their curves.
        lines = run.read_lines(files.METRICS, self.problems)
        self.epochs_logged = len(lines)
        self.curves: dict[str, Curve] = thinned_curves(lines)
        # Files may be those of an earlier end of a run that was given more epochs.
        measured = bool(self.result.validation or self.result.test)
        self.quality = self._json(files.QUALITY) if measured else {}
        self.evidence = self._json(files.EVIDENCE) if measured else {}
        self.data = self._json(files.DATA)
        self.network = boxes_of(self._json(files.NETWORK))
        self.pretraining: PretrainingRecord | None = None
        if run.has(files.PRETRAINING):
            found = run.read_json(files.PRETRAINING, "layers", "handed")
            self.pretraining = PretrainingRecord(layers=found["layers"], handed=found["handed"])
        self.pictures: Mapping[str, np.ndarray] = {}
        if run.has(files.PICTURES):
            self.pictures = read_arrays(run.verified(files.PICTURES))

    def _json(self, name: str) -> JSONObject:
        return self.run.read_json(name) if self.run.has(name) else {}

    def gradients(self) -> list[JSONObject]:
        """The norms of each measurement."""
        return self.run.read_lines(files.GRADIENTS, self.problems)

    def activations(self) -> list[JSONObject]:
        """The measurements of a monitor of activations, wherever the recipe has it write them."""
        known = {files.METRICS, files.GRADIENTS}
        for path in sorted(self.path.glob("*.jsonl")):
            if path.name not in known and path.is_file() and not path.is_symlink():
                lines = self.run.read_lines(path.name, self.problems)
                if lines and all(isinstance(line.get("layers"), list) for line in lines):
                    return lines
        return []


def boxes_of(content: JSONObject) -> list[Box]:
    """The boxes of a network, those that come after what they take; none of a damaged file."""
    found: list[Box] = []
    names: set[str] = set()
    for box in content.get("boxes", []) if isinstance(content.get("boxes"), list) else []:
        if not isinstance(box, Mapping) or not isinstance(box.get("name"), str):
            return []
        lines, sources = box.get("lines", []), box.get("sources", [])
        if not _words(lines) or not _words(sources) or not set(sources) <= names:
            return []
        found.append(Box(box["name"], tuple(lines), tuple(sources)))
        names.add(box["name"])
    return found


def _words(value: object) -> bool:
    return isinstance(value, Sequence) and all(isinstance(word, str) for word in value)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a run; none if the file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError):
        return {}
