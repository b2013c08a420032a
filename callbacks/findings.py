"""What a callback finds wrong with a training, and where it tells of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..arguments import check_bool, check_str, optional
from ..disk import Lines, when_there_is_space
from ..messages import logger
from .base import StatefulCallback, to_plain


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or that nothing is.

    Attributes:
        kind: its name, such as `vanishing`.
        epoch: epoch, from 1, that it is about, or since which it is so; 0 is before training.
        layer: path of the layer it is about, or None for the whole network.
        value: the number that tells.
        words: a sentence with the number in it.
        remedy: what usually mends it, or nothing.

    >>> str(Finding("dead", 3, "dense", 1.0, "`dense` is dead.", "Remedy: leaky_relu."))
    '`dense` is dead. Remedy: leaky_relu.'
    """

    kind: str
    epoch: int
    layer: str | None
    value: float
    words: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.words} {self.remedy}".strip()


class Diagnosis(StatefulCallback):
    """A callback that collects findings, prints each once, and may write a file.

    Args:
        path: file for a line of JSON with the numbers of each look, or None.
        verbose: whether what is found is printed to stderr, each kind and layer once.
    """

    STATE = ("found",)
    MID_EPOCH_STATE = ("waiting",)

    def __init__(self, path: str | None, verbose: bool):
        super().__init__()
        self.path = optional(check_str, "path", path)
        self._lines = None if self.path is None else Lines(self.path)
        self.verbose = check_bool("verbose", verbose)
        self.findings: list[Finding] = []

    @property
    def found(self) -> list[dict[str, Any]]:
        """The findings as plain data."""
        return [asdict(finding) for finding in self.findings]

    @found.setter
    def found(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.findings = [Finding(**row) for row in rows]

    @property
    def waiting(self) -> list[str]:
        """Lines that wait for space on the disk."""
        return [] if self._lines is None else self._lines.waiting

    @waiting.setter
    def waiting(self, lines: Iterable[str]) -> None:
        if self._lines is not None:
            self._lines.waiting = list(lines)

    def reset(self) -> None:
        self.findings = []

    def flush(self) -> None:
        if self._lines is not None:
            self._lines.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        when_there_is_space(self.flush)

    def kinds(self) -> set[str]:
        """Names of all that was found."""
        return {finding.kind for finding in self.findings}

    def tell(self, findings: Iterable[Finding], numbers: Mapping[str, Any]) -> None:
        """Keep the last finding of each kind and layer, print new ones, write the numbers."""
        found = list(findings)
        for finding in found:
            place = (finding.kind, finding.layer)
            others = [f for f in self.findings if (f.kind, f.layer) != place]
            if self.verbose and len(others) == len(self.findings):
                logger.info(f"{type(self).__name__}: {finding}")
            self.findings = [*others, finding]
        if self._lines is not None:
            line = to_plain({**numbers, "findings": [asdict(finding) for finding in found]})
            self._lines.add(json.dumps(line, allow_nan=False))
